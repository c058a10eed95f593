import type { JsonObject } from '@flyball/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { identity } from '../../../../test/support/identity-kit.js';
import { sessionState, situated } from '../../../../test/support/policy-kit.js';
import { attemptDigest } from './digest.js';
import type { Resource, Situated } from './states.js';

interface Parts {
  readonly attempt: Situated;
  readonly action: string;
  readonly resources: readonly Resource[];
  readonly bundle: string;
}

const base: Parts = { attempt: situated({ args: { amount: 5, payee: 'acme' } }), action: 'payment.release', resources: [{ type: 'payee', id: 'acme' }], bundle: 'sha256:one' };
const digest = ({ attempt, action, resources, bundle }: Parts) => attemptDigest(attempt, action, resources, bundle);
const call = (over: Partial<Situated['call']>): Parts => ({ ...base, attempt: { ...base.attempt, call: { ...base.attempt.call, ...over } } });
const principal = (over: Partial<Situated['principal']>): Parts => ({ ...base, attempt: { ...base.attempt, principal: { ...base.attempt.principal, ...over } } });

test.each<[string, Parts]>([
  ['another tenant', { ...base, attempt: { ...base.attempt, tenant: 'other' } }],
  ['another identity', principal({ identity: identity({ id: 'robot2' }) })],
  ['on behalf of somebody', principal({ onBehalfOf: 'ann' })],
  ['through somebody', principal({ chain: ['broker'] })],
  ['another session', { ...base, attempt: { ...base.attempt, session: { ...base.attempt.session, state: sessionState({ id: 'other' }) } } }],
  ['another action', { ...base, action: 'payment.refund' }],
  ['another resource', { ...base, resources: [{ type: 'payee', id: 'evil' }] }],
  ['a resource more', { ...base, resources: [...base.resources, { type: 'payee', id: 'evil' }] }],
  ['type and id shifted', { ...base, resources: [{ type: 'payee/acme', id: '' }] }],
  ['another policy version', { ...base, bundle: 'sha256:two' }],
  ['another upstream', call({ upstream: 'bank2' })],
  ['another method', call({ method: 'prompts/get' })],
  ['another name', call({ name: 'pay2' })],
  ['another amount', call({ args: { amount: 5.0001, payee: 'acme' } })],
  ['an amount in text', call({ args: { amount: '5', payee: 'acme' } })],
  ['an argument more', call({ args: { amount: 5, payee: 'acme', note: '' } })],
  ['an argument that is null', call({ args: { amount: 5, payee: 'acme', note: null } })],
  ['an argument less', call({ args: { amount: 5 } })],
  ['another tool definition', call({ tool: { name: 'pay', digest: 'sha256:changed', accepted: true, definition: {} } })],
])('abuse 29: %s is another digest', (_name, changed) => {
  expect(digest(changed)).not.toBe(digest(base));
});

test('story: what does not change the effect does not change the digest', () => {
  const reordered = call({ args: { payee: 'acme', amount: 5 } });
  const later = { ...base, attempt: { ...base.attempt, id: 'another attempt', receivedAtMs: 1, session: { ...base.attempt.session, version: 9 } } };
  expect([digest(reordered), digest(later)]).toEqual([digest(base), digest(base)]);
});

test('law: two attempts share a digest only if every part is the same, whatever separators are in them', () => {
  const word = fc.string({ unit: fc.constantFrom('a', '"', ',', ':', '|', '/', '\\', '{', '}', '\u0000'), maxLength: 3 });
  const parts = fc.record({ upstream: word, method: word, name: word, args: fc.dictionary(word, fc.oneof(word, fc.integer({ min: -1, max: 1 }), fc.constant(null))) });
  fc.assert(
    fc.property(parts, parts, (left, right) => {
      const of = (over: { readonly upstream: string; readonly method: string; readonly name: string; readonly args: Readonly<Record<string, unknown>> }) => digest(call({ ...over, args: over.args as JsonObject }));
      const sorted = ({ args, ...rest }: typeof left) => JSON.stringify([rest, Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1))]);
      return (of(left) === of(right)) === (sorted(left) === sorted(right));
    }),
    { numRuns: 500 },
  );
});
