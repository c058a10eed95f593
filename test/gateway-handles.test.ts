import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { raw } from './support/mcp.js';
import { json, type Seen, startUpstream, tool, type Upstream } from './support/upstream.js';
import { isRefusal, openWire, resultOf, rpc, stateless } from './support/wire.js';

/** Handles that a server gives out (tasks, states of a question) belong to whom they were given, and to the call they came from. */
const mail = 'jo@customer.example';
let upstream: Upstream;
let governor: RunningGovernor;
let token: string;
let other: string;

const files = {
  ...openBundle,
  'bundle/catalogue.yaml': 'actions:\n  - { name: customer.read, tier: inspect, match: { upstream: raw, name: customer } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
  'bundle/policies/open.cedar': `@id("open") permit (principal in Group::"testers", action, resource) unless { action == Action::"customer.read" };
@id("customers") @modify("redact=pii") permit (principal in Group::"testers", action == Action::"customer.read", resource);
`,
};

beforeAll(async () => {
  upstream = await startUpstream([
    tool('customer', { execution: { taskSupport: 'optional' } }),
    tool('ask'),
    tool('headed', { inputSchema: { type: 'object', properties: { amount: { type: 'integer', 'x-mcp-header': 'Amount' }, region: { type: 'string', 'x-mcp-header': 'Region' } } } }),
  ]);
  governor = await startGovernor({ files, upstreams: `  raw: { url: "${upstream.url}", timeout_seconds: 5 }` });
  [token, other] = await Promise.all([governor.token('tester'), governor.token('other')]);
});
afterAll(async () => {
  await governor.remove();
  upstream.stop();
});
beforeEach(() => {
  upstream.behaviour = (seen, response) => {
    const reply = answerOf(seen);
    if (!reply) return undefined;
    json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: reply }), {});
    return true;
  };
});

function answerOf({ method, params }: Seen): object | undefined {
  const task = { taskId: 'the-task-of-tester', status: 'completed', createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z', ttl: 60_000 };
  const content = { content: [{ type: 'text', text: `Jo, ${mail}` }] };
  switch (method) {
    case 'initialize':
      return { protocolVersion: '2025-11-25', capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }, serverInfo: { name: 'raw', version: '1' } };
    case 'tools/call':
      if (params['name'] === 'ask') return params['requestState'] === undefined ? { resultType: 'input_required', inputRequests: { q: { method: 'elicitation/create', params: { message: 'sure?', requestedSchema: { type: 'object', properties: {} } } } }, requestState: 'state-of-tester' } : { resultType: 'complete', content: [{ type: 'text', text: 'state taken' }] };
      if (params['name'] === 'customer') return params['task'] === undefined ? content : { task };
      return { content: [] };
    case 'tasks/get':
      return { ...task, resultType: 'complete', result: content };
    case 'tasks/result':
      return content;
    case 'tasks/list':
      return { tasks: [task] };
    case 'tasks/cancel':
      return { ...task, status: 'cancelled' };
    default:
      return undefined;
  }
}

describe.each(['/mcp/raw', '/mcp'])('through %s', (path) => {
  const startTask = async (bearer: string) => {
    const client = await openWire(governor.url(path), bearer);
    const answer = await client.post(rpc(1, 'tools/call', { name: 'customer', arguments: {}, task: { ttl: 60_000 } }));
    return { client, taskId: (resultOf(answer)['task'] as { taskId?: string } | undefined)?.taskId ?? 'the-task-of-tester' };
  };

  test('attack: what was to be redacted is redacted when it comes as the result of a task, too', async () => {
    const { client, taskId } = await startTask(token);
    for (const method of ['tasks/result', 'tasks/get']) expect((await client.post(rpc(2, method, { taskId }))).text, method).not.toContain(mail);
    const { body, headers } = stateless(3, 'tasks/get', { taskId });
    expect((await raw(governor.url(path), body, token, headers)).text).not.toContain(mail);
  });

  test.each(['tasks/result', 'tasks/get', 'tasks/cancel'])('abuse 57: another identity that knows a task\'s id gets nothing by %s, and its server is not asked', async (method) => {
    const { taskId } = await startTask(token);
    const stranger = await openWire(governor.url(path), other);
    const before = upstream.of(method).length;
    const answer = await stranger.post(rpc(2, method, { taskId }));
    expect(answer.text).not.toContain(mail.slice(3));
    expect(isRefusal(answer), answer.text).toBe(true);
    expect(upstream.of(method).length).toBe(before);
  });

  test('abuse 57: a list of tasks shows an identity its own', async () => {
    const { taskId } = await startTask(token);
    const stranger = await openWire(governor.url(path), other);
    expect((await stranger.post(rpc(2, 'tasks/list'))).text).not.toContain(taskId);
  });
});

