import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPage, tokenFor } from './page.js';

const question = { identity: 'shop', action: 'read' };
const page = (page: unknown) => ({ page }) as never;

test('law: a token goes on where it was given, with the limit of the first page', () => {
  fc.assert(fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.nat(1_000), (after, limit) => {
    const token = tokenFor(after, limit, question);
    expect(readPage(page({ token }), question)).toEqual({ after, limit });
    expect(readPage(page({ token, limit }), question)).toEqual({ after, limit });
  }));
});

test('attack: no other text is a token, and none is one for another question', () => {
  const token = tokenFor('record::"r1', 5, question);
  fc.assert(fc.property(fc.nat(token.length - 1), fc.constantFrom(...'Aa0_-.'), (at, letter) => {
    const bent = token.slice(0, at) + letter + token.slice(at + 1);
    if (bent !== token) expect(() => readPage(page({ token: bent }), question)).toThrow('page.token');
  }));
  expect(() => readPage(page({ token }), { ...question, identity: 'other' })).toThrow('page.token');
  for (const other of [`${token}=`, `${token} `, 'x'.repeat(10_000), 5, null, {}]) expect(() => readPage(page({ token: other }), question)).toThrow('page.token');
});

test('law: a limit is an integer that is not negative, and never more than a page may have', () => {
  expect(readPage({}, question).limit).toBe(1_000);
  expect(readPage(page({ limit: 5_000 }), question).limit).toBe(1_000);
  expect(readPage(page({ limit: 0 }), question).limit).toBe(0);
  for (const limit of [-1, 1.5, '5', null]) expect(() => readPage(page({ limit }), question)).toThrow('page.limit');
  for (const wrong of [null, 5, 'x', []]) expect(() => readPage(page(wrong), question)).toThrow('`page`');
});
