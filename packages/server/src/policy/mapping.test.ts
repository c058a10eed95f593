import type { Json, JsonObject } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { applyMapping, defaultMappings, verifyMapping } from './mapping.js';

const audience = 'https://mcp.example.com';
const token: JsonObject = { sub: 'alice@example.com', client_id: 'http://agentprovider.com/agent-app-id', iss: 'https://auth.example.com', aud: audience, exp: 1_750_000_000 };
const call = (name: string, args: JsonObject): JsonObject => ({ name, arguments: args });
const apply = (mapping: Json, params: JsonObject, claims: JsonObject = token) => applyMapping(mapping, { params, claims, audience });
const fault = (run: () => unknown): string => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
};
const mapped = (method: string): Json => defaultMappings[method] ?? null;

const getCustomer: Json = { evaluation: { subject: { type: 'identity', id: '$token.sub' }, action: { name: 'get_customer' }, resource: { type: 'customer', id: '$params.arguments.id' }, context: { agent: '$token.?client_id', case: '$params.arguments.case' } } };
const copyObject: Json = {
  evaluations: {
    subject: { type: 'identity', id: '$token.sub' },
    context: { agent: '$token.?client_id' },
    evaluations: [
      { action: { name: 'read' }, resource: { type: 'storage_object', id: '$params.arguments.source' } },
      { action: { name: 'write' }, resource: { type: 'storage_object', id: '$params.arguments.destination' } },
    ],
  },
};
const transfer: Json = {
  evaluation: {
    subject: { type: "$token.roles.exists(r, r == 'treasury') ? 'treasury_user' : 'standard_user'", id: '$token.sub' },
    action: { name: "$params.arguments.currency == 'USD' ? 'domestic_transfer' : 'international_transfer'" },
    resource: { type: 'account', id: '$params.arguments.from_account', properties: { sensitivity: "$params.arguments.amount > 10000 ? 'high' : 'standard'" } },
    context: { target_account: '$params.arguments.to_account' },
  },
};
const around = (over: JsonObject): Json => ({ evaluation: { action: { name: 'a' }, resource: { type: 't', id: 'i' }, ...over } });

