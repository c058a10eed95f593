import { TlogError } from './tlog-error.js';

/** Sizes and indexes are below this: they have to fit in a signed 64-bit integer, as in every other implementation. */
export const sizesEnd = 1n << 63n;

/** A size or an index below 2^63 in decimal, without leading zeros (tlog-checkpoint, Note text), or `malformed`. */
export function parseDecimal(text: string): bigint {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || text.endsWith('\n')) throw new TlogError('malformed', 'expected a decimal number without leading zeros');
  const number = BigInt(text);
  if (number >= sizesEnd) throw new TlogError('malformed', 'expected a number below 2^63');
  return number;
}

/** Refuses a size or an index that no tree has. */
export function checkNumber(number: bigint): void {
  if (number < 0n || number >= sizesEnd) throw new TlogError('out_of_range', 'expected a number from 0 to 2^63 - 1');
}
