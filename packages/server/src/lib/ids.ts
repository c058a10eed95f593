import { randomUUID } from 'node:crypto';

/** A UUID of version 7 (RFC 9562, section 5.7): it sorts by the time it was made. */
export function timeId(nowMs: number): string {
  const time = Math.max(0, nowMs).toString(16).padStart(12, '0');
  // A random UUID has its version at place 14; what follows is random and has the variant where it belongs.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
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

/** 122 random bits, to be hashed with what is too short to be hashed alone. */
export const randomSalt = (): string => randomUUID();
