import { Decimal } from '../values/decimal.js';
import { toLong } from '../values/long.js';
import type { Value } from '../values/value.js';

const perUnit = 10_000n;

/** A whole or a decimal number in ten-thousandths; nothing for any other value. */
export function tenThousandthsOf(value: Value | undefined): bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value) * perUnit;
  return value instanceof Decimal ? BigInt(value.tenThousandths) : undefined;
}

/** A sum as a value: whole where it is, else decimal. One beyond 64 bits is what it is, and compares so. */
export function fromTenThousandths(sum: bigint): Value {
  if (sum % perUnit !== 0n) return Decimal.ofTenThousandths(sum);
  const whole = sum / perUnit;
  return toLong(whole) ?? whole;
}

/** Which of two numbers is greater, whatever their kinds; nothing where one is no number. */
export function difference(left: Value, right: Value): bigint | number | undefined {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [first, second] = [tenThousandthsOf(left), tenThousandthsOf(right)];
  return first === undefined || second === undefined ? undefined : first - second;
}