// The hub speaks the era of sessions to its servers: there is no state to carry.
test('abuse 57: the state of a question goes back only from the one who was asked, in the call that was asked about', async () => {
  const ask = (bearer: string, params: Readonly<Record<string, unknown>>) => {
    const { body, headers } = stateless(4, 'tools/call', params);
    return raw(governor.url('/mcp/raw'), body, bearer, headers);
  };
  const asked = await ask(token, { name: 'ask', arguments: { a: 1 } });
  const state = resultOf(asked)['requestState'];
  expect(typeof state).toBe('string');
  const responses = { inputResponses: { q: { action: 'accept', content: {} } }, requestState: state };
  const takenBy = () => upstream.of('tools/call').filter((seen) => seen.params['requestState'] !== undefined).length;
  const before = takenBy();
  await ask(other, { name: 'ask', arguments: { a: 1 }, ...responses });
  expect(takenBy(), 'another identity').toBe(before);
  await ask(token, { name: 'ask', arguments: { a: 2 }, ...responses });
  expect(takenBy(), 'other arguments').toBe(before);
  expect(isRefusal(await ask(token, { name: 'ask', arguments: { a: 1 }, ...responses }))).toBe(false);
  expect(takenBy()).toBe(before + 1);
});

test.each([
  ['another value', { 'mcp-param-amount': '1000000', 'mcp-param-region': 'eu' }],
  ['a value that is not in the body', { 'mcp-param-amount': '1', 'mcp-param-region': 'eu', 'mcp-param-account': '7' }],
  ['no value', { 'mcp-param-region': 'eu' }],
])('abuse 23: Mcp-Param headers with %s do not reach the server as they are', async (_what, headers) => {
  const { body, headers: standard } = stateless(5, 'tools/call', { name: 'headed', arguments: { amount: 1, region: 'eu' } });
  const before = upstream.of('tools/call').length;
  const answer = await raw(governor.url('/mcp/raw'), body, token, { ...standard, ...headers });
  const arrived = upstream.of('tools/call').slice(before);
  if (isRefusal(answer)) return expect(arrived).toEqual([]);
  expect(arrived.map((seen) => [seen.headers['mcp-param-amount'], seen.headers['mcp-param-region'], seen.headers['mcp-param-account']])).toEqual([['1', 'eu', undefined]]);
});

test('law: no header of the client but the protocol\'s own reaches a server', async () => {
  const client = await openWire(governor.url('/mcp/raw'), token);
  await client.post(rpc(6, 'tools/call', { name: 'headed', arguments: {} }), { cookie: 'a=b', 'x-api-key': 'k', 'x-forwarded-for': '1.2.3.4', 'proxy-authorization': 'Basic eA==', 'flyball-session': '', referer: 'https://x.example/' });
  const everything: readonly Seen[] = upstream.seen;
  expect(everything.map(({ headers }) => JSON.stringify(headers)).join('\n')).not.toMatch(/Bearer|cookie|x-api-key|forwarded|proxy-auth|flyball|referer/i);
});

test('law: an answer\'s headers are the gateway\'s own', async () => {
  upstream.behaviour = (seen, response: ServerResponse) => {
    if (seen.method !== 'tools/call') return undefined;
    json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: { content: [] } }), { 'set-cookie': 'a=b', 'www-authenticate': 'Bearer', 'access-control-allow-origin': '*', 'mcp-session-id': 'planted', link: '<x>' });
    return true;
  };
  const client = await openWire(governor.url('/mcp/raw'), token);
  const { headers } = await client.call('headed');
  expect(['set-cookie', 'www-authenticate', 'access-control-allow-origin', 'mcp-session-id', 'link'].filter((name) => headers.has(name))).toEqual([]);
});