describe('COAZ vectors', () => {
  test('story V1: a declared mapping', () => {
    expect(apply(getCustomer, call('get_customer', { id: 'cust-12345', case: 'case-67890' }))).toEqual([{ subject: { type: 'identity', id: 'alice@example.com' }, action: { name: 'get_customer' }, resource: { type: 'customer', id: 'cust-12345' }, context: { agent: 'http://agentprovider.com/agent-app-id', case: 'case-67890' } }]);
  });

  test('story V2: the default mapping of a tool', () => {
    expect(apply(mapped('tools/call'), call('get_local_weather', {}))).toEqual([{ subject: { type: 'identity', id: 'alice@example.com' }, action: { name: 'tools/call' }, resource: { type: 'tool', id: 'get_local_weather' }, context: { agent: 'http://agentprovider.com/agent-app-id' } }]);
  });

  test('story V3: two evaluations, in their order, with what they share', () => {
    expect(apply(copyObject, call('copy_object', { source: '/bucket/reports/q1.pdf', destination: '/bucket/archive/q1.pdf' }))).toMatchObject([
      { subject: { id: 'alice@example.com' }, action: { name: 'read' }, resource: { type: 'storage_object', id: '/bucket/reports/q1.pdf' }, context: { agent: 'http://agentprovider.com/agent-app-id' } },
      { subject: { id: 'alice@example.com' }, action: { name: 'write' }, resource: { type: 'storage_object', id: '/bucket/archive/q1.pdf' }, context: { agent: 'http://agentprovider.com/agent-app-id' } },
    ]);
  });

  test.each<[number, string, readonly string[], readonly string[]]>([
    [10_000, 'USD', ['treasury'], ['treasury_user', 'domestic_transfer', 'standard']],
    [10_000.5, 'EUR', ['sales'], ['standard_user', 'international_transfer', 'high']],
    [20_000, 'USD', [], ['standard_user', 'domestic_transfer', 'high']],
  ])('story V4: %d %s with the roles %j', (amount, currency, roles, expected) => {
    const [evaluation] = apply(transfer, call('transfer_funds', { amount, currency, from_account: 'a', to_account: 'b' }), { ...token, roles });
    expect([evaluation?.subject['type'], evaluation?.action['name'], evaluation?.resource.properties?.['sensitivity']]).toEqual(expected);
  });

  test('story V4: a token without roles is a mapping error', () => {
    expect(fault(() => apply(transfer, call('transfer_funds', { amount: 1, currency: 'USD', from_account: 'a', to_account: 'b' })))).toMatch(/^request_malformed: COAZ mapping error: expression/);
  });

  test('story V5: what begins with `$$` is a text, and what begins with neither stands for itself', () => {
    const context = { price: '$$50', twice: '$$$x', kind: 'customer', ten: 10, yes: true, inside: 'a$b', list: ['$token.sub', '$$x', 1, null], deep: { '$token.sub': '$token.sub' } };
    expect(apply(around({ context }), {})[0]?.context).toEqual({ price: '$50', twice: '$$x', kind: 'customer', ten: 10, yes: true, inside: 'a$b', list: ['alice@example.com', '$x', 1, null], deep: { '$token.sub': 'alice@example.com' } });
  });

  test('story V6: a claim that may be missing leaves no member behind', () => {
    const { client_id: _client, ...without } = token;
    expect(apply(mapped('tools/call'), call('x', {}), without)[0]?.context).toEqual({});
  });

  test.each<[string, () => unknown]>([
    ['V7: a token without `sub`', () => apply(mapped('tools/call'), call('x', {}), { client_id: 'app' })],
    ['V8: an argument that the mapping needs', () => apply(getCustomer, call('get_customer', { id: 'cust-12345' }))],
    ['V9: no envelope', () => apply({}, {})],
    ['V9: both envelopes', () => apply({ evaluation: {}, evaluations: {} }, {})],
    ['V9: an unknown envelope', () => apply({ search: {} }, {})],
    ['V9: a list', () => apply([], {})],
    ['V9: a text', () => apply('$token.sub', {})],
    ['V9: null', () => apply(null, {})],
    ['V9: an envelope that holds nothing', () => apply({ evaluation: null }, {})],
    ['V10: a subject in one of the evaluations', () => apply({ evaluations: { evaluations: [{ subject: { type: 'identity', id: 'alice@example.com' }, action: { name: 'a' }, resource: { type: 't', id: 'i' } }] } }, {})],
    ['V10: a subject that an expression makes', () => apply({ evaluations: { evaluations: ["${'subject': {'id': token.sub}, 'action': {'name': 'a'}, 'resource': {'type': 't', 'id': 'i'}}"] } }, {})],
    ['V20: a variable that does not exist', () => apply(around({ resource: { type: 't', id: '$request.x' } }), {})],
    ['no evaluations', () => apply({ evaluations: { action: { name: 'a' }, resource: { type: 't', id: 'i' }, evaluations: [] } }, {})],
    ['evaluations from an expression', () => apply({ evaluations: { evaluations: '$params.list' } }, { list: [] })],
    ['`options` that stop at the first permit', () => apply({ evaluations: { options: { evaluations_semantic: 'permit_on_first_permit' }, evaluations: [{ action: { name: 'a' }, resource: { type: 't', id: 'i' } }] } }, {})],
    ['no action', () => apply({ evaluation: { resource: { type: 't', id: 'i' } } }, {})],
    ['an action without a name', () => apply(around({ action: {} }), {})],
    ['an empty name', () => apply(around({ action: { name: '' } }), {})],
    ['no resource', () => apply({ evaluation: { action: { name: 'a' } } }, {})],
    ['a resource id that is a number', () => apply(around({ resource: { type: 't', id: '$params.id' } }), { id: 5 })],
    ['a resource id that is a list', () => apply(around({ resource: { type: 't', id: '$params.id' } }), { id: ['a', 'b'] })],
    ['a resource id that is null', () => apply(around({ resource: { type: 't', id: '$params.id' } }), { id: null })],
    ['a resource id that is absent', () => apply(around({ resource: { type: 't', id: '$params.?id' } }), {})],
    ['an empty resource id', () => apply(around({ resource: { type: 't', id: '$params.id' } }), { id: '' })],
    ['an empty expression', () => apply(around({ context: { a: '$' } }), {})],
    ['an expression that does not parse', () => apply(around({ context: { a: '$token.' } }), {})],
    ['a type as a value', () => apply(around({ context: { a: '$type(1)' } }), {})],
    ['a time as a value', () => apply(around({ context: { a: "$timestamp('2026-01-01T00:00:00Z')" } }), {})],
    ['bytes as a value', () => apply(around({ context: { a: "$b'abc'" } }), {})],
    ['a division by zero', () => apply(around({ context: { a: '$1 / 0' } }), {})],
    ['a whole number beyond every double', () => apply(around({ context: { a: '$9007199254740993' } }), {})],
  ])('attack %s is a mapping error', (_name, run) => {
    expect(fault(run)).toMatch(/^request_malformed: COAZ mapping error: /);
  });

  test('story V11: a subject or its type that is left out is the identity in the token', () => {
    expect(apply(around({}), {})[0]?.subject).toEqual({ type: 'identity', id: 'alice@example.com' });
    expect(apply(around({ subject: { properties: { vip: true } } }), {})[0]?.subject).toEqual({ type: 'identity', id: 'alice@example.com', properties: { vip: true } });
  });

  test.each<[string, Json]>([['an argument', '$params.arguments.user'], ['another claim', '$token.client_id'], ['a text', 'bob'], ['a number', 5], ['null', null], ['a list with it', ['alice@example.com']]])('attack V12: no mapping makes %s the subject', (_name, id) => {
    expect(fault(() => apply(around({ subject: { type: 'identity', id } }), call('x', { user: 'bob' })))).toMatch(/^request_malformed: COAZ mapping error: expected `subject\.id` to be the identity in the token/);
  });

  test('story V13: the audience is this server, whatever else the token is for', () => {
    for (const aud of [audience, [audience, 'https://other.example'], 'https://other.example']) expect(apply(mapped('tools/list'), {}, { ...token, aud })[0]?.resource).toEqual({ type: 'mcp_server', id: audience });
  });

  test('story V17: completion of a prompt and of a resource', () => {
    expect(apply(mapped('completion/complete'), { ref: { type: 'ref/prompt', name: 'p' } })[0]?.resource).toEqual({ type: 'prompt', id: 'p' });
    expect(apply(mapped('completion/complete'), { ref: { type: 'ref/resource', uri: 'file:///a' } })[0]?.resource).toEqual({ type: 'resource', id: 'file:///a' });
    expect(fault(() => apply(mapped('completion/complete'), { ref: { type: 'ref/prompt' } }))).toMatch(/COAZ mapping error/);
  });

  test('law: every default mapping is well-formed', () => {
    for (const mapping of Object.values(defaultMappings)) expect(fault(() => verifyMapping(mapping))).toBe('accepted');
  });
});

