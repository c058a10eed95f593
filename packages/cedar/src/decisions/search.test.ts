import { expect, test } from 'vitest';
import { binary, environmentOf, ofContext, policyWhen, uid, value, variable } from '../../../../test/support/cedar-kit.js';
import { Entities } from '../entities.js';
import { PolicySet } from '../policies/policy-set.js';
import type { JsonObject } from '../values/json.js';
import { authorize } from './authorize.js';
import { search } from './search.js';

const entities = Entities.fromJson(['ann', 'bob', '__proto__', '"'].map((id) => ({ uid: uid('User', id), attrs: {}, parents: id === 'bob' ? [uid('Group', 'staff')] : [] })));
const principal = variable('principal');
const ann = value({ __entity: uid('User', 'ann') });
const staff = value({ __entity: uid('Group', 'staff') });

test.each<[string, JsonObject]>([
  ['in a record at `Value`', binary('==', { Record: { Value: principal } }, { Record: { Value: ann } })],
  ['in a record at `Value`, beside others', binary('==', { Record: { Value: principal, x: value(1) } }, { Record: { x: value(1), Value: ann } })],
  ['in a record at `Var`', binary('==', { Record: { Var: principal } }, { Record: { Var: ann } })],
  ['in a set in a record', binary('contains', { '.': { left: { Record: { left: { Set: [principal] } } }, attr: 'left' } }, ann)],
  ['by equality', binary('==', ann, principal)],
  ['by another name', binary('!=', principal, ann)],
  ['by a group', binary('in', principal, staff)],
  ['by a list', binary('in', principal, { Set: [ann, staff] })],
  ['as a member', binary('contains', { Set: [ann, value(1)] }, principal)],
  ['within a type', { is: { left: principal, entity_type: 'User', in: staff } }],
  ['where a list has what is no entity', binary('in', principal, { Set: [ann, value(1)] })],
  ['behind a condition that depends on nobody', binary('&&', binary('==', ofContext('n'), value(1)), binary('==', principal, ann))],
  ['behind one that fails', binary('&&', binary('==', ofContext('n'), value(2)), principal)],
  ['behind one that has no value', binary('&&', ofContext('nothing'), binary('==', principal, ann))],
  ['whose name is a text only', binary('==', value('principal'), value('principal'))],
])('law: whoever is named %s is found as by trying everybody', (_name, condition) => {
  const policies = new PolicySet({ staticPolicies: { p: policyWhen(condition) } });
  const environment = environmentOf({ n: 1 }, entities);
  const everybody = [...entities.values()].map((entity) => entity.uid).filter((one) => authorize(policies, { ...environment, principal: one }).decision === 'allow');
  expect(search(policies, 'principal', 'User', environment, entities).map(String)).toEqual(everybody.map(String).sort());
});
