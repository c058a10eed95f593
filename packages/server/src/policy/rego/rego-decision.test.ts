import type { Decision, Outcome } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRegoDecision, type RegoTerms } from './rego-decision.js';

const terms: RegoTerms = { digest: 'bundle', approverGroups: new Set(['finance', 'security']), facts: new Set(['change_window', 'vendor']), evidence: new Set(['invoice']), actionGroups: new Map() };
const read = (result: unknown): Decision => readRegoDecision(result, terms, 'rego');
const policies = [{ id: 'limit', reason: 'too much' }];
const asking = { policy: 'rego/limit', reason: 'too much' };
const nothing = { approvals: [], facts: [], bundle: 'bundle' };
const verdict = (effect: 'permit' | 'forbid') => [{ policy: 'rego/limit', effect, result: 'satisfied' as const, reason: 'too much' }];
const modification = { caps: { limit: 100 }, sets: { dry_run: true, mode: 'read' }, redact: ['pii', 'secret'] };

test.each<[string, unknown, Decision]>([
  ['allow', { outcome: 'allow', policies }, { outcome: 'allow', kind: 'permitted', verdicts: verdict('permit'), ...nothing }],
  ['deny', { outcome: 'deny', policies }, { outcome: 'deny', kind: 'forbidden', verdicts: verdict('forbid'), ...nothing }],
  ['modify', { outcome: 'modify', policies, modify: { ...modification, redact: ['secret', 'pii', 'pii'] } }, { outcome: 'modify', kind: 'permitted', verdicts: verdict('permit'), ...nothing, modification }],
  ['modify with one part', { outcome: 'modify', policies, modify: { redact: ['pii'] } }, { outcome: 'modify', kind: 'permitted', verdicts: verdict('permit'), ...nothing, modification: { caps: {}, sets: {}, redact: ['pii'] } }],
  ['step_up, all of it', { outcome: 'step_up', policies, approvals: [{ approvers: 'finance', quorum: 2, evidence: ['invoice'], within: '30m' }, { approvers: 'security' }] }, { outcome: 'step_up', kind: 'needs_approval', verdicts: verdict('forbid'), ...nothing, approvals: [{ ...asking, approvers: 'finance', quorum: 2, evidence: ['invoice'], withinMs: 1_800_000 }, { ...asking, approvers: 'security', quorum: 1, evidence: [], withinMs: 14_400_000 }] }],
  ['step_up that also changes', { outcome: 'step_up', policies, approvals: [{ approvers: 'finance', within: '1s' }], modify: { caps: { limit: 5 } } }, { outcome: 'step_up', kind: 'needs_approval', verdicts: verdict('forbid'), ...nothing, approvals: [{ ...asking, approvers: 'finance', quorum: 1, evidence: [], withinMs: 1_000 }], modification: { caps: { limit: 5 }, sets: {}, redact: [] } }],
  ['defer', { outcome: 'defer', policies, facts: [{ needs: ['change_window', 'vendor'], within: '30d' }] }, { outcome: 'defer', kind: 'needs_facts', verdicts: verdict('forbid'), ...nothing, facts: [{ ...asking, needs: ['change_window', 'vendor'], withinMs: 2_592_000_000 }] }],
])('story: %s', (_name, result, expected) => {
  expect(read(result)).toEqual(expected);
});

test('story: policies are named in order, under the name of who said it, with their own name as the reason where none is given', () => {
  const result = { outcome: 'step_up', policies: [{ id: 'b' }, { id: 'a', reason: 'first' }], approvals: [{ approvers: 'finance' }] };
  expect(readRegoDecision(result, terms, 'opa').verdicts).toEqual([
    { policy: 'opa/a', effect: 'forbid', result: 'satisfied', reason: 'first' },
    { policy: 'opa/b', effect: 'forbid', result: 'satisfied', reason: 'b' },
  ]);
  expect(readRegoDecision(result, terms, 'opa').approvals).toMatchObject([{ policy: 'opa/a', reason: 'first' }]);
});

test('law: lists that a rule makes of sets may come in any order', () => {
  const result = { outcome: 'step_up', policies: [{ id: 'b' }, { id: 'a' }, { id: 'a', reason: 'x' }], approvals: [{ approvers: 'security' }, { approvers: 'finance' }, { approvers: 'finance', quorum: 2 }] };
  expect(read({ ...result, policies: [...result.policies].reverse(), approvals: [...result.approvals].reverse() })).toEqual(read(result));
  const deferral = { outcome: 'defer', policies, facts: [{ needs: ['vendor'] }, { needs: ['change_window'] }] };
  expect(read({ ...deferral, facts: [...deferral.facts].reverse() })).toEqual(read(deferral));
});

