import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { raw } from './support/mcp.js';
import { actions } from './support/record.js';
import { json, startUpstream, tool, type Upstream } from './support/upstream.js';
import { isRefusal, openWire, resultOf, rpc, stateless, textOf, toolCall, within } from './support/wire.js';

let one: Upstream;
let two: Upstream;
let governor: RunningGovernor;
let token: string;

const files = {
  ...openBundle,
  'bundle/catalogue.yaml': `actions:
  - { name: two.read, tier: inspect, match: { upstream: two, method: resources/read, name: "*" } }
  - { name: two.prompt, tier: inspect, match: { upstream: two, method: prompts/get, name: "*" } }
  - { name: two.use, tier: inspect, match: { upstream: two, name: "*" } }
  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }
`,
  'bundle/policies/open.cedar': `@id("open") permit (principal in Group::"testers", action, resource);
@id("not-two") forbid (principal, action in [Action::"two.read", Action::"two.prompt", Action::"two.use"], resource);
`,
};

beforeAll(async () => {
  one = await startUpstream([tool('echo'), tool('list')]);
  two = await startUpstream([tool('echo'), tool('secret')]);
  const gone = await startUpstream([]);
  gone.stop();
  governor = await startGovernor({ files, upstreams: `  one: { url: "${one.url}", timeout_seconds: 3 }\n  two: { url: "${two.url}", timeout_seconds: 3 }\n  gone: { url: "${gone.url}", timeout_seconds: 3 }` });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  one.stop();
  two.stop();
});
beforeEach(() => {
  for (const upstream of [one, two]) {
    upstream.behaviour = () => undefined;
    upstream.seen.length = 0;
  }
});

const calls = () => [one.of('tools/call').length, two.of('tools/call').length];
const open = () => openWire(governor.url(), token);

describe('what is decided on for one server goes to that server and no other', () => {
  test.each(['echo', 'secret', 'none__echo', '__echo', 'one_echo', 'one__', 'two__', 'ONE__echo', 'flyball__echo'])('attack: the name %j, which no prefix fits, reaches nobody', async (name) => {
    const client = await open();
    const before = calls();
    const answer = await client.call(name);
    expect(calls()).toEqual(before);
    expect(isRefusal(answer), answer.text).toBe(true);
  });

  test('attack: a call to a server that is not there is not made at the others', async () => {
    const client = await open();
    const before = calls();
    const answer = await client.call('gone__echo');
    expect(calls()).toEqual(before);
    expect(isRefusal(answer), answer.text).toBe(true);
  });

  test.each([
    ['resources/read', { uri: 'two://secret' }],
    ['resources/subscribe', { uri: 'two://secret' }],
    ['prompts/get', { name: 'secret' }],
    ['completion/complete', { ref: { type: 'ref/resource', uri: 'two://{x}' }, argument: { name: 'x', value: 'y' } }],
    ['tasks/get', { taskId: 'T1' }],
    ['tasks/result', { taskId: 'T1' }],
    ['tasks/cancel', { taskId: 'T1' }],
  ])('attack: a %s of something that no server has listed is not asked of all of them', async (method, params) => {
    const client = await open();
    const answer = await client.post(rpc(7, method, params));
    expect([...one.of(method), ...two.of(method)]).toEqual([]);
    expect(isRefusal(answer), answer.text).toBe(true);
  });

  test('law: what is forbidden at one server is forbidden through the hub, listed before or not', async () => {
    two.behaviour = (seen, response) => {
      if (seen.method !== 'resources/list') return undefined;
      json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: { resources: [{ uri: 'two://listed', name: 'listed' }] } }));
      return true;
    };
    const client = await open();
    await client.post(rpc(1, 'resources/list'));
    for (const uri of ['two://listed', 'two://unlisted']) expect(isRefusal(await client.post(rpc(7, 'resources/read', { uri })))).toBe(true);
    expect(isRefusal(await client.call('two__secret'))).toBe(true);
    expect([two.of('resources/read'), two.of('tools/call')]).toEqual([[], []]);
  });

  test('attack: a resource that two servers list goes to neither unasked of its own policy', async () => {
    for (const upstream of [one, two]) {
      upstream.behaviour = (seen, response) => {
        if (seen.method !== 'resources/list' && seen.method !== 'resources/read') return undefined;
        const result = seen.method === 'resources/list' ? { resources: [{ uri: 'shared://x', name: 'x' }] } : { contents: [] };
        json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result }));
        return true;
      };
    }
    const client = await open();
    await client.post(rpc(1, 'resources/list'));
    await client.post(rpc(7, 'resources/read', { uri: 'shared://x' }));
    expect(two.of('resources/read')).toEqual([]);
  });

  test('law: nothing is recorded as done that nobody did', async () => {
    const refused = await raw(governor.url(), rpc('hello', 'initialize', {}), token);
    const session = refused.headers.get('mcp-session-id') ?? '';
    const before = calls();
    const answer = await raw(governor.url(), toolCall('gone__echo'), token, { 'mcp-session-id': session });
    expect(calls()).toEqual(before);
    expect(isRefusal(answer), answer.text).toBe(true);
    expect((await actions(governor, 1))[0]?.effect).not.toBe('succeeded');
  });
});

