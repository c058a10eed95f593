import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { decisionOf, raw, type RawAnswer } from './support/mcp.js';
import { settledActions } from './support/record.js';
import { json, type Seen, startUpstream, stream, tool, type Upstream } from './support/upstream.js';
import { isRefusal, openWire, resultOf, stateless, textOf, within } from './support/wire.js';

const schema = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false };
const modes = ['strict', 'warn', 'off'] as const;

let upstream: Upstream;
let governor: RunningGovernor;
let token: string;
let fetched: string[];
let lure: ReturnType<typeof createServer>;

beforeAll(async () => {
  fetched = [];
  lure = createServer((request, response) => {
    fetched.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"type":"object"}');
  });
  await new Promise<void>((done) => lure.listen(0, '127.0.0.1', () => done()));
  const away = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/schema.json`;
  const doubling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`a${i}`, i === 0 ? { type: 'object' } : { allOf: [{ $ref: `#/$defs/a${i - 1}` }, { $ref: `#/$defs/a${i - 1}` }] }]));
  upstream = await startUpstream([
    tool('shaped', { outputSchema: schema }),
    tool('plain'),
    tool('remote', { inputSchema: { type: 'object', properties: { a: { $ref: away } } }, outputSchema: { $ref: away } }),
    tool('dynamic', { inputSchema: { type: 'object', $schema: away, $dynamicRef: `${away}#x` }, outputSchema: { $id: away, allOf: [{ $ref: 'other.json' }] } }),
    tool('file', { inputSchema: { type: 'object', properties: { a: { $ref: 'file:///etc/passwd' } } } }),
    tool('doubling', { inputSchema: { type: 'object', $defs: doubling, $ref: '#/$defs/a39' }, outputSchema: { type: 'object', $defs: doubling, $ref: '#/$defs/a39' } }),
    tool('endless', { inputSchema: { type: 'object', $defs: { x: { $ref: '#/$defs/x' } }, $ref: '#/$defs/x' } }),
    tool('regular', { inputSchema: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } } }),
    tool('draft7', { inputSchema: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } }, definitions: { x: { type: 'string' } } } }),
  ]);
  const of = (mode: string) => `  ${mode}: { url: "${upstream.url}", timeout_seconds: 5, output_schema: "${mode}" }`;
  governor = await startGovernor({ files: openBundle, upstreams: modes.map(of).join('\n') });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  upstream.stop();
  lure.close();
});
beforeEach(() => {
  upstream.behaviour = () => undefined;
});

/** Sends these bytes as the answer of a tool; `ID` stands for the id of the request. */
function answerCalls(text: string, send: (seen: Seen, text: string, response: Parameters<Upstream['behaviour']>[1]) => void = (_seen, body, response) => json(response, body)): void {
  upstream.behaviour = (seen, response) => {
    if (seen.method !== 'tools/call') return undefined;
    send(seen, text.replace('ID', JSON.stringify(seen.id)), response);
    return true;
  };
}

