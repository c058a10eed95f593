import { describe, expect, test } from 'vitest';
import { foldSession } from '../session/fold.js';
import type { DecisionInputs, Situated } from '../action/states.js';
import { CedarWasmEngine } from './cedar-wasm-engine.js';
import { engineRequest } from './context.js';
import { evaluationInputs } from './evaluation-inputs.js';
import { compileBundle } from './load-bundle.js';
import { evaluate } from './evaluate.js';

const files: Readonly<Record<string, string>> = {
  'catalogue.yaml': `entities:
  team: {}
  user: { attributes: { level: integer, born: datetime }, parents: [team] }
  doc: { attributes: { owner: user, tags: set of string, price: decimal } }
actions:
  - { name: open, tier: inspect, match: { method: evaluation, name: open }, applies_to: { subjects: [user], resources: [doc, user] }, context: { type: object, properties: { floor: { type: integer } } } }
`,
  'entities.yaml': `entities:
  - { type: team, id: a }
  - { type: user, id: ann, attributes: { level: 3 }, parents: [{ type: team, id: a }] }
  - { type: doc, id: one, attributes: { owner: ann, tags: [x] } }
`,
  'policies/p.cedar': `@id("team") permit (principal in team::"a", action == Action::"open", resource);
@id("own") permit (principal, action == Action::"open", resource is doc) when { resource has owner && resource.owner == principal };
@id("level") permit (principal, action == Action::"open", resource is doc) when { principal has level && principal.level > 5 };
@id("no-secret") forbid (principal, action, resource is doc) when { resource has tags && resource.tags.contains("secret") };
@id("ground-floor") forbid (principal, action == Action::"open", resource) when { context.request has floor && context.request.floor < 0 };
@id("grown") forbid (principal, action == Action::"open", resource is user) when { principal has level && principal.level < 2 };
@id("themselves") permit (principal, action == Action::"open", resource is user) when { resource == principal };
`,
};
const bundle = compileBundle(files);

const session = foldSession(undefined, { v: 1, tenant: 't', id: 'i', kind: 'session.opened', at: 0, streams: [], deadline: 1, body: { session: 's', identity: 'shop', capabilities: ['*'], implicit: true, inherited: [] } }, { salt: 's', content: '{"purpose":"p"}' });

interface Asked {
  readonly subject: object;
  readonly resource: object;
  readonly context?: object;
}

function inputsOf(params: Asked): DecisionInputs {
  const situated = { principal: { identity: { id: 'shop' }, onBehalfOf: 'user:x', chain: [] }, session: { state: session }, call: { params, args: {} }, origin: { gateway: 'authzen', address: '' } } as unknown as Situated;
  const action = bundle.catalogue.find('', 'evaluation', 'open');
  return evaluationInputs(situated, 'open', { argumentType: undefined, contextType: action?.evaluation?.context, units: [], types: bundle.entityTypes, known: bundle.entities }, 0);
}

const user = (id: string, properties?: object) => ({ type: 'user', id, ...(properties && { properties }) });
const doc = (id: string, properties?: object) => ({ type: 'doc', id, ...(properties && { properties }) });

const rows: readonly (readonly [string, Asked, 'allow' | 'deny'])[] = [
  ['a member of a team', { subject: user('ann'), resource: doc('two') }, 'allow'],
  ['a stranger', { subject: user('zoe'), resource: doc('two') }, 'deny'],
  ['the owner that the request names', { subject: user('zoe'), resource: doc('two', { owner: 'zoe' }) }, 'allow'],
  ['another owner than the bundle states', { subject: user('zoe'), resource: doc('one', { owner: 'zoe' }) }, 'deny'],
  ['a level that the request adds', { subject: user('zoe', { level: 9 }), resource: doc('two') }, 'allow'],
  ['a level of another type', { subject: user('zoe', { level: '9' }), resource: doc('two') }, 'deny'],
  ['a tag that forbids', { subject: user('ann'), resource: doc('two', { tags: ['secret'] }) }, 'deny'],
  ['tags of another type: the guard stays shut', { subject: user('ann'), resource: doc('two', { tags: 'secret' }) }, 'deny'],
  ['context that forbids', { subject: user('ann'), resource: doc('two'), context: { floor: -1 } }, 'deny'],
  ['context of another type: the guard stays shut', { subject: user('ann'), resource: doc('two'), context: { floor: 'low' } }, 'deny'],
  ['context that is not declared', { subject: user('ann'), resource: doc('two'), context: { time: 'now' } }, 'allow'],
  ['parents are not for a request to name', { subject: user('zoe', { parents: [{ type: 'team', id: 'a' }] }), resource: doc('two') }, 'deny'],
  ['oneself', { subject: user('zoe'), resource: user('zoe') }, 'allow'],
  ['oneself, said twice and differently', { subject: user('zoe', { level: 9 }), resource: user('zoe', { level: 1 }) }, 'deny'],
];

