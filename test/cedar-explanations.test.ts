import { applyChanges, authorize, Entities, EntityUid, type Environment, explainPolicy, findSmallestChange, PolicySet, search, toEnvironment } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { makeWorld, seeded, type World } from './support/cedar-world.js';

const worlds = 1_500;
const requestsOfWorld = 8;

function* requests(seed: number): Generator<{ readonly policies: PolicySet; readonly environment: Environment; readonly entities: Entities; readonly world: World }> {
  const random = seeded(seed);
  for (let i = 0; i < worlds; i++) {
    const world = makeWorld(random, requestsOfWorld);
    const policies = new PolicySet({ staticPolicies: Object.fromEntries(Object.entries(world.policies).map(([id, { json }]) => [id, json])) });
    const entities = Entities.fromJson(world.entities);
    for (const request of world.requests) yield { policies, environment: toEnvironment(request, entities), entities, world };
  }
}

test('law: what an explanation says of a policy is what deciding says of it', () => {
  let explained = 0;
  for (const { policies, environment } of requests(1)) {
    const answer = authorize(policies, environment);
    for (const policy of policies.values()) {
      const { result, clauses } = explainPolicy(policy, environment);
      expect(result === 'satisfied').toBe([...answer.permits, ...answer.forbids].includes(policy.id));
      expect(result === 'broken').toBe(answer.errors.some((error) => error.policy === policy.id));
      if (result !== 'elsewhere') expect(clauses.every(({ because }) => because.length > 0)).toBe(true);
      explained++;
    }
  }
  expect(explained).toBeGreaterThan(worlds);
});

test('law: a suggested change of a random denial, in a world where most have none, is allowed when it is evaluated', () => {
  let denied = 0;
  let found = 0;
  for (const { policies, environment } of requests(2)) {
    if (authorize(policies, environment).decision === 'allow') continue;
    const { changes } = findSmallestChange(policies, environment);
    denied++;
    if (!changes) continue;
    found++;
    expect(authorize(policies, applyChanges(changes, environment)).decision).toBe('allow');
  }
  console.log(`${found} of ${denied} random denials have a change that was found`);
  expect(found / denied).toBeGreaterThan(0.2);
});

test('law: a search finds whom trying every entity finds', () => {
  let asked = 0;
  let hits = 0;
  for (const { policies, environment, entities } of requests(3)) {
    for (const [unknown, type] of [['principal', 'User'], ['resource', 'Doc'], ['action', 'Action']] as const) {
      const every = [...entities.values()].map(({ uid }) => uid).filter((uid) => uid.type === type);
      const allowed = every.filter((uid) => authorize(policies, { ...environment, [unknown]: uid }).decision === 'allow').map(String).sort();
      const found = search(policies, unknown, type, environment, entities).map(String).sort();
      expect(found).toEqual(allowed);
      asked++;
      hits += found.length;
    }
  }
  expect(Math.min(asked, hits)).toBeGreaterThan(worlds);
});

test('law: no explanation or search changes what is decided', () => {
  for (const { policies, environment, entities } of requests(4)) {
    const before = JSON.stringify(authorize(policies, environment));
    findSmallestChange(policies, environment);
    search(policies, 'principal', 'User', environment, entities);
    for (const policy of policies.values()) explainPolicy(policy, environment);
    expect(JSON.stringify(authorize(policies, environment))).toBe(before);
    expect(entities.get(new EntityUid('User', 'ghost').key)).toBeUndefined();
  }
});