describe.each([['relay', (mode: string) => [`/mcp/${mode}`, ''] as const], ['hub', (mode: string) => ['/mcp', `${mode}__`] as const]])('through the %s', (way, at) => {
  async function call(mode: string, name: string, args: object = {}): Promise<RawAnswer> {
    const [path, prefix] = at(mode);
    return (await openWire(governor.url(path), token)).call(`${prefix}${name}`, args);
  }

  test.each([
    ['strict', '{"id":"T1"}', 'released'],
    ['strict', '{"id":1}', 'refused'],
    ['strict', '{"id":"T1","more":true}', 'refused'],
    ['strict', 'null', 'refused'],
    ['strict', undefined, 'refused'],
    ['warn', '{"id":1}', 'released'],
    ['warn', undefined, 'released'],
    ['off', '{"id":1}', 'released'],
  ])('law: output_schema %s: structured content %s is %s', async (mode, content, outcome) => {
    answerCalls(`{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"inside"}]${content === undefined ? '' : `,"structuredContent":${content}`}}}`);
    const answer = await call(mode, 'shaped');
    expect(answer.text.includes('inside')).toBe(outcome === 'released');
    const [row] = await settledActions(governor, 1);
    expect(row, 'the action has happened').toMatchObject({ effect: 'succeeded' });
    if (outcome === 'refused') expect(decisionOf(resultOf(answer)).outcome).toBe('succeeded');
  });

  test.each(modes)('law: an error of the tool need not have the shape of its success (%s)', async (mode) => {
    answerCalls('{"jsonrpc":"2.0","id":ID,"result":{"isError":true,"content":[{"type":"text","text":"no such customer"}]}}');
    expect(textOf(await call(mode, 'shaped'))).toBe('no such customer');
  });

  test.each(['isError:"true"', 'isError:1', 'resultType:"task"', 'task:{}'])('attack: a success with %s is not let off the schema', async (member) => {
    const [key = '', value = ''] = member.split(':');
    answerCalls(`{"jsonrpc":"2.0","id":ID,"result":{"${key}":${value},"content":[{"type":"text","text":"inside"}],"structuredContent":{"id":1}}}`);
    expect((await call('strict', 'shaped')).text).not.toContain('inside');
  });

  test.each(['remote', 'dynamic', 'file'])('abuse 66: a schema that points elsewhere is never fetched, and lets nothing through (%s)', async (name) => {
    for (const mode of modes) {
      const answer = await call(mode, name, { a: 'x' });
      if (name !== 'dynamic') expect(isRefusal(answer), answer.text).toBe(true);
    }
    expect(fetched).toEqual([]);
  });

  test.each(['doubling', 'endless'])('attack: a schema that takes for ever to check does not stop the house (%s)', async (name) => {
    const began = Date.now();
    const called = within(20_000, call('warn', name, { a: 'x' }));
    await new Promise((done) => setTimeout(done, 200));
    const other = await within(8_000, call('off', 'plain'));
    await called;
    expect(other && textOf(other)).toBe('done plain');
    expect(Date.now() - began).toBeLessThan(10_000);
  }, 30_000);

  test('attack: a pattern that takes for ever to match does not stop the house', async () => {
    const began = Date.now();
    await call('warn', 'regular', { a: `${'a'.repeat(200)}!` });
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  test('story: a tool described in draft-07, as most are, can be used', async () => {
    expect(textOf(await call('warn', 'draft7', { pair: ['a', 1] }))).toBe('done draft7');
  });

  test.each([
    ['blanks and line breaks', '{ "jsonrpc" : "2.0",\r\n  "id" : ID ,\n\t"result":{"content":[ ]  ,"structuredContent":{}} }'],
    ['numbers in their own writing', '{"jsonrpc":"2.0","id":ID,"result":{"content":[],"structuredContent":{"a":1.0,"b":1e2,"c":12345678901234567890,"d":-0,"e":0.10,"f":1E+3}}}'],
    ['escapes in their own writing', '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"\\u00e9\\/\\u2028 é"}]}}'],
    ['members out of order and unknown ones', '{"result":{"x-later":[{"b":1,"a":2}],"content":[]},"extra":null,"id":ID,"jsonrpc":"2.0"}'],
  ])('law: an answer that nothing was changed in passes byte for byte: %s', async (_what, text) => {
    if (way === 'hub') return;
    answerCalls(text);
    const expected = text.replace('ID', '7');
    expect((await call('off', 'plain')).text).toBe(expected);
    answerCalls(text.replace(/[\r\n]/g, ' '), (_seen, body, response) => stream(response, `id: 1\nevent: message\ndata: ${body}\n\n`).end());
    expect((await call('off', 'plain')).text).toContain(`data: ${expected.replace(/[\r\n]/g, ' ')}\n`);
  });

  test('law: nothing is lost in an answer but the writing, and the promise comes with it', async () => {
    answerCalls('{"jsonrpc":"2.0","id":ID,"result":{"content":[],"x-unknown":{"a":[1.5,null]},"structuredContent":{"b":0.1},"_meta":{"k":"v"}}}');
    const answer = await call('off', 'plain');
    const promise = way === 'hub' ? (resultOf(answer)['_meta'] as Record<string, string>)['flyball/promise'] : Buffer.from(answer.headers.get('flyball-promise') ?? '', 'base64url').toString();
    expect(promise).toMatch(/^flyball\/promise@v1\n/);
    expect(resultOf(answer)).toEqual({ content: [], 'x-unknown': { a: [1.5, null] }, structuredContent: { b: 0.1 }, _meta: { k: 'v', ...(way === 'hub' && { 'flyball/promise': promise }) } });
  });

  test.each([
    ['a pretty answer of many lines', (id: string) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":{"list":[\n${'1,\n'.repeat(150_000)}1]}}}`, 'application/json'],
    ['an event of many lines', (id: string) => `${`{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":{"list":[\n${'1,\n'.repeat(150_000)}1]}}}`.split('\n').map((line) => `data: ${line}`).join('\n')}\n\n`, 'text/event-stream'],
    ['an event of 8 MiB in small packets', (id: string) => `data: {"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${'x'.repeat(8 << 20)}"}]}}\n\n`, 'text/event-stream'],
  ])('abuse 60: %s does not stop the house', async (_what, make, type) => {
    upstream.behaviour = (seen, response) => {
      if (seen.method !== 'tools/call' || seen.params['name'] !== 'shaped') return undefined;
      response.writeHead(200, { 'content-type': type }).end(make(JSON.stringify(seen.id)));
      return true;
    };
    let over = false;
    const big = within(20_000, call('off', 'shaped')).finally(() => (over = true));
    let longestMs = 0;
    while (!over) {
      const began = Date.now();
      expect((await within(25_000, raw(`${governor.machines}/v1/sessions`, '{}', token)))?.status).toBe(201);
      longestMs = Math.max(longestMs, Date.now() - began);
      await new Promise((done) => setTimeout(done, 100));
    }
    expect(await big).toBeDefined();
    expect(longestMs, 'longest wait of anybody else').toBeLessThan(3_000);
  }, 60_000);

  test('story: a stateless client is served from strict, warn and off alike', async () => {
    const [path, prefix] = at('strict');
    answerCalls('{"jsonrpc":"2.0","id":ID,"result":{"resultType":"complete","content":[],"structuredContent":{"id":"T"}}}');
    const { body, headers } = stateless(7, 'tools/call', { name: `${prefix}shaped`, arguments: {} });
    expect(resultOf(await raw(governor.url(path), body, token, headers))).toMatchObject({ structuredContent: { id: 'T' } });
  });
});
