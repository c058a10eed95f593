import { randomBytes, randomUUID } from 'node:crypto';

const version7 = 0x70;
const variant = 0x80;

/** A UUID of version 7 (RFC 9562, section 5.7): it sorts by the time it was made. */
export function timeId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | version7, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | variant, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The smallest id of a moment, for searching a range of time. */
export function earliestId(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

const timeIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const isTimeId = (text: string): boolean => timeIdPattern.test(text);

/** A handle that cannot be guessed: 122 random bits. */
export const randomHandle = (): string => randomUUID();

/** 128 random bits in base64, to be hashed with what is too short to be hashed alone. */
export const randomSalt = (): string => randomBytes(16).toString('base64');
