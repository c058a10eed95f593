import { CedarError, overflow } from '../errors.js';

/**
 * A 64-bit signed integer: a number while it is a safe integer, a bigint beyond. One value has one form, so
 * `===` is equality, and JavaScript's `<` compares both forms exactly.
 */
export type Long = number | bigint;

const least = -(2n ** 63n);
const most = 2n ** 63n - 1n;

/** The one form of a value; `undefined` when it does not fit into 64 bits. */
export function toLong(value: bigint): Long | undefined {
  if (value < least || value > most) return undefined;
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** Reads a JSON number or bigint. Throws {@link CedarError} for what is no 64-bit integer. */
export function readLong(value: number | bigint): Long {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
    throw new CedarError('expected an integer; one beyond 2^53 is given as a bigint, or in JSON text');
  }
  const long = toLong(value);
  if (long === undefined) throw new CedarError('expected an integer of 64 bits');
  return long;
}

const checked = (value: bigint, operation: string): Long => {
  const long = toLong(value);
  if (long === undefined) throw overflow(operation);
  return long;
};

const isSmall = (value: Long): value is number => typeof value === 'number';

export function add(left: Long, right: Long): Long {
  if (isSmall(left) && isSmall(right)) {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return checked(BigInt(left) + BigInt(right), 'add');
}

export function subtract(left: Long, right: Long): Long {
  if (isSmall(left) && isSmall(right)) {
    const difference = left - right;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return checked(BigInt(left) - BigInt(right), 'subtract');
}

export function multiply(left: Long, right: Long): Long {
  if (isSmall(left) && isSmall(right)) {
    const product = left * right;
    if (Number.isSafeInteger(product)) return product === 0 ? 0 : product;
  }
  return checked(BigInt(left) * BigInt(right), 'multiply');
}

export const negate = (value: Long): Long => (isSmall(value) ? (value === 0 ? 0 : -value) : checked(-value, 'negate'));

/** Division towards zero, by a positive divisor. */
export const divide = (value: Long, by: number): Long => (isSmall(value) ? Math.trunc(value / by) + 0 : checked(value / BigInt(by), 'divide'));

/** The remainder that is never negative, by a positive divisor. */
export function modulo(value: Long, by: number): number {
  if (isSmall(value)) return ((value % by) + by) % by;
  const divisor = BigInt(by);
  return Number(((value % divisor) + divisor) % divisor);
}
