import { randomUUID } from 'node:crypto';

let countedMs = -1;
let counter = 0;
let time = '';

/**
 * A UUID of version 7 (RFC 9562, section 5.7): it sorts by the time it was made. Those that this process makes in one
 * millisecond sort in the order in which they were made: a counter of 26 bits (section 6.2, method 1) stands before
 * 48 random bits, and starts at 24 other random bits, so that two nodes do not meet.
 */
export function timeId(nowMs: number): string {
  const ms = Math.max(0, nowMs);
  const random = randomUUID();
  if (ms === countedMs) counter = (counter + 1) & 0x3ffffff;
  else {
    [countedMs, counter] = [ms, Number.parseInt(random.slice(0, 6), 16)];
    time = timeOf(ms);
  }
  return `${time}-7${hex(counter >>> 14, 3)}-${hex(0x8000 | (counter & 0x3fff), 4)}${random.slice(23)}`;
}

/** The first 48 bits, as they are written. */
function timeOf(ms: number): string {
  const digits = hex(Math.max(0, ms), 12);
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The smallest id of a moment, for searching a range of time. */
export function earliestId(ms: number): string {
  return `${timeOf(ms)}-7000-8000-000000000000`;
}

const timeIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const isTimeId = (text: string): boolean => timeIdPattern.test(text);

/** A handle that cannot be guessed: 122 random bits. */
export const randomHandle = (): string => randomUUID();

/** 122 random bits, to be hashed with what is too short to be hashed alone. */
export const randomSalt = (): string => randomUUID();
