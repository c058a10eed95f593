import type { JsonObject } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, decided, nowMs } from '../../../../../test/support/policy-kit.js';
import type { DecisionInputs } from '../../action/states.js';
import { argumentType, encode } from '../types.js';
import { regoInput } from './rego-input.js';

const extension = (fn: string, arg: string): JsonObject => ({ __extn: { fn, arg } });
const inputs = (context: JsonObject, over: Partial<DecisionInputs> = {}): DecisionInputs => ({ principal: { id: 'robot', groups: ['robots'], attributes: {} }, action: 'pay', resources: [{ type: 'tool', id: 'pay' }], context, entities: [], ...over });
const contextOf = (context: JsonObject, over: Partial<DecisionInputs> = {}) => regoInput(inputs(context, over), { type: 'tool', id: 'pay' }, [])['context'] as JsonObject;

test('story: the whole of what a rule sees', async () => {
  const bundle = compile('@id("all") permit (principal, action, resource);');
  const decision = await decided(bundle, { args: { amount: 1000.01, tags: ['b', 'a'] }, identity: { expiresAtMs: nowMs + 1_000 }, principal: { onBehalfOf: 'ann' }, session: { labels: ['pii'], counts: { 'payment.release': 2 }, spent: { eur: 12_345_600 }, refusals: 1 } });
  expect(regoInput(decision.inputs, decision.resources[0] ?? { type: '', id: '' }, bundle.actionGroups.get('payment.release') ?? [])).toEqual({
    principal: { id: 'robot', groups: ['robots'], kind: 'agent', autonomy: 'autonomous', owner: 'ann', purpose: 'testing', findings: [], expires: '2025-06-15T15:06:41.000Z', expires_ms: nowMs + 1_000 },
    action: { name: 'payment.release', groups: expect.arrayContaining(['act', 'payments']) as string[] },
    resource: { type: 'tool', id: 'pay' },
    resources: [{ type: 'tool', id: 'pay' }],
    context: {
      args: { amount: 1000.01, tags: ['b', 'a'] },
      session: { purpose: 'testing', capabilities: ['*'], labels: ['pii'], actions: ['payment.release'], counts: { 'payment.release': 2 }, spent: { eur: 1234.56 }, refusals: 1, age_ms: 60_000 },
      facts: {},
      grants: [],
      origin: { gateway: 'mcp', address: '127.0.0.1' },
      now: '2025-06-15T15:06:40.000Z',
      now_ms: nowMs,
      on_behalf_of: 'ann',
    },
  });
});

test('law: what is only Cedar\'s is not shown', () => {
  expect(contextOf({ temporal: { t0: true }, unrepresented: [], args: {} })).toEqual({ args: {} });
});

describe('Cedar\'s escapes', () => {
  test.each<[string, JsonObject, JsonObject]>([
    ['a decimal', { a: extension('decimal', '12.5000') }, { a: 12.5 }],
    ['a decimal below zero', { a: extension('decimal', '-0.1') }, { a: -0.1 }],
    ['a time', { a: extension('datetime', '2026-11-22T10:30:00.250+0530') }, { a: '2026-11-22T05:00:00.250Z', a_ms: 1_795_323_600_250 }],
    ['a time before 1970', { a: extension('datetime', '1969-12-31T23:59:59.999Z') }, { a: '1969-12-31T23:59:59.999Z', a_ms: -1 }],
    ['a time whose other name is taken', { a: extension('datetime', '1970-01-01'), a_ms: 'own' }, { a: '1970-01-01T00:00:00.000Z', a_ms: 'own' }],
    ['a length of time', { a: extension('duration', '1d2h3m4s5ms') }, { a_ms: 93_784_005 }],
    ['a length of time below zero', { a: extension('duration', '-90m') }, { a_ms: -5_400_000 }],
    ['milliseconds alone', { a: extension('duration', '60000ms') }, { a_ms: 60_000 }],
    ['an address', { a: extension('ip', '10.0.0.0/8') }, { a: '10.0.0.0/8' }],
    ['an entity', { a: { __entity: { type: 'Group', id: 'a"b' } } }, { a: 'Group::"a\\"b"' }],
    ['all of it in lists and records', { a: [{ b: extension('decimal', '1.0') }, extension('decimal', '2.0')] }, { a: [{ b: 1 }, 2] }],
  ])('story: %s', (_name, context, expected) => {
    expect(contextOf(context)).toEqual({ ...expected, args: {} });
  });

  test.each<[string, JsonObject]>([
    ['a decimal with more digits than JSON carries', extension('decimal', '922337203685477.5807')],
    ['a decimal that is none', extension('decimal', 'x')],
    ['a time that is none', extension('datetime', 'soon')],
    ['a length of time that is none', extension('duration', 'long')],
    ['a length of time beyond every number', extension('duration', '9223372036854775807ms')],
  ])('attack: %s is no input at all', (_name, value) => {
    expect(() => contextOf({ a: value })).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
  });
});

describe('arguments', () => {
  const schema = { type: 'object', properties: { amount: { type: 'number' }, count: { type: 'integer' }, name: { type: 'string' }, on: { type: 'boolean' }, tags: { type: 'array', items: { type: 'number' } }, more: { type: 'object', properties: { amount: { type: 'number' } } } } };

  test('law: what Cedar could carry comes back exactly as it was sent', () => {
    const amount = fc.integer({ min: -1e11, max: 1e11 }).map((n) => n / 10_000);
    const sent = fc.record({ amount, count: fc.maxSafeInteger(), name: fc.string(), on: fc.boolean(), tags: fc.array(amount), more: fc.record({ amount }, { requiredKeys: [] }) }, { requiredKeys: [] });
    fc.assert(
      fc.property(sent, (args) => {
        const encoded = encode(args, argumentType(schema) ?? { kind: 'string' }, '');
        expect(encoded.left).toEqual([]);
        expect(JSON.stringify(contextOf({ args: encoded.value ?? {}, unrepresented: [] })['args'])).toBe(JSON.stringify(args));
      }),
    );
  });

  test('story: what Cedar could not carry is shown as it was sent, escapes and all', () => {
    const args = { choice: null, __extn: { fn: 'decimal', arg: '1.0' }, huge: 1e300 };
    expect(contextOf({ args: {}, unrepresented: ['choice'] }, { args })).toEqual({ args });
  });

  test('attack: inputs that lack an argument are no inputs: a rule would take it for one that was not given', () => {
    expect(() => contextOf({ args: {}, unrepresented: ['amount'] })).toThrow(/every argument/);
  });

  test('attack: names of every object are names like others', () => {
    const context = JSON.parse('{"a":{"__proto__":{"x":1},"constructor":2,"toString":3}}') as JsonObject;
    expect(JSON.stringify(contextOf(context)['a'])).toBe('{"__proto__":{"x":1},"constructor":2,"toString":3}');
  });
});
