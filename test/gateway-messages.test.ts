import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningGovernor, startGovernor } from './support/governor.js';
import { actions, settledActions } from './support/record.js';
import { event, json, startUpstream, stream, tool, type Upstream } from './support/upstream.js';
import { isRefusal, openWire, rpc, textOf, toolCall, type WireClient, within } from './support/wire.js';

let upstream: Upstream;
let governor: RunningGovernor;
let token: string;

const files = {
  'bundle/catalogue.yaml': `actions:
  - { name: customer.read, tier: inspect, match: { upstream: raw, name: customer } }
  - { name: public.read, tier: inspect, match: { upstream: raw, name: public } }
  - { name: wipe, tier: act, match: { upstream: raw, name: wipe } }
  - { name: listing, tier: inspect, match: { upstream: raw, name: listing } }
`,
  'bundle/identities.yaml': 'identities:\n  - { id: tester, kind: agent, autonomy: autonomous, owner: tests, purpose: testing, groups: [agents] }\n',
  'bundle/people.yaml': 'people: []\n',
  'bundle/policies/p.cedar': `@id("protocol") permit (principal, action in Action::"mcp-protocol", resource);
@id("public") permit (principal, action == Action::"public.read", resource);
@id("listing") @modify("limit=10,dry_run=true") permit (principal, action == Action::"listing", resource);
@id("customers") @modify("redact=pii") permit (principal, action == Action::"customer.read", resource);
`,
};

beforeAll(async () => {
  upstream = await startUpstream([tool('customer'), tool('public'), tool('wipe'), tool('listing')]);
  governor = await startGovernor({ files, upstreams: `  raw: { url: "${upstream.url}", timeout_seconds: 5 }` });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  upstream.stop();
});

const wipe = { name: 'wipe', arguments: {} };

