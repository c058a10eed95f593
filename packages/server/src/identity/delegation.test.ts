import type { JsonObject } from '@flyball/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits } from '../lib/limits.js';
import { readDelegation } from './delegation.js';

/** `act` claims for a list of actors, the one who acts now first. */
const chainOf = (actors: readonly string[]): JsonObject => {
  const [first, ...rest] = actors;
  return first === undefined ? {} : { act: { sub: first, ...chainOf(rest) } };
};

test('story: who acts, for whom, and through whom', () => {
  expect(readDelegation({}, 'svc')).toEqual({ actor: 'svc', chain: [] });
  expect(readDelegation(chainOf(['agent']), 'alice')).toEqual({ actor: 'agent', onBehalfOf: 'alice', chain: [] });
  expect(readDelegation(chainOf(['child', 'parent', 'root']), 'alice')).toEqual({ actor: 'child', onBehalfOf: 'alice', chain: ['parent', 'root'] });
});

test.each<[string, JsonObject, RegExp]>([
  ['a cycle through the subject', chainOf(['agent', 'alice']), /an actor appears twice/],
  ['a cycle among the actors', chainOf(['agent', 'broker', 'agent']), /an actor appears twice/],
  ['an actor for itself', chainOf(['alice']), /an actor appears twice/],
  ['a fifth link', chainOf(['a', 'b', 'c', 'd', 'e']), /more than 4 links/],
  ['a link that is null', { act: null }, /link 1 has no `sub`/],
  ['a link that is a list', { act: [{ sub: 'agent' }] }, /link 1 has no `sub`/],
  ['a link that is a text', { act: 'agent' }, /link 1 has no `sub`/],
  ['a link without a name', { act: {} }, /link 1 has no `sub`/],
  ['a link with an empty name', { act: { sub: '' } }, /link 1 has no `sub`/],
  ['a link whose name is a list', { act: { sub: ['agent'] } }, /link 1 has no `sub`/],
  ['a second link that was cut off', { act: { sub: 'agent', act: {} } }, /link 2 has no `sub`/],
  ['a third link that is null', { act: { sub: 'a', act: { sub: 'b', act: null } } }, /link 3 has no `sub`/],
])('abuse 11: %s is refused and named', (_name, claims, expected) => {
  expect(() => readDelegation(claims, 'alice')).toThrow(expect.objectContaining({ code: 'unauthenticated', message: 'token refused: delegation', detail: expect.stringMatching(expected) as string }) as Error);
});

test('abuse 11: a chain of a thousand links is refused before it is walked to its end', () => {
  expect(() => readDelegation(chainOf(Array.from({ length: 1_000 }, (_, i) => `a${i}`)), 'alice')).toThrow('token refused: delegation');
});

test('law: every accepted chain is short, names everybody once and loses nobody', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { maxLength: 7 }), fc.constantFrom('a', 'z'), (actors, subject) => {
      const valid = actors.length <= limits.chainDepthMax && new Set([subject, ...actors]).size === actors.length + 1;
      if (!valid) {
        expect(() => readDelegation(chainOf(actors), subject)).toThrow('token refused');
        return;
      }
      const { actor, onBehalfOf, chain } = readDelegation(chainOf(actors), subject);
      expect([actor, ...chain, ...(onBehalfOf === undefined ? [] : [onBehalfOf])]).toEqual(actors.length === 0 ? [subject] : [...actors, subject]);
    }),
  );
});
