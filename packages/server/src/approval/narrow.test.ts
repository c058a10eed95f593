import type { JsonObject, Modification } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Narrowing, Vote } from '../action/states.js';
import { applyModification } from './modify.js';
import { narrowed, verifyNarrowing } from './narrow.js';

const vote = (narrow?: Narrowing): Vote => ({ person: 'ann', authority: 'ann', entry: 'e', atMs: 0, signed: false, ...(narrow && { narrow }) });
const times = { nowMs: 1_000, deadlineMs: 5_000 };

describe('what narrows nothing is refused', () => {
  test.each<[string, Narrowing, JsonObject]>([
    ['a cap above what was asked', { caps: { amount: 101 } }, { amount: 100 }],
    ['a cap below zero: a payment the other way', { caps: { amount: -1 } }, { amount: 100 }],
    ['a cap of what is below zero, where less is more', { caps: { amount: -200 } }, { amount: -100 }],
    ['a cap of what is not there', { caps: { limit: 5 } }, { amount: 100 }],
    ['a cap of a text', { caps: { amount: 5 } }, { amount: '100' }],
    ['a cap of a list', { caps: { amount: 5 } }, { amount: [100] }],
    ['a cap that is no number', { caps: { amount: NaN } }, { amount: 100 }],
    ['a cap without end', { caps: { amount: Infinity } }, { amount: 100 }],
    ['a cap of a member of every object', { caps: { constructor: 5 } as unknown as Record<string, number> }, { amount: 100 }],
    ['a cap of what policy sets', { caps: { mode: 5 } }, { mode: 10 }],
    ['an end in the past', { untilMs: 1_000 }, {}],
    ['an end after the question\'s', { untilMs: 5_001 }, {}],
  ])('attack: %s', (_name, narrow, args) => {
    expect(() => verifyNarrowing(narrow, args, { mode: true }, times)).toThrow(expect.objectContaining({ code: 'request_malformed' }) as Error);
  });

  test('story: to nothing, to the same, to the last moment', () => {
    expect(() => verifyNarrowing({ caps: { amount: 0 }, untilMs: 5_000 }, { amount: 100 }, {}, times)).not.toThrow();
    expect(() => verifyNarrowing({ caps: { amount: 100 }, untilMs: 1_001 }, { amount: 100 }, {}, times)).not.toThrow();
  });
});

test('law: with whatever answers, what runs is never more than what was asked nor than policy caps', () => {
  const amount = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(amount, fc.option(amount, { nil: undefined }), fc.array(fc.option(amount, { nil: undefined }), { maxLength: 4 }), (asked, most, caps) => {
      const modification: Modification | undefined = most === undefined ? undefined : { caps: { amount: most }, sets: { mode: 'x' }, redact: ['pii'] };
      const agreed = caps.map((cap) => vote(cap === undefined ? undefined : { caps: { amount: Math.min(cap, asked) } }));
      const result = narrowed(modification, agreed);
      const runs = result ? applyModification({ amount: asked }, result)['amount'] : asked;
      expect(runs).toBe(Math.min(asked, most ?? Infinity, ...caps.map((cap) => Math.min(cap ?? Infinity, asked))));
      if (modification) expect(result).toMatchObject({ sets: { mode: 'x' }, redact: ['pii'] });
    }),
  );
});
