import type { JsonObject } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from './decide.js';
import { type Json, safeText } from '@flyball/cedar';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { CedarEngine, policySetOf } from './cedar-engine.js';
import { CedarWasmEngine } from './cedar-wasm-engine.js';
import { cedar, type CompiledPolicy } from './cedar-wasm.js';
import { asPermit } from './cedar-text.js';
import type { EngineRequest } from './engine.js';
import { readRule } from './annotations.js';

function compiled(texts: readonly string[]): readonly CompiledPolicy[] {
  return texts.map((text, i) => {
    const safe = safeText(text);
    const parsed = cedar().policyToJson(safe.text);
    if (parsed.type !== 'success') throw new Error(`expected Cedar, got ${text}`);
    return { id: `p${i}`, text, json: safe.restore(parsed.json as unknown as Json) as unknown as PolicyJson };
  });
}

const groups = new Map([['pay', ['act', 'payments']], ['read', ['inspect']]]);

function request(over: { readonly action?: string; readonly context?: JsonObject; readonly principal?: string; readonly attrs?: JsonObject; readonly resource?: string; readonly members?: readonly string[] } = {}): EngineRequest {
  const { action = 'pay', context = {}, principal = 'robot', attrs = { kind: 'agent' }, resource = 'payee/acme', members = ['robots'] } = over;
  const uids = { principal: { type: 'Identity', id: principal }, action: { type: 'Action', id: action }, resource: { type: 'Resource', id: resource } };
  return {
    ...uids,
    context: { args: {}, session: { purpose: 'x', labels: [], refusals: 0 }, ...context },
    entities: [
      { uid: uids.principal, attrs, parents: members.map((id) => ({ type: 'Group', id })) },
      { uid: uids.action, attrs: {}, parents: (groups.get(action) ?? []).map((id) => ({ type: 'Action', id })) },
      { uid: uids.resource, attrs: { kind: 'payee', name: resource }, parents: [] },
    ],
  };
}

/** What Cedar itself says of one policy, asked alone and with everything. */
function alone(policy: CompiledPolicy, asked: EngineRequest): 'satisfied' | 'broken' | 'no' {
  const answer = cedar().isAuthorized({ ...asked, policies: { staticPolicies: { one: asPermit(policy.text) } } } as unknown as Parameters<ReturnType<typeof cedar>['isAuthorized']>[0]);
  if (answer.type !== 'success') throw new Error('expected an answer');
  return answer.response.diagnostics.errors.length > 0 ? 'broken' : answer.response.decision === 'allow' ? 'satisfied' : 'no';
}

const heads = ['(principal, action, resource)', '(principal in Group::"robots", action, resource)', '(principal == Identity::"root", action, resource)', '(principal is Identity, action in Action::"payments", resource)', '(principal, action == Action::"read", resource)', '(principal, action in [Action::"pay", Action::"inspect"], resource)', '(principal, action, resource == Resource::"payee/acme")', '(principal, action, resource is Resource)'];
const conditions = [
  'context.args.amount > 5', 'context.args has amount', 'context has args.amount && context.args.amount == 1', 'context["args"]["amount"] * 9223372036854775807 > 0', 'principal.kind == "agent"', 'principal has owner', 'principal.owner == "ann"', 'resource.name == "payee/acme"', 'resource in Resource::"payee/acme"',
  'context.session.labels.contains("pii")', 'context.session.labels.isEmpty()', '{ "x": context }.x.args has amount', '{ "x": context.args }["x"] has amount', '[context.session.purpose].contains("x")', '(if context has now then context else context).session.refusals < 2', 'context == context', '{ "Var": context.session.purpose } has Var', '{ ".": context.args }["."] has amount', '{ "has": { "left": 1 } }["has"] == { "left": 1 }', 'context.session.purpose like "x*"', '[principal, resource].contains(principal)', '{ "a": principal }.a.kind == "agent"', 'principal in [Group::"robots", Group::"x"]', 'action in Action::"act"', 'context.args in [Group::"a"]', '-context.session.refusals == 0', 'context.nothing.at.all', 'context has "a b" || context.session.purpose == "x"', 'if principal.kind == "agent" then resource.kind == "payee" else false',
];
const policyText = fc.tuple(fc.constantFrom('permit', 'forbid'), fc.constantFrom(...heads), fc.array(fc.tuple(fc.constantFrom('when', 'unless'), fc.constantFrom(...conditions)), { maxLength: 2 })).map(([effect, head, clauses]) => `${effect} ${head}${clauses.map(([word, condition]) => ` ${word} { ${condition} }`).join('')};`);
const asked = fc.record({
  action: fc.constantFrom('pay', 'read'),
  principal: fc.constantFrom('robot', 'root'),
  attrs: fc.constantFrom<JsonObject>({ kind: 'agent' }, { kind: 'vendor', owner: 'ann' }, {}),
  resource: fc.constantFrom('payee/acme', 'payee/evil'),
  members: fc.constantFrom<readonly string[]>(['robots'], []),
  context: fc.constantFrom<JsonObject>({}, { args: { amount: 1 } }, { args: { amount: 7 } }, { args: { amount: '7' } }, { now: 1 }, { session: { purpose: 'y', labels: ['pii'], refusals: 3 } }, { 'a b': true }),
});