describe('a stranger\'s expressions', () => {
  test.each(['$params.constructor', '$params.__proto__', '$params.arguments.toString', '$token.constructor.name', "$params['__proto__']", '$constructor', '$__proto__', '$process', '$globalThis', '$this', '$params.hasOwnProperty', "$params.arguments.constructor.constructor('return 1')()"])('abuse 19: %s leads out of nothing', (id) => {
    expect(fault(() => apply(around({ resource: { type: 't', id } }), call('x', {})))).toMatch(/^request_malformed: COAZ mapping error: /);
  });

  test.each<[string, string]>([
    ['a long list', `$[${Array(5_000).fill('1').join(',')}]`],
    ['a deep list', `$${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['a long sum', `$${Array(5_000).fill('1').join('+')}`],
    ['deep brackets', `$${'('.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['loops in loops', '$params.l.map(a, params.l.map(b, params.l.map(c, params.l.map(d, 1))))'],
    ['loops in loops, with comments between', '$params.l.//\nmap//\n(a, params.l.//\nmap//\n(b, params.l.//\nmap//\n(c, params.l.//\nmap//\n(d, 1))))'],
    ['a pattern that runs away behind a comment', "$params.s.//\nmatches//\n('^(a+)+$')"],
    ['a pattern that runs away', "$params.s.matches('^(a+)+$')"],
  ])('abuse 18: %s is refused or answered in a second', (_name, id) => {
    const params = { l: Array.from({ length: 60 }, (_, i) => i), s: `${'a'.repeat(26)}!` };
    const start = performance.now();
    fault(() => apply(around({ context: { id } }), params));
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test('story: a declared mapping is checked before anything relies on it', () => {
    expect(fault(() => verifyMapping(getCustomer))).toBe('accepted');
    for (const mapping of [{}, { search: {} }, around({ resource: { type: 't', id: '$request.x' } }), around({ context: { a: '$token.' } }), around({ context: { a: ['$params.'] } })]) expect(fault(() => verifyMapping(mapping))).toMatch(/^request_malformed: COAZ mapping error: /);
  });
});
