import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { raw } from './support/mcp.js';
import { json, startUpstream, tool, type Upstream } from './support/upstream.js';
import { openWire, rpc, stateless, textOf, within } from './support/wire.js';

/** What one identity can take away from another by being many. */
let upstream: Upstream;
let governor: RunningGovernor;
let token: string;
let other: string;

const files = { ...openBundle, 'bundle/identities.yaml': `${openBundle['bundle/identities.yaml'] ?? ''}  - { id: guest, kind: service-account, autonomy: scripted, owner: tests, purpose: testing, groups: [] }\n` };

beforeAll(async () => {
  upstream = await startUpstream([tool('fine')], (seen, response: ServerResponse) => {
    if (seen.http !== 'GET') return undefined;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    return true;
  });
  governor = await startGovernor({ files, upstreams: `  raw: { url: "${upstream.url}", timeout_seconds: 5 }` });
  [token, other] = await Promise.all([governor.token('tester'), governor.token('other')]);
});
afterAll(async () => {
  await governor.remove();
  upstream.stop();
});

/** As many at a time as asked for, over and over. */
async function inCrowds(count: number, atOnce: number, act: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += atOnce) await Promise.all(Array.from({ length: Math.min(atOnce, count - n) }, (_, i) => act(n + i)));
}

test.each(['/mcp/raw', '/mcp'])('attack: 300 open streams of one client leave others their server (%s)', async (path) => {
  const bystander = await openWire(governor.url(path), other);
  const client = await openWire(governor.url(path), token);
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'mcp-session-id': client.session };
  const streams = Array.from({ length: 300 }, () => fetch(governor.url(path), { headers, signal: stop.signal }).catch(() => undefined));
  await new Promise((done) => setTimeout(done, 1_500));
  const answer = await within(8_000, bystander.call('fine'));
  stop.abort();
  await Promise.all(streams);
  expect(answer && textOf(answer)).toBe('done fine');
});

test.each(['/mcp/raw', '/mcp'])('attack: a thousand connections of one identity end nobody else\'s (%s)', async (path) => {
  const bystander = await openWire(governor.url(path), other);
  await inCrowds(1_050, 30, () => raw(governor.url(path), rpc(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'crowd', version: '1' } }), token));
  expect(textOf(await bystander.call('fine'))).toBe('done fine');
}, 60_000);

test('attack: an identity that may not even begin opens no connection to a server', async () => {
  upstream.seen.length = 0;
  const guest = await governor.token('guest');
  for (const path of ['/mcp/raw', '/mcp']) {
    const begun = await raw(governor.url(path), rpc(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'guest', version: '1' } }), guest);
    expect(begun.headers.get('mcp-session-id')).toBeNull();
    for (const method of ['tools/list', 'server/discover']) {
      const { body, headers } = stateless(2, method);
      await raw(governor.url(path), body, guest, headers);
    }
  }
  expect(upstream.seen.map(({ method }) => method)).toEqual([]);
});

test('attack: an answer is not held back by a client that does not read', async () => {
  const big = 'x'.repeat(8 << 20);
  upstream.behaviour = (seen, response) => {
    if (seen.method !== 'tools/call') return undefined;
    json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: { content: [{ type: 'text', text: seen.params['arguments'] === undefined ? 'x' : big }] } }));
    return true;
  };
  const slow = await openWire(governor.url('/mcp/raw'), token);
  const stop = new AbortController();
  const unread = await Promise.all(Array.from({ length: 5 }, (_, id) => fetch(slow.url, { method: 'POST', signal: stop.signal, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-session-id': slow.session }, body: rpc(id, 'tools/call', { name: 'fine', arguments: {} }) })));
  upstream.behaviour = () => undefined;
  const answer = await within(5_000, (await openWire(governor.url('/mcp/raw'), other)).call('fine'));
  stop.abort();
  expect(unread.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(answer && textOf(answer)).toBe('done fine');
});
