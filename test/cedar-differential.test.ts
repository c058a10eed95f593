import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { authorize, Entities, PolicySet, toEnvironment } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { makeWorld, seeded, type World } from './support/cedar-world.js';

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;
const requestsOfWorld = 20;
const msOfRequest = 10;
const requests = Number(process.env['FLYBALL_CEDAR_REQUESTS'] ?? 5_000);
const seed = Number(process.env['FLYBALL_CEDAR_SEED'] ?? 20_261_122);

interface Said {
  readonly decision: string;
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
}

function reference(world: World, request: World['requests'][number]): Said {
  const answer = cedar.statefulIsAuthorized({ ...request, entities: world.entities, preparsedPolicySetId: 'world', validateRequest: false } as unknown as Cedar.StatefulAuthorizationCall);
  if (answer.type !== 'success') throw new Error(`seed ${seed}: ${answer.errors.map(({ message }) => message).join('; ')}`);
  const { decision, diagnostics } = answer.response;
  return { decision, reasons: [...diagnostics.reason].sort(), errors: diagnostics.errors.map(({ policyId }) => policyId).sort() };
}

test(
  `law: ${requests} random requests get the decision, the reasons and the errors of the reference engine (seed ${seed})`,
  () => {
    const random = seeded(seed);
    const said = { allow: 0, deny: 0, errors: 0 };
    for (let done = 0; done < requests; done += requestsOfWorld) {
      const world = makeWorld(random, requestsOfWorld);
      const texts = Object.fromEntries(Object.entries(world.policies).map(([id, { text }]) => [id, text]));
      const parsed = cedar.preparsePolicySet('world', { staticPolicies: texts });
      if (parsed.type !== 'success') throw new Error(`${parsed.errors.map(({ message }) => message).join('; ')}: ${JSON.stringify(texts)}`);
      const policies = new PolicySet({ staticPolicies: Object.fromEntries(Object.entries(world.policies).map(([id, { json }]) => [id, json])) });
      const entities = Entities.fromJson(world.entities);
      for (const request of world.requests) {
        const answer = authorize(policies, toEnvironment(request, entities));
        const own: Said = { decision: answer.decision, reasons: answer.reasons, errors: answer.errors.map(({ policy }) => policy) };
        const expected = reference(world, request);
        said[answer.decision]++;
        said.errors += answer.errors.length;
        if (JSON.stringify(own) !== JSON.stringify(expected)) expect(own, JSON.stringify({ texts, request, entities: world.entities }, null, 1)).toEqual(expected);
      }
    }
    console.log(`${requests} requests: ${said.allow} allowed, ${said.deny} denied, ${said.errors} policies that could not be evaluated`);
    // A generator that makes one kind of answer only would compare nothing.
    expect(Math.min(said.allow, said.deny, said.errors)).toBeGreaterThan(requests / 50);
  },
  Math.max(600_000, requests * msOfRequest),
);
