import { expect, test } from 'vitest';
import { standingOf } from './standing-bounds.js';

test.each([
  ['count=10,within=7d', { count: 10, withinMs: 604_800_000 }],
  [' within=30m , count=1 ', { count: 1, withinMs: 1_800_000 }],
  ['count=3,within=2h,sum=amount:99.5', { count: 3, withinMs: 7_200_000, sum: { argument: 'amount', most: 99.5 } }],
])('the bounds of a standing approval are those that were said: %s', (text, bounds) => {
  expect(standingOf(text)).toEqual(bounds);
});

test.each([
  ['count=5', '`within` is missing'],
  ['within=7d', '`count` is missing'],
  ['', '`` is none of'],
  ['count=x,within=7d', '`count` expects a whole number'],
  ['count=x', '`count` expects a whole number'],
  ['count=0,within=7d', '`count` expects a whole number'],
  ['count=1.5,within=7d', '`count` expects a whole number'],
  ['count=1e3,within=7d', '`count` expects a whole number'],
  ['count=,within=7d', '`count` expects a whole number'],
  ['count=5,within=week', '`within` expects a time'],
  ['count=5,within=0d', '`within` expects a time'],
  ['count=5,within=7d,sum=amount', '`sum` expects an argument and a number'],
  ['count=5,within=7d,sum=', '`sum` expects an argument and a number'],
  ['count=5,within=7d,most=3', '`most=3` is none of'],
  ['count=5,count=9,within=7d', '`count` is there twice'],
  ['forever', '`forever` is none of'],
])('law: bounds that do not say what is meant are refused, with what is wrong and an example: %s', (text, what) => {
  expect(() => standingOf(text)).toThrow(what);
  expect(() => standingOf(text)).toThrow('count=10,within=7d');
});
