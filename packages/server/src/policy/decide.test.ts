import { type Decision, type Outcome, outcomes } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rule } from './annotations.js';
import { decide, strictest } from './decide.js';

const rule = (over: Partial<Rule> & Pick<Rule, 'id' | 'effect'>): Rule => ({ outcome: 'deny', shadow: false, reason: over.id, approvers: over.outcome === 'step_up' ? [{ group: 'finance', quorum: 1 }] : [], evidence: [], apart: [], escalation: [], signed: false, batch: true, needs: [], withinMs: 1_000, caps: {}, sets: {}, redact: [], ttlMs: 1_000, ...over });
type State = 'satisfied' | 'broken';

function of(rules: readonly Rule[], state: (rule: Rule) => State | undefined = () => 'satisfied'): Decision {
  const answer = {
    considered: new Set(rules.map(({ id }) => id)),
    satisfied: new Set(rules.filter((one) => state(one) === 'satisfied').map(({ id }) => id)),
    broken: new Map(rules.filter((one) => state(one) === 'broken').map(({ id }) => [id, { message: 'overflow' }])),
  };
  return decide(answer, new Map(rules.map((one) => [one.id, one])), 'bundle');
}

const permits = (...some: readonly Partial<Rule>[]) => of(some.map((over, i) => rule({ id: `p${i}`, effect: 'permit', ...over })));

describe('modifications', () => {
  test.each<[string, readonly Partial<Rule>[], Decision['modification'] | 'denied' | undefined]>([
    ['none', [{}, {}], undefined],
    ['the narrowest cap of each argument', [{ caps: { limit: 10, days: 7 } }, { caps: { limit: 5 } }, { caps: { limit: 20, days: 9 } }], { caps: { limit: 5, days: 7 }, sets: {}, redact: [] }],
    ['a cap of zero and below', [{ caps: { limit: 0 } }, { caps: { limit: -5 } }], { caps: { limit: -5 }, sets: {}, redact: [] }],
    ['a cap beside a permit without one', [{}, { caps: { limit: 5 } }], { caps: { limit: 5 }, sets: {}, redact: [] }],
    ['the same value twice', [{ sets: { dry_run: true } }, { sets: { dry_run: true } }], { caps: {}, sets: { dry_run: true }, redact: [] }],
    ['two values', [{ sets: { mode: 'a' } }, { sets: { mode: 'b' } }], 'denied'],
    ['a value and the same in text', [{ sets: { on: true } }, { sets: { on: 'true' } }], 'denied'],
    ['a cap and a value of one argument', [{ caps: { limit: 5 } }, { sets: { limit: 'all' } }], 'denied'],
    ['classes of text, once each and sorted', [{ redact: ['secret', 'pii'] }, { redact: ['pii'] }], { caps: {}, sets: {}, redact: ['pii', 'secret'] }],
    ['arguments named like members of every object', [{ caps: { constructor: 5, toString: 7 } }, { caps: { constructor: 9 } }], { caps: { constructor: 5, toString: 7 }, sets: {}, redact: [] } as unknown as Decision['modification']],
    ['values for such arguments', [{ sets: { constructor: 'a', valueOf: true } }], { caps: {}, sets: { constructor: 'a', valueOf: true }, redact: [] } as unknown as Decision['modification']],
  ])('story: %s', (_name, some, expected) => {
    const decision = permits(...some);
    if (expected === 'denied') expect(decision).toMatchObject({ outcome: 'deny' });
    else expect([decision.outcome, decision.modification]).toEqual([expected === undefined ? 'allow' : 'modify', expected]);
  });

  test('abuse 19: a cap named `__proto__` is not lost in silence', () => {
    const decision = permits({ caps: JSON.parse('{"__proto__":5}') as Record<string, number> });
    expect(decision.outcome === 'deny' || Object.hasOwn(decision.modification?.caps ?? {}, '__proto__')).toBe(true);
  });

  test('story: the shortest life of the credentials that are asked for', () => {
    expect(permits({ credential: 'crm', ttlMs: 9_000 }, { ttlMs: 1 }, { credential: 'crm', ttlMs: 3_000 }).credential).toEqual({ target: 'crm', ttlMs: 3_000 });
    expect(permits({}).credential).toBeUndefined();
  });

  test('attack: permits that ask for credentials of two targets contradict each other', () => {
    expect(permits({ credential: 'crm:readonly' }, { credential: 'crm:admin' })).toMatchObject({ outcome: 'deny' });
  });
});

const effects = fc.oneof(
  fc.constant({ effect: 'permit' as const, outcome: 'deny' as const }),
  fc.constantFrom('deny' as const, 'step_up' as const, 'defer' as const).map((outcome) => ({ effect: 'forbid' as const, outcome })),
);
const policy = fc.record({ kind: effects, shadow: fc.boolean(), state: fc.constantFrom<State | undefined>('satisfied', 'broken', undefined) });
const set = fc.array(policy, { maxLength: 8 });
type Policies = readonly { readonly kind: { readonly effect: 'permit' | 'forbid'; readonly outcome: Rule['outcome'] }; readonly shadow: boolean; readonly state: State | undefined }[];

