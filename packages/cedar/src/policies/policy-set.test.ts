import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerOf, environmentOf, isCedar, policyWhen, uid, value, variable } from '../../../../test/support/cedar-kit.js';
import { makeWorld, seeded } from '../../../../test/support/cedar-world.js';
import { Entities } from '../entities.js';
import { CedarError } from '../errors.js';
import { toEnvironment } from '../decisions/request.js';
import type { Json, JsonObject } from '../values/json.js';
import { PolicySet, type PolicySetJson } from './policy-set.js';

const all = { op: 'All' };
const over = (changes: Readonly<Record<string, Json>>): JsonObject => ({ ...policyWhen(), ...changes });
const without = (...names: readonly string[]): JsonObject => Object.fromEntries(Object.entries(policyWhen()).filter(([name]) => !names.includes(name)));
const linkedTo = (template: JsonObject, values: JsonObject, more: JsonObject = {}): PolicySetJson => ({ templates: { t: template }, templateLinks: [{ templateId: 't', newId: 'x', values, ...more }] });
const ofPrincipal = over({ principal: { op: '==', slot: '?principal' } });
const ann = uid('User', 'ann');

test.each<[string, PolicySetJson]>([
  ['a policy that says `condition` where `conditions` is meant', { staticPolicies: { p: { ...without('conditions'), condition: policyWhen(value(false))['conditions'] ?? [] } } }],
  ['a policy without conditions', { staticPolicies: { p: without('conditions') } }],
  ['a policy without a head', { staticPolicies: { p: without('principal') } }],
  ['an effect in capitals', { staticPolicies: { p: over({ effect: 'Permit' }) } }],
  ['a member that is not Cedar', { staticPolicies: { p: over({ unless: [] }) } }],
  ['a clause of another kind', { staticPolicies: { p: over({ conditions: [{ kind: 'if', body: value(true) }] }) } }],
  ['a clause without a body', { staticPolicies: { p: over({ conditions: [{ kind: 'when' }] }) } }],
  ['a clause with two bodies', { staticPolicies: { p: over({ conditions: [{ kind: 'when', body: value(true), and: value(false) }] }) } }],
  ['an operator with a member too many', { staticPolicies: { p: policyWhen({ is: { left: variable('principal'), entity_type: 'User', In: value(false) } }) } }],
  ['two operators', { staticPolicies: { p: policyWhen({ Value: true, Var: 'context' }) } }],
  ['an operator that objects inherit', { staticPolicies: { p: policyWhen({ constructor: { left: value(1), right: value(1) } }) } }],
  ['a type that is no name', { staticPolicies: { p: over({ principal: { op: 'is', entity_type: 'User || true' } }) } }],
  ['a principal in a list', { staticPolicies: { p: over({ principal: { op: 'in', entities: [ann] } }) } }],
  ['an action by its type', { staticPolicies: { p: over({ action: { op: 'is', entity_type: 'Action' } }) } }],
  ['a slot in a policy that is no template', { staticPolicies: { p: ofPrincipal } }],
  ['a slot in a condition', linkedTo({ ...ofPrincipal, conditions: policyWhen({ '==': { left: { Slot: '?principal' }, right: variable('principal') } })['conditions'] ?? [] }, { '?principal': ann })],
  ['a slot of the action', linkedTo(over({ action: { op: '==', slot: '?action' } }), { '?action': uid('Action', 'read') })],
  ['the slot of the resource at the principal', linkedTo(over({ principal: { op: '==', slot: '?resource' } }), { '?resource': ann })],
  ['a link without a value', linkedTo(ofPrincipal, {})],
  ['a link with a value too many', linkedTo(ofPrincipal, { '?principal': ann, '?resource': ann })],
  ['a link to a policy that is no template', linkedTo(policyWhen(), {})],
  ['a link to nothing', { templateLinks: [{ templateId: 'constructor', newId: 'x', values: {} }] }],
  ['a link whose id is taken', { staticPolicies: { x: policyWhen() }, ...linkedTo(ofPrincipal, { '?principal': ann }) }],
  ['a link with the id of its template', linkedTo(ofPrincipal, { '?principal': ann }, { newId: 't' })],
  ['two links of one id', { templates: { t: ofPrincipal }, templateLinks: [1, 2].map(() => ({ templateId: 't', newId: 'x', values: { '?principal': ann } })) }],
  ['a template that is not Cedar and not linked', { templates: { t: { effect: 'permit' } } }],
  ['`has` with no name', { staticPolicies: { p: policyWhen({ has: { left: variable('context'), attr: [] } }) } }],
  ['null', { staticPolicies: { p: policyWhen(value(null)) } }],
])('attack: %s is refused as a whole, as by the reference engine', (_name, json) => {
  expect(isCedar(json)).toBe(false);
  expect(() => new PolicySet(json)).toThrow(CedarError);
});

test.each<[string, PolicySetJson]>([
  ['an entity and a list', { staticPolicies: { p: over({ action: { op: 'in', entity: uid('Action', 'a'), entities: [] } }) } }],
  ['a constraint for everybody with an entity', { staticPolicies: { p: over({ principal: { op: 'All', entity: ann } }) } }],
])('attack: %s, of which the reference engine leaves out one half, is refused', (_name, json) => {
  expect(isCedar(json)).toBe(true);
  expect(() => new PolicySet(json)).toThrow(CedarError);
});

