import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bothEngines, ofContext, outcomeOf, policyWhen, value } from '../../../../test/support/cedar-kit.js';
import { CedarError, EvaluationError } from '../errors.js';
import { attempt } from '../expressions/parts.js';
import { add, divide, type Long, modulo, multiply, negate, readLong, subtract, toLong } from './long.js';
import { CedarSet, equals, identityOf } from './value.js';

const least = -(2n ** 63n);
const most = 2n ** 63n - 1n;
const edges = [least, least + 1n, -(2n ** 53n) - 1n, -(2n ** 53n), -(2n ** 53n) + 1n, -(2n ** 32n), -1n, 0n, 1n, 2n, 86_400_000n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, most - 1n, most];
const exact = fc.oneof(fc.constantFrom(...edges), fc.bigInt(least, most), fc.bigInt(-(2n ** 54n), 2n ** 54n));
const long = (exactly: bigint): Long => toLong(exactly) ?? 0;
const within = (exactly: bigint) => exactly >= least && exactly <= most;

test('law: an integer has one form: a number while it is safe, a bigint beyond', () => {
  fc.assert(fc.property(exact, (exactly) => {
    const form = long(exactly);
    expect(BigInt(form)).toBe(exactly);
    expect(typeof form).toBe(Number.isSafeInteger(Number(exactly)) ? 'number' : 'bigint');
    expect(readLong(exactly)).toBe(form);
  }));
  expect([toLong(least - 1n), toLong(most + 1n)]).toEqual([undefined, undefined]);
});

test.each<[string, (left: Long, right: Long) => Long, (left: bigint, right: bigint) => bigint]>([
  ['+', add, (left, right) => left + right],
  ['-', subtract, (left, right) => left - right],
  ['*', multiply, (left, right) => left * right],
])('law: %s is exact or overflows, at every edge, and its result has the one form', (_name, operate, exactly) => {
  fc.assert(fc.property(exact, exact, (left, right) => {
    const result = attempt(() => operate(long(left), long(right)));
    if (within(exactly(left, right))) expect(Object.is(result, long(exactly(left, right)))).toBe(true);
    else expect(result).toMatchObject({ kind: 'overflow' });
  }), { numRuns: 2_000 });
  for (const left of edges) for (const right of edges) expect(attempt(() => operate(long(left), long(right))) instanceof EvaluationError).toBe(!within(exactly(left, right)));
});

test('law: negation, division and remainder are exact at every edge, and nothing is ever minus zero', () => {
  fc.assert(fc.property(exact, fc.constantFrom(1, 1_000, 60_000, 3_600_000, 86_400_000), (exactly, by) => {
    const divisor = BigInt(by);
    expect(Object.is(divide(long(exactly), by), long(exactly / divisor))).toBe(true);
    expect(Object.is(modulo(long(exactly), by), Number(((exactly % divisor) + divisor) % divisor))).toBe(true);
    if (exactly > least) expect(Object.is(negate(long(exactly)), long(-exactly))).toBe(true);
  }), { numRuns: 2_000 });
  expect(attempt(() => negate(least))).toMatchObject({ kind: 'overflow' });
  expect(Object.is(readLong(-0), 0)).toBe(true);
});

test('law: order and equality are those of the integers, and equal integers are one member of a set', () => {
  fc.assert(fc.property(exact, exact, (left, right) => {
    expect(long(left) < long(right)).toBe(left < right);
    expect(long(left) <= long(right)).toBe(left <= right);
    expect(equals(long(left), long(right))).toBe(left === right);
    expect(identityOf(long(left)) === identityOf(long(right))).toBe(left === right);
    expect(new CedarSet([long(left), long(right)]).size).toBe(left === right ? 1 : 2);
  }));
});

test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53), 2n ** 63n, least - 1n])('attack: %s is no integer of Cedar', (wrong) => {
  expect(() => readLong(wrong)).toThrow(CedarError);
});

test('law: arithmetic on safe integers is that of the reference engine', () => {
  const [a, b] = [ofContext('a'), ofContext('b')];
  const ask = bothEngines(Object.fromEntries(['+', '-', '*'].flatMap((operator) => ['<', '==', '>='].map((relation) => [`a ${operator} b ${relation} b`, policyWhen({ [relation]: { left: { [operator]: { left: a, right: b } }, right: b } })]))));
  const safe = fc.oneof(fc.constantFrom(0, 1, -1, 2, 1_025, 4_294_967_296, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER), fc.maxSafeInteger());
  fc.assert(fc.property(safe, safe, (left, right) => {
    const { own, reference } = ask({ a: left, b: right });
    expect(own).toEqual(reference);
  }), { numRuns: 500 });
});

test('attack: an integer of 2^63 is refused as a literal, and a negated least one overflows', () => {
  expect(() => outcomeOf(value(2n ** 63n))).toThrow('expected an integer of 64 bits');
  expect(outcomeOf({ '==': { left: { neg: { arg: value(least) } }, right: value(0) } })).toContain('overflow');
});