const parsed = (text: string): unknown => JSON.parse(text);
const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)]);
const cyclic: Record<string, unknown> = { outcome: 'allow', policies };
cyclic['self'] = cyclic;

describe('what cannot be read denies', () => {
  const stepUp = (approvals: unknown, more: object = {}) => ({ outcome: 'step_up', policies, approvals, ...more });
  const defer = (facts: unknown) => ({ outcome: 'defer', policies, facts });
  const modify = (change: unknown) => ({ outcome: 'modify', policies, modify: change });

  test.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /defined for this input/],
    ['null', null, /an object with/],
    ['true', true, /an object with/],
    ['the word', 'allow', /an object with/],
    ['a number', 1, /an object with/],
    ['a list', [{ outcome: 'allow', policies }], /an object with/],
    ['nothing in it', {}, /outcome/],
    ['a rule of the usual kind', { allow: true }, /outcome/],
    ['no outcome', { policies }, /outcome/],
    ['an unknown outcome', { outcome: 'permit', policies }, /outcome/],
    ['an outcome in capitals', { outcome: 'ALLOW', policies }, /outcome/],
    ['an outcome with a blank', { outcome: 'allow ', policies }, /outcome/],
    ['an outcome that is a list', { outcome: ['allow'], policies }, /outcome/],
    ['an outcome that is true', { outcome: true, policies }, /outcome/],
    ['an outcome by inheritance only', Object.create({ outcome: 'allow', policies }), /outcome/],
    ['no policies', { outcome: 'allow' }, /policies/],
    ['an empty list of policies', { outcome: 'allow', policies: [] }, /policies/],
    ['policies by name alone', { outcome: 'allow', policies: ['limit'] }, /policies/],
    ['51 policies', { outcome: 'allow', policies: Array.from({ length: 51 }, () => ({ id: 'a' })) }, /policies/],
    ['a policy named like one of another engine', { outcome: 'allow', policies: [{ id: 'opa/limit' }] }, /policies\.0\.id/],
    ['a policy without a name', { outcome: 'allow', policies: [{ reason: 'x' }] }, /policies\.0\.id/],
    ['an empty reason', { outcome: 'allow', policies: [{ id: 'a', reason: '' }] }, /reason/],
    ['a reason of a megabyte', { outcome: 'allow', policies: [{ id: 'a', reason: 'x'.repeat(1_000_000) }] }, /expected at most/],
    ['an unknown member', { outcome: 'allow', policies, obligations: [] }, /obligations/],
    ['an unknown member of a policy', { outcome: 'allow', policies: [{ id: 'a', mode: 'shadow' }] }, /mode/],
    ['an allow that waits for people', { outcome: 'allow', policies, approvals: [{ approvers: 'finance' }] }, /approvals/],
    ['an allow that changes something', { outcome: 'allow', policies, modify: { caps: { limit: 1 } } }, /modify/],
    ['a deny that says who could agree', { outcome: 'deny', policies, approvals: [{ approvers: 'finance' }] }, /approvals/],
    ['a deferral that waits for people', { ...defer([{ needs: ['vendor'] }]), approvals: [{ approvers: 'finance' }] }, /approvals/],
    ['step_up without anybody', { outcome: 'step_up', policies }, /approvals/],
    ['step_up with nobody', stepUp([]), /approvals/],
    ['step_up with an empty group', stepUp([{ approvers: '' }]), /approvers/],
    ['step_up with a group that nobody is in', stepUp([{ approvers: 'finance' }, { approvers: 'board' }]), /nobody in people\.yaml is in the group `board`/],
    ['step_up with a group that every object has', stepUp([{ approvers: 'constructor' }]), /nobody/],
    ['a quorum of none', stepUp([{ approvers: 'finance', quorum: 0 }]), /quorum/],
    ['a quorum of one and a half', stepUp([{ approvers: 'finance', quorum: 1.5 }]), /quorum/],
    ['a quorum in words', stepUp([{ approvers: 'finance', quorum: '2' }]), /quorum/],
    ['a quorum of 21', stepUp([{ approvers: 'finance', quorum: 21 }]), /quorum/],
    ['evidence that is no list', stepUp([{ approvers: 'finance', evidence: 'invoice' }]), /evidence/],
    ['a time without a unit', stepUp([{ approvers: 'finance', within: '4' }]), /within/],
    ['a time of none', stepUp([{ approvers: 'finance', within: '0s' }]), /within/],
    ['a time of 31 days', stepUp([{ approvers: 'finance', within: '31d' }]), /within/],
    ['a time in numbers', stepUp([{ approvers: 'finance', within: 60 }]), /within/],
    ['an unknown member of an approval', stepUp([{ approvers: 'finance', unless: true }]), /unless/],
    ['defer without facts', { outcome: 'defer', policies }, /facts/],
    ['defer with no fact', defer([]), /facts/],
    ['defer with a fact that needs nothing', defer([{ needs: [] }]), /needs/],
    ['defer with facts by name alone', defer(['vendor']), /facts/],
    ['defer with a fact that nobody declared', defer([{ needs: ['vendor', 'weather'] }]), /no fact `weather`/],
    ['defer with a fact that every object has', defer([{ needs: ['toString'] }]), /no fact/],
    ['modify without a change', { outcome: 'modify', policies }, /modify/],
    ['modify with an empty change', modify({}), /what is modified/],
    ['modify with empty changes', modify({ caps: {}, sets: {}, redact: [] }), /what is modified/],
    ['modify of an unknown kind', modify({ max: { limit: 1 } }), /max/],
    ['a cap in words', modify({ caps: { limit: '100' } }), /caps/],
    ['a cap beyond every number', parsed('{"outcome":"modify","policies":[{"id":"a"}],"modify":{"caps":{"limit":1e999}}}'), /caps|number/],
    ['a cap that is a list', modify({ caps: [100] }), /caps/],
    ['a cap of an argument with an odd name', modify({ caps: { 'a.b': 1 } }), /caps/],
    ['a fixed number', modify({ sets: { limit: 5 } }), /sets/],
    ['a fixed value that is nothing', modify({ sets: { limit: null } }), /sets/],
    ['an argument that is capped and set', modify({ caps: { limit: 5 }, sets: { limit: 'x' } }), /each argument once/],
    ['an unknown class of text', modify({ redact: ['names'] }), /redact/],
    ['`__proto__` beside the outcome', parsed('{"outcome":"allow","policies":[{"id":"a"}],"__proto__":{"x":1}}'), /__proto__/],
    ['an outcome in `__proto__`', parsed('{"__proto__":{"outcome":"allow","policies":[{"id":"a"}]}}'), /__proto__/],
    ['`__proto__` in a policy', parsed('{"outcome":"allow","policies":[{"id":"a","__proto__":{}}]}'), /__proto__/],
    ['a cap of `__proto__`', parsed('{"outcome":"modify","policies":[{"id":"a"}],"modify":{"caps":{"__proto__":5,"limit":1}}}'), /__proto__/],
    ['a fixed `__proto__`', parsed('{"outcome":"modify","policies":[{"id":"a"}],"modify":{"sets":{"__proto__":"x","mode":"a"}}}'), /__proto__/],
    ['half a character in a reason', { outcome: 'allow', policies: [{ id: 'a', reason: '\ud800' }] }, /surrogate|character|well-formed|UTF/i],
    ['100 levels', { outcome: 'allow', policies, x: deep(100) }, /levels/],
    ['5,000 levels', { outcome: 'allow', policies, x: deep(5_000) }, /./],
    ['itself', cyclic, /./],
    ['a number beyond JSON', { outcome: 'allow', policies, x: 1n }, /./],
  ])('attack: %s', (_name, result, expected) => {
    const decision = read(result);
    expect(decision).toEqual({ outcome: 'deny', kind: 'guard_broken', verdicts: [{ policy: 'rego/decision', effect: 'forbid', result: 'error', reason: expect.any(String) as string, error: expect.stringMatching(expected) as string }], approvals: [], facts: [], bundle: 'bundle' });
    expect(decision.verdicts[0]?.error?.length).toBeLessThanOrEqual(500);
  });

  const good = [{ outcome: 'allow', policies }, { outcome: 'deny', policies }, modify({ caps: { limit: 1 } }), stepUp([{ approvers: 'finance' }]), defer([{ needs: ['vendor'] }])];
  const opens = ({ outcome }: Decision) => outcome === 'allow' || outcome === 'modify';

  test('law: no value but an object that says so, and says nothing else, opens', () => {
    fc.assert(fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }), (value) => !opens(read(value))), { numRuns: 2_000 });
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => !opens(read(value))), { numRuns: 2_000 });
  });

  test('law: a readable result to which anything is added, or from which anything is taken, is never more open than it was', () => {
    const rank = (outcome: Outcome) => ['deny', 'defer', 'step_up', 'modify', 'allow'].indexOf(outcome);
    const name = fc.constantFrom('outcome', 'policies', 'approvals', 'facts', 'modify', '__proto__', 'constructor', 'allow', '');
    fc.assert(
      fc.property(fc.constantFrom(...good), name, fc.option(fc.jsonValue()), (result, member, value) => {
        const entries = Object.entries(result).filter(([key]) => key !== member);
        const changed = parsed(`{${[...entries, ...(value === null ? [] : [[member, value]])].map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join(',')}}`);
        return rank(read(changed).outcome) <= rank(read(result).outcome);
      }),
      { numRuns: 2_000 },
    );
  });
});
