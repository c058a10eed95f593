import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bothEngines, cedar, ofContext, outcomeOf, environmentOf, policyWhen, value } from '../../../../test/support/cedar-kit.js';
import { CedarError } from '../errors.js';
import type { Json } from '../values/json.js';
import { find } from './find.js';
import { Pattern } from './like.js';

const characters = fc.constantFrom('a', 'b', 'ab', '*', '\\', '"', 'é', '😀', '\n', '\u0000', '');
const text = fc.array(characters, { maxLength: 10 }).map((parts) => parts.join(''));
const pattern = fc.array(fc.oneof(fc.constant<Json>('Wildcard'), text.map((literal): Json => ({ Literal: literal }))), { maxLength: 6 });
const megabyte = 1 << 20;

test('law: a pattern matches what it matches in the reference engine', () => {
  let matched = 0;
  fc.assert(fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 4 }), (elements, texts) => {
    const ask = bothEngines({ p: policyWhen({ like: { left: ofContext('t'), pattern: elements } }) });
    for (const t of [...texts, Pattern.fromJson(elements).shortest]) {
      const { own, reference } = ask({ t });
      expect(own, JSON.stringify({ elements, t })).toEqual(reference);
      if (own.decision === 'allow') matched++;
    }
  }), { numRuns: 500 });
  expect(matched).toBeGreaterThan(400);
});

test('law: a pattern that is printed is read back as one that matches the same', () => {
  fc.assert(fc.property(pattern, text, (elements, t) => {
    const own = Pattern.fromJson(elements);
    const parsed = cedar.policyToJson(`permit(principal, action, resource) when { "" like ${own.toString()} };`);
    if (parsed.type !== 'success') throw new Error(own.toString());
    const [condition] = parsed.json.conditions as unknown as readonly { readonly body: { readonly like: { readonly pattern: Json } } }[];
    const read = Pattern.fromJson(condition?.body.like.pattern);
    expect(read.toString()).toBe(own.toString());
    expect(read.matches(t)).toBe(own.matches(t));
    expect(own.matches(own.shortest)).toBe(true);
  }));
});

test('law: what is sought is found where indexOf finds it, however long it is', () => {
  const long = fc.array(fc.constantFrom('a', 'aa', 'b', 'aab', 'a'.repeat(20), `${'ab'.repeat(20)}`), { maxLength: 30 }).map((parts) => parts.join(''));
  fc.assert(fc.property(long, long, fc.nat(50), (haystack, needle, from) => {
    for (const sought of [needle, haystack.slice(5, 60), haystack.slice(-45), `${haystack.slice(0, 40)}c`]) expect(find(haystack, sought, from)).toBe(haystack.indexOf(sought, from));
  }), { numRuns: 2_000 });
});

test.each<[string, readonly Json[], string, boolean]>([
  ['a hundred thousand wildcards', [...Array.from({ length: 100_000 }, () => [{ Literal: 'a' }, 'Wildcard']).flat(), { Literal: 'b' }], 'a'.repeat(megabyte), false],
  ['half a million wildcards that match', Array.from({ length: 500_000 }, () => [{ Literal: 'a' }, 'Wildcard']).flat(), 'a'.repeat(megabyte), true],
  ['wildcards only', Array.from({ length: 500_000 }, () => 'Wildcard'), 'a'.repeat(megabyte), true],
  ['a literal that nearly matches everywhere', ['Wildcard', { Literal: `${'a'.repeat(100_000)}b${'a'.repeat(100_000)}` }, 'Wildcard'], 'a'.repeat(megabyte), false],
  ['a literal that differs at its end', ['Wildcard', { Literal: `${'a'.repeat(megabyte / 2)}b` }, 'Wildcard'], 'a'.repeat(megabyte), false],
  ['many short literals that nearly match', Array.from({ length: 10_000 }, () => ['Wildcard', { Literal: 'aaaaaaaaaaaaaaab' }]).flat(), `${'a'.repeat(megabyte)}`, false],
])('attack: %s, over a megabyte, take no more than a moment', (_name, elements, t, matches) => {
  const began = performance.now();
  expect(outcomeOf({ like: { left: ofContext('t'), pattern: elements } }, environmentOf({ t }))).toBe(matches ? 'allow' : 'deny');
  // What was product of both lengths took minutes; the bound is generous for a busy machine.
  expect(performance.now() - began).toBeLessThan(5_000);
});

test.each<[string, Json]>([['a text', 'a*'], ['another word', ['wildcard']], ['a number', [{ Literal: 1 }]], ['null', [null]], ['half a surrogate pair', [{ Literal: '\ud800' }]]])('attack: %s is no pattern', (_name, wrong) => {
  expect(() => Pattern.fromJson(wrong)).toThrow(CedarError);
});

test('attack: two halves of a character are no pattern, though together they would be one', () => {
  expect(() => Pattern.fromJson([{ Literal: '\ud83d' }, { Literal: '\ude00' }])).toThrow(CedarError);
  expect(outcomeOf({ like: { left: value(1), pattern: ['Wildcard'] } })).toContain('expected string');
});
