import type { JsonObject } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../test/support/identity-kit.js';
import { bundleFiles, compile, faultsOf, nowMs, situated } from '../../../../test/support/policy-kit.js';
import { evaluate } from './evaluate.js';
import { activeGrants, grantsOf, type HeldGrant } from './grants.js';
import { Policy } from './policy.js';
import { TemporalPast } from './temporal.js';

const permit = '@id("all") permit (principal, action, resource);\n';
const guard = (condition: string) => `${permit}@id("guard")\nforbid (principal, action == Action::"payment.release", resource) ${condition};\n`;
const section = 'grants:\n  db-read: { description: reads, owner: ann, longest: 8h }\n  db-write: { description: writes, owner: finance, longest: 1h }\n';
const withGrants = (grants = section) => ({ 'catalogue.yaml': `${bundleFiles('')['catalogue.yaml'] ?? ''}${grants}` });

function policyWith(policies: string, held: readonly HeldGrant[], clock = new FakeClock()) {
  const bundle = compile(policies, withGrants());
  const asked: [string, string | undefined, boolean][] = [];
  const heldBy = (...asking: [string, string | undefined, boolean]) => (asked.push(asking), Promise.resolve(held));
  const policy = new Policy(() => bundle, clock, { audience: 'https://flyball.example/mcp', past: new TemporalPast(() => Promise.resolve({ events: [] })), grants: { heldBy } });
  return { bundle, policy, asked };
}

describe('grants that policies name', () => {
  test.each([
    'unless { context.grants.contains("db-raed") }',
    'when { context.grants.containsAny(["db-read", "db-raed"]) }',
    'when { context.grants.containsAll(["db-raed"]) }',
    'when { context.grants == ["db-raed"] }',
    'when { ["db-read", "db-raed"].containsAll(context.grants) }',
    'when { if context.args.amount > decimal("1.0") then true else !context["grants"].contains("db-raed") }'.replace('context.args.amount > decimal("1.0")', 'context.args.amount.greaterThan(decimal("1.0"))'),
  ])('attack: one that nobody declares is refused with file and line: %s', (condition) => {
    expect(faultsOf(guard(condition), withGrants())).toEqual(['policies/main.cedar:2: `context.grants`: catalogue.yaml declares no grant `db-raed`']);
    expect(faultsOf(guard(condition.replaceAll('db-raed', 'db-write')), withGrants())).toEqual(['none']);
  });

  test('law: which grants a policy looks at is known, or all of them', () => {
    const looked = (condition: string) => {
      const { policies } = compile(guard(condition), withGrants());
      return grantsOf(policies.find(({ id }) => id === 'guard')?.json ?? { conditions: [] });
    };
    expect(looked('when { context.grants.contains("db-read") && context.args.amount == decimal("1.0") }')).toEqual(new Set(['db-read']));
    expect(looked('when { context.args.amount == decimal("1.0") }')).toEqual(new Set());
    expect(looked('when { context.grants.contains(resource.name) }')).toBe('all');
    expect(looked('when { context.grants.isEmpty() }')).toBe('all');
    expect(looked('when { context.session.labels == context.grants }')).toBe('all');
  });

  test.each([
    ['an owner who is nobody', 'grants:\n  db-read: { description: reads, owner: eve, longest: 8h }\n', /^catalogue\.yaml:\d+: the grant `db-read`: its owner `eve` is nobody/],
    ['no end', 'grants:\n  db-read: { description: reads, owner: ann }\n', /^catalogue\.yaml:\d+/],
    ['an end in years', 'grants:\n  db-read: { description: reads, owner: ann, longest: 91d }\n', /expected a time from "1m" to "90d"/],
    ['a name in other letters', 'grants:\n  DB read: { description: reads, owner: ann, longest: 8h }\n', /^catalogue\.yaml:\d+/],
  ])('attack: a grant with %s is refused', (_name, grants, expected) => {
    expect(faultsOf(permit, withGrants(grants))[0]).toMatch(expected);
  });
});