describe('evaluations', () => {
  test.each(rows)('story: %s', (_what, asked, outcome) => {
    expect(evaluate(inputsOf(asked), bundle).outcome).toBe(outcome);
  });

  test('law: both engines say the same of every evaluation', () => {
    const wasm = new CedarWasmEngine(bundle.policies, bundle.actionGroups);
    for (const [what, asked] of rows) {
      const inputs = inputsOf(asked);
      const [resource] = inputs.resources;
      if (!resource) throw new Error('no resource');
      const request = engineRequest(inputs, resource, bundle.actionGroups.get('open') ?? [], bundle.entities);
      expect([...bundle.engine.evaluate(request).satisfied].sort(), what).toEqual([...wasm.evaluate(request).satisfied].sort());
    }
    wasm.close();
  });
});

describe('a bundle of evaluations', () => {
  const faultsOf = (changed: Readonly<Record<string, string>>): string => {
    try {
      compileBundle({ ...files, ...changed });
      return 'none';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const entities = (list: string) => ({ 'entities.yaml': `entities:\n${list}` });
  const action = (more: string) => ({ 'policies/p.cedar': '', 'catalogue.yaml': `entities:\n  user: {}\nactions:\n  - { name: open, tier: inspect, ${more} }\n`, 'entities.yaml': 'entities: []' });

  test.each([
    ['an entity of a type that nobody declared', entities('  - { type: car, id: x }'), 'declares no type `car`'],
    ['an attribute that nobody declared', entities('  - { type: user, id: x, attributes: { shoe: 1 } }'), 'has no attribute `shoe`'],
    ['an attribute of another type', entities('  - { type: user, id: x, attributes: { level: high } }'), 'expected `level` to be a integer'],
    ['a parent of another type', entities('  - { type: user, id: x, parents: [{ type: doc, id: one }] }'), 'is not in a `doc`'],
    ['an entity that is there twice', entities('  - { type: team, id: x }\n  - { type: team, id: x }'), 'is there twice'],
    ['entities in two files', { 'entities.json': '{"entities":[]}' }, 'expected entities in one file'],
    ['JSON that is none', { 'entities.yaml': undefined as unknown as string, 'entities.json': '{' }, 'entities.json'],
    ['an action without types', action('match: { method: evaluation, name: open }'), 'expected `applies_to`'],
    ['a type that is not declared', action('match: { method: evaluation, name: open }, applies_to: { subjects: [user], resources: [car] }'), 'declares no type `car`'],
    ['types on another method', action('match: { name: open }, applies_to: { subjects: [user], resources: [user] }'), 'with `method: evaluation` only'],
    ['a context that is no object', action('match: { method: evaluation, name: open }, applies_to: { subjects: [user], resources: [user] }, context: { type: string }'), 'expected `context` to be a JSON Schema of an object'],
    ['a policy on an attribute that nobody declared', { 'policies/p.cedar': '@id("x") permit (principal is user, action == Action::"open", resource) when { principal.shoe == 1 };' }, 'shoe'],
    ['a policy on an attribute that may be missing', { 'policies/p.cedar': '@id("x") permit (principal is user, action == Action::"open", resource) when { principal.level == 1 };' }, 'optional attribute `level`'],
  ] as const)('attack: %s is refused', (_what, changed, message) => {
    expect(faultsOf(changed)).toContain(message);
  });
});