const decideOn = (policies: Policies, order: readonly number[] = policies.map((_, i) => i)): Decision => {
  const rules = policies.map(({ kind, shadow }, i) => rule({ id: `p${i}`, shadow, ...kind }));
  return of(order.flatMap((i) => rules[i] ?? []), (one) => policies[Number(one.id.slice(1))]?.state);
};
const rank = (outcome: Outcome) => outcomes.indexOf(outcome);
const allows = (decision: Decision) => decision.outcome === 'allow' || decision.outcome === 'modify';

describe('laws', () => {
  test('law: without an enforced, satisfied permit nothing is ever allowed, nor does anybody wait for it', () => {
    fc.assert(fc.property(set, (policies) => policies.some(({ kind, shadow, state }) => kind.effect === 'permit' && !shadow && state === 'satisfied') || decideOn(policies).outcome === 'deny'));
  });

  test('law: a forbid trumps every permit; a broken one is never open', () => {
    fc.assert(
      fc.property(set, fc.constantFrom<State>('satisfied', 'broken'), (policies, state) => {
        const hard = decideOn([...policies, { kind: { effect: 'forbid', outcome: 'deny' }, shadow: false, state }]);
        const soft = decideOn([...policies, { kind: { effect: 'forbid', outcome: 'step_up' }, shadow: false, state }]);
        const late = decideOn([...policies, { kind: { effect: 'forbid', outcome: 'defer' }, shadow: false, state }]);
        return hard.outcome === 'deny' && !allows(soft) && !allows(late) && (state === 'satisfied' || soft.outcome === 'deny');
      }),
    );
  });

  test('law: the order of policies does not matter', () => {
    fc.assert(
      fc.property(set.chain((policies) => fc.tuple(fc.constant(policies), fc.shuffledSubarray(policies.map((_, i) => i), { minLength: policies.length }))), ([policies, order]) => {
        expect(decideOn(policies, order)).toEqual(decideOn(policies));
      }),
    );
  });

  test('law: one more forbid never makes a decision milder, one more permit never makes it stricter', () => {
    fc.assert(
      fc.property(set, fc.constantFrom<Rule['outcome']>('deny', 'step_up', 'defer'), fc.constantFrom<State | undefined>('satisfied', 'broken', undefined), (policies, outcome, state) => {
        const before = rank(decideOn(policies).outcome);
        const guarded = rank(decideOn([...policies, { kind: { effect: 'forbid', outcome }, shadow: false, state }]).outcome);
        const permitted = rank(decideOn([...policies, { kind: { effect: 'permit', outcome: 'deny' }, shadow: false, state }]).outcome);
        return guarded <= before && permitted >= before;
      }),
    );
  });

  test('law: a policy in shadow changes nothing that is enforced, and is always named', () => {
    fc.assert(
      fc.property(set, policy, (policies, more) => {
        const { verdicts: _without, shadowOutcome: _before, ...before } = decideOn(policies);
        const { verdicts, shadowOutcome: _after, ...after } = decideOn([...policies, { ...more, shadow: true }]);
        expect(after).toEqual(before);
        expect(verdicts.filter(({ policy: id }) => id === `p${policies.length}`)).toHaveLength(more.state === undefined ? 0 : 1);
      }),
    );
  });

  test('law: nothing that was satisfied or broken is missing from the verdicts, and nothing else is there', () => {
    fc.assert(fc.property(set, (policies) => decideOn(policies).verdicts.length === policies.filter(({ state }) => state !== undefined).length));
  });

  test('law: of several decisions the strictest counts, and every approval and fact of any of them is asked for', () => {
    fc.assert(
      fc.property(set, set, (left, right) => {
        const [a, b] = [decideOn(left), decideOn(right)];
        for (const both of [strictest([a, b]), strictest([b, a])]) {
          expect(rank(both.outcome)).toBe(Math.min(rank(a.outcome), rank(b.outcome)));
          expect(both.approvals).toEqual(expect.arrayContaining([...a.approvals, ...b.approvals]));
          expect(both.facts).toEqual(expect.arrayContaining([...a.facts, ...b.facts]));
        }
      }),
    );
  });

  test('law: whatever one of several decisions would change or ask for, all of them together do', () => {
    const modified = permits({ caps: { limit: 10 }, sets: { dry_run: true }, redact: ['pii'], credential: 'crm', ttlMs: 2_000 });
    const other = permits({ caps: { limit: 5, days: 1 }, redact: ['secret'] });
    for (const both of [strictest([modified, other]), strictest([other, modified]), strictest([permits({}), modified, other])]) {
      expect(both).toMatchObject({ outcome: 'modify', modification: { caps: { limit: 5, days: 1 }, sets: { dry_run: true }, redact: ['pii', 'secret'] }, credential: { target: 'crm', ttlMs: 2_000 } });
    }
  });
});