describe('grants that an identity holds', () => {
  const open = guard('unless { context.grants.contains("db-read") }');

  test.each([[-1, 'allow'], [0, 'deny'], [1, 'deny']] as const)('abuse 36: %i ms from its end: %s', async (offset, outcome) => {
    const clock = new FakeClock();
    const { policy } = policyWith(open, [{ name: 'db-read', untilMs: clock.ms - offset }], clock);
    expect((await policy.decide(situated())).decision.outcome).toBe(outcome);
  });

  test('law: they are recorded with the inputs, and the decision on these is the same without anybody who knows grants', async () => {
    const { policy, bundle, asked } = policyWith(open, [{ name: 'db-read', untilMs: nowMs + 1 }, { name: 'db-read', untilMs: nowMs + 9 }, { name: 'gone', untilMs: nowMs + 9 }]);
    const { decision, inputs } = await policy.decide(situated({ principal: { onBehalfOf: 'ben' } }));
    expect([decision.outcome, inputs.context['grants'], asked]).toEqual(['allow', ['db-read'], [['robot', 'ben', true]]]);
    expect(evaluate(JSON.parse(JSON.stringify(inputs)) as typeof inputs, bundle)).toEqual(decision);
    const { grants: _grants, ...before } = inputs.context as JsonObject & { readonly grants: unknown };
    expect(evaluate({ ...inputs, context: before }, bundle).outcome).toBe('deny');
  });

  test('law: the store is not asked for what no policy looks at', async () => {
    const { policy, asked } = policyWith(open, []);
    await policy.decide(situated({ tool: 'refund' }));
    expect(asked).toEqual([['robot', undefined, false]]);
  });

  test('story: a denied attempt is told which grant would have opened it, and of those that would not nothing', async () => {
    const { policy } = policyWith(`${open}@id("both") forbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("100.0")) } unless { context.grants.contains("db-write") };`, []);
    const opening = async (amount: number) => policy.grantsThatWouldOpen((await policy.decide(situated({ args: { amount } }))).inputs);
    expect(await opening(5)).toEqual(['db-read']);
    expect(await opening(500)).toEqual([]);
  });

  test('law: two of one name are one name, in one order, and what is not declared any more counts for nothing', () => {
    const declared = new Map(['a', 'b'].map((name) => [name, { description: '', owner: 'ann', longestMs: 1 }]));
    expect(activeGrants([{ name: 'b', untilMs: 2 }, { name: 'a', untilMs: 2 }, { name: 'b', untilMs: 3 }, { name: 'c', untilMs: 3 }, { name: 'a', untilMs: 1 }], declared, 1)).toEqual(['a', 'b']);
  });
});

describe('grants and enforcement points', () => {
  const types = 'entities: { identity: {}, user: {}, doc: {} }\n';
  const action = '  - { name: doc.read, tier: inspect, match: { method: evaluation, name: doc.read }, applies_to: { subjects: [identity, user], resources: [doc] } }\n';
  const catalogue = (bundleFiles('')['catalogue.yaml'] ?? '').replace('facts:\n', `${action}${types}facts:\n`) + section;
  const policies = '@id("read") permit (principal, action == Action::"doc.read", resource) when { context.grants.contains("db-read") };';

  async function ask(type: string, id: string) {
    const bundle = compile(policies, { 'catalogue.yaml': catalogue });
    const heldBy = (identity: string) => Promise.resolve(identity === 'billing' || identity === 'robot' ? [{ name: 'db-read', untilMs: nowMs + 1 }] : []);
    const policy = new Policy(() => bundle, new FakeClock(), { audience: 'https://flyball.example/mcp', past: new TemporalPast(() => Promise.resolve({ events: [] })), grants: { heldBy } });
    const params = { subject: { type, id }, resource: { type: 'doc', id: '1' }, action: { name: 'doc.read' } };
    const { decision, inputs } = await policy.decide(situated({ call: { upstream: '', method: 'evaluation', name: 'doc.read', params, args: {}, tool: undefined } as never }));
    return [decision.outcome, policy.grantsThatWouldOpen(inputs)];
  }

  test('law: what counts is what the identity holds that is asked about, never what the enforcement point holds', async () => {
    expect(await ask('identity', 'billing')).toEqual(['allow', []]);
    expect(await ask('identity', 'other')).toEqual(['deny', ['db-read']]);
    expect(await ask('user', 'billing')).toEqual(['deny', []]);
    expect(await ask('user', 'robot')).toEqual(['deny', []]);
  });
});