describe.each([
  ['in TypeScript', (policies: readonly CompiledPolicy[]) => new CedarEngine(policySetOf(policies), groups)],
  ['by WebAssembly', (policies: readonly CompiledPolicy[]) => new CedarWasmEngine(policies, groups)],
] as const)('laws of the engine %s', (_name, engineOf) => {
  test('law: every policy is answered for as Cedar answers for it alone, whatever was asked before and whatever no policy looks at', () => {
    fc.assert(
      fc.property(fc.array(policyText, { minLength: 1, maxLength: 5 }), fc.array(asked, { minLength: 1, maxLength: 6 }), (texts, questions) => {
        const policies = compiled(texts);
        const engine = engineOf(policies);
        try {
          for (const question of [...questions, ...questions]) {
            const one = request(question);
            const { satisfied, broken } = engine.evaluate(one);
            const answers = policies.map(({ id }) => (broken.has(id) ? 'broken' : satisfied.has(id) ? 'satisfied' : 'no'));
            expect(answers).toEqual(policies.map((policy) => alone(policy, one)));
          }
        } finally {
          engine.close();
        }
      }),
      { numRuns: 400 },
    );
  });

  test('abuse 14: two requests that differ in anything a policy can see are two questions', () => {
    const engine = engineOf(compiled(['permit (principal, action, resource) when { context.args == {"a": "b"} };']));
    const satisfied = (args: JsonObject) => engine.evaluate(request({ context: { args } })).satisfied.size === 1;
    expect([{ a: 'b' }, { a: 'b","c":"d' }, { a: ['b'] }, { a: 'b ' }, { 'a":"b': '' }, { a: 'B' }, { a: 'b', c: '' }, { a: 1 }].map(satisfied)).toEqual([true, false, false, false, false, false, false, false]);
    const numbers = engineOf(compiled(['permit (principal, action, resource) when { context.args.n == 1 };']));
    expect([1, '1', true, 0, -0, [1]].map((n) => numbers.evaluate(request({ context: { args: { n } } })).satisfied.size)).toEqual([1, 0, 0, 0, 0, 0]);
  });
});

describe.each([
  ['in TypeScript', (policies: readonly CompiledPolicy[]) => new CedarEngine(policySetOf(policies), groups)],
  ['by WebAssembly', (policies: readonly CompiledPolicy[]) => new CedarWasmEngine(policies, groups)],
] as const)('attacks on the engine %s', (_name, engineOf) => {
  const rulesOf = (policies: readonly CompiledPolicy[]) => new Map(policies.map(({ id, json }) => [id, { ...readRule(json, []), id }]));

  test('attack: GHSA-hm46-7j72-rpv9: a forbid that fails on a type is reported as broken, and denies', () => {
    const policies = compiled(['permit (principal, action, resource);', 'forbid (principal, action, resource) when { context.args.command in ["rm", "dd"] };']);
    const answer = engineOf(policies).evaluate(request({ context: { args: { command: 'rm' } } }));
    expect([[...answer.satisfied], [...answer.broken.keys()]]).toEqual([['p0'], ['p1']]);
    expect(decide(answer, rulesOf(policies), 'b')).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });

  test.each<[string, string, JsonObject]>([
    ['a missing attribute', 'context.args.amount > 5', {}],
    ['an overflow', 'context.args.amount + 9223372036854775807 > 5', { amount: 1 }],
    ['a wrong type', 'context.args.amount > 5', { amount: '6' }],
    ['a decimal that is none', 'decimal(context.args.amount).greaterThan(decimal("1.0"))', { amount: 'x' }],
    ['a wrong type before `||`', 'context.args.amount || true', { amount: 1 }],
  ])('abuse 16: %s in a forbid denies, in a permit does not permit', (_name, condition, args) => {
    const broken = (effect: string) => compiled([`${effect} (principal, action, resource) when { ${condition} };`, ...(effect === 'forbid' ? ['permit (principal, action, resource);'] : [])]);
    for (const effect of ['forbid', 'permit']) {
      const policies = broken(effect);
      const answer = engineOf(policies).evaluate(request({ context: { args } }));
      expect(decide(answer, rulesOf(policies), 'b')).toMatchObject({ outcome: 'deny', kind: effect === 'forbid' ? 'guard_broken' : 'no_permit' });
    }
  });

  test('attack: a request that the engine cannot read gives no answer, tells nobody its content, and the next one is answered', () => {
    const engine = engineOf(compiled(['permit (principal, action, resource) when { context.args has a };']));
    let deep: JsonObject = {};
    for (let i = 0; i < 5_000; i++) deep = { a: deep };
    for (const args of [{ a: null }, { a: 1.5 }, { a: 'canary\ud800' }, { a: { __extn: { fn: 'decimal', arg: 'canary' } } }, { a: { __expr: 'canary' } }, deep]) {
      expect(() => engine.evaluate(request({ context: { args } }))).toThrow(expect.objectContaining({ code: 'internal', message: expect.not.stringContaining('canary') as string }) as Error);
      expect(engine.evaluate(request({ context: { args: { a: 1 } } })).satisfied.size).toBe(1);
    }
  });

  test('abuse 15: what one bundle answered is not another bundle\'s answer', () => {
    const [first, second] = ['permit (principal, action, resource);', 'forbid (principal, action, resource);'].map((text) => engineOf(compiled([text])));
    first?.evaluate(request());
    expect([...(second?.evaluate(request()).satisfied ?? [])]).toEqual(['p0']);
    first?.close();
    expect(second?.evaluate(request()).satisfied.size).toBe(1);
    expect(first?.evaluate(request()).satisfied.size).toBe(1);
  });
});
