import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesGlob } from './glob.js';

test.each<[string, string, boolean]>([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything/at all', true],
  ['**', '', true],
  ['a', 'a', true],
  ['a', 'A', false],
  ['a*', 'a', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['ab*ba', 'aba', false],
  ['a*b*c', 'aXbYc', true],
  ['a*b*c', 'acb', false],
  ['a*bc*c', 'abc', false],
  ['payment.*', 'payment.release', true],
  ['payment.*', 'paymentXrelease', false],
  ['a.c', 'abc', false],
  ['a?c', 'abc', false],
  ['[a]', 'a', false],
  ['^a$', 'a', false],
  ['a', 'a\n', false],
  ['a*', 'a\nb', true],
  ['a', '*', false],
])('abuse 21: pattern %j, text %j: %j', (pattern, text, expected) => {
  expect(matchesGlob(pattern, text)).toBe(expected);
});

const characters = fc.constantFrom('a', 'b', '*', '.', '\\');
const texts = fc.string({ unit: characters, maxLength: 8 });

test('law: only `*` is special, and it stands for any run of characters', () => {
  const asExpression = (pattern: string) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*')}$`);
  fc.assert(fc.property(texts, texts, (pattern, text) => matchesGlob(pattern, text) === asExpression(pattern).test(text)), { numRuns: 2_000 });
});

test('abuse 18: a pattern of many stars on a long text takes linear time', () => {
  const start = performance.now();
  expect(matchesGlob('a*'.repeat(1_000), `${'a'.repeat(100_000)}b`)).toBe(true);
  expect(matchesGlob(`${'*a'.repeat(1_000)}*c`, 'a'.repeat(100_000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(5_000);
});
