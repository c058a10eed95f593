import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { connect, decisionOf, raw } from './support/mcp.js';
import { actions, settledActions } from './support/record.js';
import { event, json, type Seen, startUpstream, stream, tool, type Upstream } from './support/upstream.js';
import { isRefusal, openWire, resultOf, rpc, stateless, textOf, toolCall, type WireClient, within } from './support/wire.js';

const timeoutMs = 3_000;
let upstream: Upstream;
let governor: RunningGovernor;
let token: string;
let other: string;

beforeAll(async () => {
  upstream = await startUpstream([tool('work'), tool('fine')]);
  const gone = await startUpstream([]);
  gone.stop();
  governor = await startGovernor({ files: openBundle, upstreams: `  raw: { url: "${upstream.url}", timeout_seconds: ${timeoutMs / 1_000} }\n  gone: { url: "${gone.url}", timeout_seconds: 2 }` });
  [token, other] = await Promise.all([governor.token('tester'), governor.token('other')]);
});
afterAll(async () => {
  await governor.remove();
  upstream.stop();
});

/** What the server does with a call of `work`. */
function onWork(act: (seen: Seen, response: ServerResponse) => void): void {
  upstream.behaviour = (seen, response) => {
    if (seen.method !== 'tools/call' || seen.params['name'] !== 'work') return undefined;
    act(seen, response);
    return true;
  };
}

const answerTo = (seen: Seen, text = 'late') => ({ jsonrpc: '2.0', id: seen.id, result: { content: [{ type: 'text', text }] } });

const faults: readonly (readonly [string, 'unknown' | 'failed', (seen: Seen, response: ServerResponse) => void])[] = [
  ['hangs', 'unknown', () => undefined],
  ['hangs after the head', 'unknown', (_seen, response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()],
  ['hangs in the middle of its answer', 'unknown', (_seen, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"jsonrpc":"2.0","id":')],
  ['dies before it answers', 'unknown', (_seen, response) => response.destroy()],
  ['dies in the middle of its answer', 'unknown', (seen, response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write(JSON.stringify(answerTo(seen)), () => response.destroy())],
  ['answers 500', 'unknown', (_seen, response) => response.writeHead(500).end('oops')],
  ['answers 503 with a JSON-RPC error', 'unknown', (seen, response) => response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: seen.id, error: { code: 1, message: 'busy' } }))],
  ['answers 400', 'failed', (_seen, response) => response.writeHead(400).end('no')],
  ['answers 302', 'unknown', (_seen, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end()],
  ['answers with an empty body', 'unknown', (_seen, response) => response.writeHead(200, { 'content-type': 'application/json' }).end()],
  ['answers 202', 'unknown', (_seen, response) => response.writeHead(202).end()],
  ['answers garbage', 'unknown', (_seen, response) => json(response, '<html>\u0000 not json')],
  ['answers half a JSON', 'unknown', (_seen, response) => json(response, '{"jsonrpc":"2.0","id":1,"result":{')],
  ['answers a list', 'unknown', (seen, response) => json(response, JSON.stringify([answerTo(seen)]))],
  ['answers somebody else', 'unknown', (seen, response) => json(response, JSON.stringify({ ...answerTo(seen), id: 'x' }))],
  ['ends a stream without an answer', 'unknown', (_seen, response) => stream(response, ': nothing\n\n').end()],
  ['gzips a bomb', 'unknown', (_seen, response) => response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(Buffer.from('1f8b08000000000000ff', 'hex'))],
  ['answers with more than 16 MiB', 'unknown', (seen, response) => json(response, JSON.stringify(answerTo(seen, 'x'.repeat(17 << 20))))],
  ['answers a JSON-RPC error', 'failed', (seen, response) => json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, error: { code: -32000, message: 'no' } }))],
];

test.each(['work', 'gone__work'])('law: a call of %s, whose server is not there, is refused or failed, in the record and in the answer', async (name) => {
  const url = governor.url(name === 'work' ? '/mcp/gone' : '/mcp');
  const client = name === 'work' ? undefined : await openWire(url, other);
  const answer = await (client ? client.call(name) : raw(url, toolCall(name), other));
  expect(isRefusal(answer), answer.text).toBe(true);
  const [row] = (await settledActions(governor, 20)).filter(({ identity }) => identity === 'other');
  expect(row).toMatchObject({ effect: expect.stringMatching(/failed|none/) as string, action: expect.stringMatching(/anything.use|work/) as string });
});

test('story: twenty calls at once from one client are all served', async () => {
  upstream.behaviour = () => undefined;
  const client = await openWire(governor.url('/mcp/raw'), token);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => client.post(toolCall('fine', {}, id))));
  expect(answers.map(textOf)).toEqual(answers.map(() => 'done fine'));
});