test.each<[string, PolicySetJson]>([
  ['slots at both places', linkedTo(over({ principal: { op: 'in', slot: '?principal' }, resource: { op: 'is', entity_type: 'Doc', in: { slot: '?resource' } } }), { '?principal': ann, '?resource': { __entity: uid('Folder', 'f') } })],
  ['an empty list of actions', { staticPolicies: { p: over({ action: { op: 'in', entities: [] } }) } }],
  ['annotations, one without a text', { staticPolicies: { p: over({ annotations: { id: 'a', flag: null, __proto: 'x' } }) } }],
  ['no policies', {}],
  ['a template that is not linked', { templates: { t: ofPrincipal } }],
  ['`all` in small letters', { staticPolicies: { p: over({ principal: { op: 'all' } }) } }],
])('story: %s is taken, as by the reference engine', (_name, json) => {
  expect(isCedar(json)).toBe(true);
  expect(new PolicySet(json)).toBeInstanceOf(PolicySet);
});

test('law: a link decides as the template with its entities written into it', () => {
  const entity = fc.constantFrom(uid('User', 'ann'), uid('User', 'bob'), uid('Group', 'staff'), uid('Doc', 'plan'), uid('Folder', 'root'));
  const entities = Entities.fromJson([{ uid: ann, attrs: {}, parents: [uid('Group', 'staff')] }, { uid: uid('Doc', 'plan'), attrs: {}, parents: [uid('Folder', 'root')] }]);
  const shape = fc.constantFrom<(at: JsonObject) => JsonObject>((at) => ({ op: '==', ...at }), (at) => ({ op: 'in', ...at }), (at) => ({ op: 'is', entity_type: 'User', in: at }), (at) => ({ op: 'is', entity_type: 'Doc', in: at }));
  fc.assert(fc.property(shape, shape, entity, entity, (ofUser, ofResource, principal, resource) => {
    const template = over({ principal: ofUser({ slot: '?principal' }), resource: ofResource({ slot: '?resource' }) });
    const links = new PolicySet(linkedTo(template, { '?principal': principal, '?resource': resource }));
    const written = new PolicySet({ staticPolicies: { x: over({ principal: ofUser({ entity: principal }), resource: ofResource({ entity: resource }) }) } });
    expect(answerOf(links, environmentOf({}, entities))).toEqual(answerOf(written, environmentOf({}, entities)));
  }));
});

test('abuse 19: policies whose ids are names that objects inherit are policies like others', () => {
  const ids = ['__proto__', 'constructor', 'toString', '', '"', '\u0000'];
  const policies = new PolicySet({ staticPolicies: Object.fromEntries(ids.map((id) => [id, policyWhen()])) });
  expect(policies.size).toBe(ids.length);
  expect(answerOf(policies, environmentOf()).reasons).toEqual([...ids].sort());
  expect(new PolicySet({}).get('constructor')).toBeUndefined();
});

test('attack: an action in an empty list is no action', () => {
  const none = { ...all, op: 'in', entities: [] };
  expect(answerOf(new PolicySet({ staticPolicies: { p: over({ action: none }) } }), environmentOf())).toEqual({ decision: 'deny', reasons: [], errors: [] });
  expect(answerOf(new PolicySet({ staticPolicies: { p: policyWhen(), f: over({ effect: 'forbid', action: none }) } }), environmentOf()).decision).toBe('allow');
});

test('law: neither the order of policies nor that of their members changes an answer', () => {
  fc.assert(fc.property(fc.integer(), (seed) => {
    const world = makeWorld(seeded(seed), 3);
    const list = Object.entries(world.policies).map(([id, { json }]) => [id, json] as const);
    const turned = list.toReversed().map(([id, json]) => [id, Object.fromEntries(Object.entries(json).reverse())] as const);
    const entities = Entities.fromJson(world.entities);
    const [one, other] = [new PolicySet({ staticPolicies: Object.fromEntries(list) }), new PolicySet({ staticPolicies: Object.fromEntries(turned) })];
    for (const request of world.requests) {
      const environment = toEnvironment(request, entities);
      expect(answerOf(one, environment)).toEqual(answerOf(other, environment));
      expect(answerOf(one, environment)).toEqual(answerOf(one, environment));
    }
  }));
});

test('law: the same policy under a second id, or an action named twice, changes no decision', () => {
  fc.assert(fc.property(fc.integer(), (seed) => {
    const world = makeWorld(seeded(seed), 3);
    const list = Object.entries(world.policies).map(([id, { json }]) => [id, json] as const);
    const repeated = (action: Json | undefined): Json => {
      const { entities, ...others } = action as { readonly entities?: readonly Json[] } & JsonObject;
      return { ...others, ...(entities && { entities: [...entities, ...entities] }) };
    };
    const twice = new PolicySet({ staticPolicies: Object.fromEntries(list.flatMap(([id, json]) => [[id, json], [`${id} again`, { ...json, action: repeated(json['action']) }]])) });
    const once = new PolicySet({ staticPolicies: Object.fromEntries(list) });
    for (const request of world.requests) {
      const environment = toEnvironment(request, Entities.fromJson(world.entities));
      const { decision, reasons } = answerOf(once, environment);
      expect(answerOf(twice, environment)).toMatchObject({ decision, reasons: reasons.flatMap((id) => [id, `${id} again`]).sort() });
    }
  }));
});
