import { expect, test } from 'vitest';
import { attribute, binary, environmentOf, ofContext, policyWhen, value, variable } from '../../../../test/support/cedar-kit.js';
import { authorize } from '../decisions/authorize.js';
import { PolicySet } from '../policies/policy-set.js';
import type { JsonObject } from '../values/json.js';
import { applyChanges } from './change.js';
import { explainPolicy } from './explain.js';
import { evaluationsMax, findSmallestChange } from './smallest-change.js';

const policyOf = (...bodies: readonly JsonObject[]) => {
  const policies = new PolicySet({ staticPolicies: { p: policyWhen(...bodies) } });
  const policy = policies.get('p');
  if (!policy) throw new Error('expected the policy');
  return { policies, policy };
};

test.each(['Var', 'Value', '.', 'has', 'Slot', 'left', '__proto__', 'constructor', 'pattern'])('attack: a record with a member named `%s` is explained, with what was seen in it', (name) => {
  const { policy } = policyOf(binary('==', { Record: Object.fromEntries([[name, ofContext('n')]]) }, { Record: Object.fromEntries([[name, value(1)]]) }));
  for (const n of [1, 2]) expect(explainPolicy(policy, environmentOf({ n }))).toMatchObject({ result: n === 1 ? 'satisfied' : 'unsatisfied', clauses: [{ held: n === 1, because: [{ saw: [{ path: 'context.n', value: n }] }] }] });
});

test('attack: an attribute named as a word of Cedar is shown as a policy has to write it', () => {
  const { policy } = policyOf(binary('==', attribute(variable('context'), 'if', 'a b', 'c'), value(1)));
  expect(explainPolicy(policy, environmentOf({ if: { 'a b': { c: 1 } } })).clauses[0]?.because[0]?.saw[0]?.path).toBe('context["if"]["a b"].c');
  expect(explainPolicy(policy, environmentOf({ if: { 'a b': {} } })).clauses[0]?.held).toMatchObject({ path: 'context["if"]["a b"].c' });
});

test('attack: a denial that needs more changes than are few is given up, not searched for ever', () => {
  const clauses = (count: number) => Array.from({ length: count }, (_, index) => binary('==', ofContext(`a${index}`), value(index)));
  const few = policyOf(...clauses(20));
  const { changes } = findSmallestChange(few.policies, environmentOf());
  expect(changes).toHaveLength(20);
  expect(authorize(few.policies, applyChanges(changes ?? [], environmentOf())).decision).toBe('allow');
  expect(findSmallestChange(policyOf(...clauses(2_000)).policies, environmentOf()).changes).toBeUndefined();
});

test('abuse 18: a thousand permits and forbids of which none can be satisfied are searched within the bound', () => {
  const either = (index: number) => binary('||', binary('==', ofContext(`a${index}`), value(1)), binary('==', ofContext(`b${index}`), value(1)));
  const impossible = binary('!=', ofContext('z'), ofContext('z'));
  const policies = new PolicySet({ staticPolicies: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`p${index}`, { ...policyWhen(either(index), either(index + 1), impossible), effect: index % 2 === 0 ? 'permit' : 'forbid' }])) });
  const began = performance.now();
  const { changes, evaluations } = findSmallestChange(policies, environmentOf({ z: 1 }));
  expect(changes).toBeUndefined();
  expect(evaluations).toBeLessThanOrEqual(evaluationsMax);
  expect(performance.now() - began).toBeLessThan(15_000);
});
