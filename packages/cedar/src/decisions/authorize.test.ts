import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeWorld, seeded, type World } from '../../../../test/support/cedar-world.js';
import { binary, environmentOf, ofContext, policyWhen, value } from '../../../../test/support/cedar-kit.js';
import { Entities } from '../entities.js';
import { PolicySet } from '../policies/policy-set.js';
import { holds } from '../policies/scope.js';
import type { JsonObject } from '../values/json.js';
import { askedOf, authorize, evaluate } from './authorize.js';
import { toEnvironment } from './request.js';

const policiesOf = (world: World): Readonly<Record<string, JsonObject>> => Object.fromEntries(Object.entries(world.policies).map(([id, { json }]) => [id, json]));
const world = fc.integer().map((seed) => makeWorld(seeded(seed), 4));
const always = policyWhen();
const never: JsonObject = { ...always, effect: 'forbid' };

function everyRequest(check: (policies: Readonly<Record<string, JsonObject>>, environment: ReturnType<typeof environmentOf>, other: Readonly<Record<string, JsonObject>>) => void): void {
  fc.assert(fc.property(world, world, (one, other) => {
    const entities = Entities.fromJson(one.entities);
    for (const request of one.requests) check(policiesOf(one), toEnvironment(request, entities), Object.fromEntries(Object.entries(policiesOf(other)).map(([id, json]) => [`other-${id}`, json])));
  }), { numRuns: 300 });
}

const decide = (staticPolicies: Readonly<Record<string, JsonObject>>, environment: ReturnType<typeof environmentOf>) => authorize(new PolicySet({ staticPolicies }), environment);

test('law: no policies, no permission', () => {
  expect(decide({}, environmentOf())).toEqual({ decision: 'deny', reasons: [], errors: [], permits: [], forbids: [] });
  everyRequest((policies, environment) => {
    const forbids = Object.fromEntries(Object.entries(policies).map(([id, json]) => [id, { ...json, effect: 'forbid' }]));
    expect(decide(forbids, environment).decision).toBe('deny');
  });
});

test('law: a forbid trumps every permit', () => {
  everyRequest((policies, environment) => {
    const answer = decide({ ...policies, always, never }, environment);
    expect(answer.decision).toBe('deny');
    expect(answer.reasons).toContain('never');
    expect(answer.reasons).not.toContain('always');
    expect(answer.permits).toContain('always');
  });
});

test('law: one more forbid never allows, one more permit never denies', () => {
  everyRequest((policies, environment, other) => {
    const { decision } = decide(policies, environment);
    const as = (effect: string) => Object.fromEntries(Object.entries(other).map(([id, json]) => [id, { ...json, effect }]));
    if (decision === 'deny') expect(decide({ ...policies, ...as('forbid') }, environment).decision).toBe('deny');
    else expect(decide({ ...policies, ...as('permit') }, environment).decision).toBe('allow');
  });
});

test('law: allowed is a satisfied permit and no satisfied forbid, found by evaluating every policy alone', () => {
  let broken = 0;
  everyRequest((policies, environment) => {
    const set = new PolicySet({ staticPolicies: policies });
    const asked = askedOf(environment);
    const named = [...set.values()].filter(({ scope }) => (['principal', 'action', 'resource'] as const).every((part) => holds(scope[part], asked[part].uid, asked[part].ancestors)));
    const satisfied = (effect: string) => named.filter((policy) => policy.effect === effect && evaluate(policy, environment) === true).map(({ id }) => id).sort();
    const errors = named.filter((policy) => typeof evaluate(policy, environment) !== 'boolean').map(({ id }) => id).sort();
    const [permits, forbids] = [satisfied('permit'), satisfied('forbid')];
    const answer = authorize(set, environment);
    expect({ ...answer, errors: answer.errors.map(({ policy }) => policy) }).toEqual({ decision: permits.length > 0 && forbids.length === 0 ? 'allow' : 'deny', reasons: forbids.length > 0 ? forbids : permits, errors, permits, forbids });
    broken += errors.length;
  });
  expect(broken).toBeGreaterThan(20);
});

test('law: the same inputs get the same answer, whatever was asked between', () => {
  everyRequest((policies, environment, other) => {
    const set = new PolicySet({ staticPolicies: { ...policies, ...other } });
    const first = JSON.stringify(authorize(set, environment));
    for (const context of [{}, { n: 1 }, { rec: {} }]) authorize(set, environmentOf(context));
    expect(JSON.stringify(authorize(set, environment))).toBe(first);
  });
});

test('abuse 16: a forbid that cannot be evaluated is named, for it forbids nothing', () => {
  const answer = decide({ always, guard: { ...policyWhen(binary('>', ofContext('amount'), value(100))), effect: 'forbid' } }, environmentOf({ amount: '1000' }));
  expect(answer.decision).toBe('allow');
  expect(answer.errors).toMatchObject([{ policy: 'guard', error: { kind: 'type' } }]);
});

test('attack: a clause after one that fails is not asked, one before it is', () => {
  const [fails, broken] = [value(false), ofContext('nothing')];
  expect(decide({ p: policyWhen(fails, broken) }, environmentOf()).errors).toEqual([]);
  expect(decide({ p: policyWhen(broken, fails) }, environmentOf()).errors).toMatchObject([{ policy: 'p', error: { kind: 'attribute', path: 'context.nothing' } }]);
});