describe('one server in trouble leaves the others in peace', () => {
  test('story: lists of those that are there come without the one that is not', async () => {
    const client = await open();
    const { text } = await client.post(rpc(1, 'tools/list'));
    expect(text).toContain('one__echo');
    expect(textOf(await client.call('one__echo'))).toBe('done echo');
  });

  test('attack: one server that fails at lists does not empty them', async () => {
    const client = await open();
    two.behaviour = (seen, response) => {
      if (seen.method !== 'tools/list') return undefined;
      response.writeHead(500).end();
      return true;
    };
    expect((await client.post(rpc(1, 'tools/list'))).text).toContain('one__echo');
    two.behaviour = (seen, response) => {
      if (seen.method !== 'tools/list') return undefined;
      response.destroy();
      return true;
    };
    expect((await client.post(rpc(2, 'tools/list'))).text).toContain('one__echo');
  });

  test('attack: one server that never answers a list is waited for no longer than its time, and the others are shown', async () => {
    const client = await open();
    two.behaviour = (seen) => (seen.method === 'tools/list' ? true : undefined);
    const answer = await within(10_000, client.post(rpc(1, 'tools/list')));
    expect(answer?.text).toContain('one__echo');
  });

  test.each(['legacy', '2026-07-28'])('attack: one server that hangs at the first hello does not take the whole endpoint away (%s)', async (wire) => {
    two.behaviour = (seen) => (seen.method === 'initialize' ? true : undefined);
    const other = await governor.token('other');
    const ask = async () => {
      if (wire === 'legacy') return (await openWire(governor.url(), other)).call('one__echo');
      const { body, headers } = stateless(7, 'tools/call', { name: 'one__echo', arguments: {} });
      return raw(governor.url(), body, other, headers);
    };
    const answer = await within(12_000, ask());
    expect(answer && textOf(answer)).toBe('done echo');
  });

  test('story: all pages of all servers are listed', async () => {
    one.behaviour = (seen, response) => {
      if (seen.method !== 'tools/list') return undefined;
      const page = Number(seen.params['cursor'] ?? '0');
      json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: { tools: [tool(`page${page}`)], ...(page < 2 && { nextCursor: String(page + 1) }) } }));
      return true;
    };
    const client = await open();
    const names: string[] = [];
    for (let cursor: unknown = undefined, round = 0; round < 10; round++) {
      const result = resultOf(await client.post(rpc(round, 'tools/list', cursor === undefined ? {} : { cursor })));
      names.push(...((result['tools'] as { name: string }[] | undefined) ?? []).map(({ name }) => name));
      cursor = result['nextCursor'];
      if (cursor === undefined) break;
    }
    expect(names).toEqual(expect.arrayContaining(['one__page0', 'one__page1', 'one__page2']));
  });
});

test('story: a stateless client finds a server again that forgot its sessions', async () => {
  const known = new Set<string>();
  one.behaviour = (seen, response) => {
    const session = String(seen.headers['mcp-session-id']);
    if (seen.method === 'initialize') {
      const id = `s${known.size}-${Math.random()}`;
      known.add(id);
      json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'one', version: '1' } } }), { 'mcp-session-id': id });
      return true;
    }
    if (known.has(session)) return undefined;
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }));
    return true;
  };
  const bearer = await governor.token('tester', '--on-behalf-of', 'ann');
  const call = async () => {
    const { body, headers } = stateless(7, 'tools/call', { name: 'one__echo', arguments: {} });
    return textOf(await raw(governor.url(), body, bearer, headers));
  };
  expect(await call()).toBe('done echo');
  known.clear();
  await call();
  expect(await call()).toBe('done echo');
});