describe.each(['/mcp/raw', '/mcp'])('through %s', (path) => {
  const name = (own: string) => (path === '/mcp' ? `raw__${own}` : own);
  let client: WireClient;
  let bystander: WireClient;

  beforeAll(async () => {
    upstream.behaviour = () => undefined;
    client = await openWire(governor.url(path), token);
    bystander = await openWire(governor.url(path), other);
  });
  beforeEach(() => {
    upstream.behaviour = () => undefined;
  });

  test.each(faults)('law: a server that %s: the outcome is %s, the call is made once, and others go on', async (what, effect, act) => {
    onWork(act);
    const before = upstream.of('tools/call', 'work').length;
    const called = within(10_000, client.call(name('work')));
    await new Promise((done) => setTimeout(done, 100));
    expect(textOf(await bystander.call(name('fine')))).toBe('done fine');
    const answer = await called;
    expect(answer, 'an answer comes').toBeDefined();
    if (answer) expect(isRefusal(answer), `${what}: ${answer.text.slice(0, 200)}`).toBe(true);
    if (answer && effect === 'unknown') expect(decisionOf(resultOf(answer)).outcome).toBe('unknown');
    const rows = await settledActions(governor, 6);
    expect(rows.filter((row) => row.identity === 'tester' && row.kind === 'intent' && row.action === 'anything.use')[0]).toMatchObject({ effect });
    expect(upstream.of('tools/call', 'work').length - before, 'never retried').toBe(1);
    expect(textOf(await client.call(name('fine'))), 'the same client goes on').toBe('done fine');
  });

  test('abuse 60: a stream without end is left when the time is over, and the server is hung up on', async () => {
    let closed: () => void = () => undefined;
    const hungUp = new Promise<true>((done) => (closed = () => done(true)));
    let events = 0;
    onWork((_seen, response) => {
      stream(response);
      const more = () => {
        for (let i = 0; i < 500; i++, events++) response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: `${i} ${'x'.repeat(200)}` } }));
        if (!response.destroyed) setTimeout(more, 5);
      };
      response.on('close', closed);
      more();
    });
    const answer = within(10_000, client.call(name('work')));
    expect((await answer)?.text).toContain('"outcome":"unknown"');
    expect(events).toBeGreaterThan(1_000);
    expect(await within(3_000, hungUp), 'the flood ends').toBe(true);
    expect(textOf(await bystander.call(name('fine')))).toBe('done fine');
  });

  test('abuse 60: a call that the client cancels is unknown, its server is told, and it is not made again', async () => {
    onWork(() => undefined);
    const before = upstream.of('tools/call', 'work').length;
    const sdk = await connect(governor.url(path), token);
    const stop = new AbortController();
    const called = sdk.callTool({ name: name('work'), arguments: {} }, { signal: stop.signal }).then(() => 'answered', () => 'cancelled');
    await expect.poll(() => upstream.of('tools/call', 'work').length, { timeout: 1_500 }).toBe(before + 1);
    stop.abort();
    expect(await called).toBe('cancelled');
    await expect.poll(async () => (await actions(governor, 1))[0], { timeout: 8_000, interval: 300 }).toMatchObject({ effect: 'unknown' });
    expect(upstream.of('tools/call', 'work').length).toBe(before + 1);
    await sdk.close();
  });

  test('abuse 60: a stateless client that hangs up has cancelled', async () => {
    const stop = new AbortController();
    const { body, headers } = stateless(7, 'tools/call', { name: name('work'), arguments: {} });
    upstream.behaviour = (seen, response) => {
      if (seen.method !== 'tools/call') return undefined;
      stop.abort();
      response.on('error', () => undefined);
      return true;
    };
    await fetch(governor.url(path), { method: 'POST', body, signal: AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]), headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${token}`, ...headers } }).catch(() => undefined);
    await expect.poll(async () => (await actions(governor, 1))[0], { timeout: 2_500, interval: 200 }).toMatchObject({ effect: 'unknown' });
  });

  test('attack: an answer that comes too late is nobody\'s', async () => {
    onWork((seen, response) => void setTimeout(() => json(response, JSON.stringify(answerTo(seen))), timeoutMs + 500));
    const answer = await client.call(name('work'));
    expect(answer.text).not.toContain('late');
    expect(decisionOf(resultOf(answer)).outcome).toBe('unknown');
  });

  test('attack: a ping that the server never answers is answered in time', async () => {
    upstream.behaviour = (seen) => (seen.method === 'ping' ? true : undefined);
    const answer = await within(timeoutMs + 3_000, client.post(rpc(9, 'ping')));
    expect(answer).toBeDefined();
  });

  test('attack: a server that does not take this gateway\'s credential does not tell clients that theirs are bad', async () => {
    onWork((_seen, response) => response.writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="https://evil.example/"' }).end());
    const answer = await client.call(name('work'));
    expect(answer.status).not.toBe(401);
    expect(answer.headers.get('www-authenticate')).toBeNull();
  });

  test('abuse 60: hundreds of hanging calls do not take the server away from others', async () => {
    onWork(() => undefined);
    const hanging = Array.from({ length: 300 }, (_, id) => client.post(toolCall(name('work'), {}, id + 100)).catch(() => undefined));
    await new Promise((done) => setTimeout(done, timeoutMs + 2_000));
    const answer = await within(8_000, bystander.call(name('fine')));
    await Promise.all(hanging.map((one) => within(20_000, one)));
    expect(answer && textOf(answer)).toBe('done fine');
  });
});