describe.each(['/mcp/raw', '/mcp'])('through %s', (path) => {
  let client: WireClient;
  beforeAll(async () => {
    upstream.behaviour = () => undefined;
    client = await openWire(governor.url(path), token);
  });

  test.each([
    ['null', null],
    ['an object', {}],
    ['a list', [1]],
    ['a fraction', 1.5],
    ['true', true],
    ['300 letters', 'x'.repeat(300)],
    ['negative infinity in disguise', -1e300],
  ])('attack: a request whose id is %s is no request', async (_what, id) => {
    const before = upstream.of('tools/call').length;
    expect(isRefusal(await client.post(toolCall('public', {}, id)))).toBe(true);
    expect(upstream.of('tools/call').length).toBe(before);
  });

  test.each([1, '1', 0, -1, '', 'x', '__proto__', 'null', 9007199254740991])('law: the answer carries the id of its question: %j', async (id) => {
    const answer = await client.post(toolCall('public', {}, id));
    expect((answer.body as { id: unknown }).id).toBe(id);
    expect(textOf(answer)).toBe('done public');
  });

  test('attack: a tools/call without an id is decided on like any other, or goes nowhere', async () => {
    const before = upstream.of('tools/call').length;
    const answer = await client.post(JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: wipe }));
    expect(answer.status).toBeLessThan(500);
    expect(upstream.of('tools/call').length).toBe(before);
  });

  test.each(['tools/list', 'resources/read', 'prompts/get', 'initialize', 'tasks/cancel', 'logging/setLevel', 'made/up', 'rpc.discover'])('attack: %s without an id reaches nobody', async (method) => {
    const before = upstream.seen.length;
    await client.post(JSON.stringify({ jsonrpc: '2.0', method, params: { name: 'wipe', uri: 'x:y', taskId: 't' } }));
    expect(upstream.seen.slice(before).filter((seen) => seen.method === method)).toEqual([]);
  });

  test.each(['tools/execute', 'Tools/Call', 'tools/call ', 'tools/call\u0000', 'TOOLS/CALL', 'tools//call', '__proto__', 'constructor', 'sampling/createMessage', 'roots/list', 'elicitation/create', 'server/discover', 'subscriptions/listen', ''])('attack: the unknown method %j reaches nobody', async (method) => {
    const before = upstream.seen.length;
    const answer = await client.post(rpc(7, method, wipe));
    expect(isRefusal(answer), answer.text).toBe(true);
    expect(upstream.seen.slice(before)).toEqual([]);
  });

  test('attack: a response in the middle of nothing, and one that also is a request, call nothing', async () => {
    const before = upstream.of('tools/call').length;
    await client.post('{"jsonrpc":"2.0","id":7,"result":{"method":"tools/call","params":{"name":"wipe"}}}');
    await client.post('{"jsonrpc":"2.0","id":7,"result":{},"method":"tools/call","params":{"name":"wipe","arguments":{}}}');
    expect(upstream.of('tools/call').length).toBe(before);
  });

  test('attack: 1 and "1" at the same time are two questions with two answers', async () => {
    upstream.behaviour = (seen, response) => {
      if (seen.method !== 'tools/call') return undefined;
      const wait = seen.params['name'] === 'customer' ? 300 : 0;
      setTimeout(() => json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result: { content: [{ type: 'text', text: `this is ${String(seen.params['name'])}` }] } })), wait);
      return true;
    };
    const [number, text] = await Promise.all([client.post(toolCall('customer', {}, 1)), client.post(toolCall('public', {}, '1'))]);
    expect([textOf(number), (number.body as { id: unknown }).id]).toEqual(['this is customer', 1]);
    expect([textOf(text), (text.body as { id: unknown }).id]).toEqual(['this is public', '1']);
  });

  test('attack: a second question with the id of one under way does not get its answer unredacted', async () => {
    const secret = 'Jo, jo@customer.example';
    const customer = { jsonrpc: '2.0', result: { content: [{ type: 'text', text: secret }] } };
    let release: () => void = () => undefined;
    const bothAsked = new Promise<void>((done) => (release = done));
    upstream.behaviour = (seen, response) => {
      if (seen.method !== 'tools/call') return undefined;
      stream(response, ': open\n\n');
      if (seen.params['name'] === 'public') setTimeout(release, 200);
      else void bothAsked.then(() => response.end(event({ ...customer, id: seen.id })));
      return true;
    };
    const first = client.post(toolCall('customer', {}, 5));
    await new Promise((done) => setTimeout(done, 300));
    const second = client.post(toolCall('public', {}, 5));
    setTimeout(release, 2_000);
    const answers = await Promise.all([first, second].map((answer) => within(10_000, answer)));
    upstream.behaviour = () => undefined;
    expect(answers.map((answer) => answer?.text ?? '').join('\n')).not.toContain('jo@customer.example');
    expect(answers, 'each question has an answer').not.toContain(undefined);
  });

  test.each([
    ['an answer to another id', (id: unknown) => ({ jsonrpc: '2.0', id: 424242, result: { content: [{ type: 'text', text: `wrong ${String(id)}` }] } })],
    ['an answer whose id is the text of the number', (id: unknown) => ({ jsonrpc: '2.0', id: typeof id === 'number' ? String(id) : Number(id), result: { content: [{ type: 'text', text: 'wrong' }] } })],
    ['a batch', (id: unknown) => [{ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'wrong' }] } }]],
    ['an answer without a version', (id: unknown) => ({ id, result: { content: [{ type: 'text', text: 'wrong' }] } })],
    ['an answer that is a text', (id: unknown) => ({ jsonrpc: '2.0', id, result: 'wrong' })],
    ['an answer that also is a request', (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping', result: { content: [{ type: 'text', text: 'wrong' }] } })],
  ])('attack: %s from the server is not handed to the client behind the inspection\'s back', async (_what, make) => {
    upstream.behaviour = (seen, response) => {
      if (seen.method !== 'tools/call') return undefined;
      stream(response, event(make(seen.id))).end();
      return true;
    };
    const { text } = await client.post(toolCall('customer', {}, 6));
    upstream.behaviour = () => undefined;
    expect(text).not.toContain('wrong');
    expect(text).toMatch(/"isError":true|"error":/);
    expect((await settledActions(governor, 1))[0]).toMatchObject({ action: 'customer.read', effect: 'unknown' });
  });

  test('attack: an answer that says its result twice is not shown as it was not judged', async () => {
    upstream.behaviour = (seen, response) => {
      if (seen.method !== 'tools/list') return undefined;
      const bad = JSON.stringify({ tools: [tool('poisoned')] });
      const good = JSON.stringify({ tools: [tool('public')] });
      json(response, `{"jsonrpc":"2.0","id":${JSON.stringify(seen.id)},"result":${bad},"result":${good}}`);
      return true;
    };
    const answer = await client.post(rpc(8, 'tools/list'));
    upstream.behaviour = () => undefined;
    expect(answer.text).not.toContain('poisoned');
  });

  test.each([
    ['away', { name: 'listing' }],
    ['null', { name: 'listing', arguments: null }],
    ['empty', { name: 'listing', arguments: {} }],
    ['larger', { name: 'listing', arguments: { limit: 5_000, dry_run: false } }],
  ])('attack: arguments that are %s do not escape a cap and a fixed value', async (_what, params) => {
    const before = upstream.of('tools/call').length;
    const answer = await client.post(rpc(9, 'tools/call', params));
    expect(textOf(answer)).toBe('done listing');
    expect(upstream.of('tools/call').slice(before).map((seen) => seen.params['arguments'])).toEqual([{ limit: 10, dry_run: true }]);
  });
});

test('law: every call that reached the server is in the record', async () => {
  const rows = await actions(governor, 500);
  const begun = rows.filter(({ kind, action }) => kind === 'intent' && (action === 'customer.read' || action === 'public.read' || action === 'listing' || action === 'wipe'));
  expect(begun).toHaveLength(upstream.of('tools/call').length);
});
