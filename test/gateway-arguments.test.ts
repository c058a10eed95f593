import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { type RunningGovernor, startGovernor } from './support/governor.js';
import { actions } from './support/record.js';
import { head, inPieces, isRefusal, openWire, paths, textOf, toolCall, type WireClient } from './support/wire.js';

let canary: Canary;
let governor: RunningGovernor;
let token: string;

beforeAll(async () => {
  canary = await startCanary('--lenient');
  governor = await startGovernor({ upstreams: `  canary: { url: "${canary.url}" }` });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

const wrap = (args: string) => `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"transfer","arguments":${args}}}`;
const money = (extra: string) => wrap(`{"to":"ann","amount":1${extra}}`);

/** Each of these is refused before anybody is asked; another parser could have read some of them otherwise. */
const refused: readonly (readonly [string, string])[] = [
  ['a `__proto__` argument', money(',"__proto__":{"admin":true}')],
  ['a `__proto__` deep inside an argument', money(',"memo":{"a":{"__proto__":{"admin":true}}}')],
  ['an escaped `__proto__`', money(',"memo":{"\\u005f_proto__":{"admin":true}}')],
  ['a `constructor` argument that the tool does not have', money(',"constructor":{"prototype":{"admin":true}}')],
  ['an argument twice', wrap('{"to":"ann","amount":1,"amount":1000000}')],
  ['an argument twice, once escaped', wrap('{"to":"ann","amount":1,"\\u0061mount":1000000}')],
  ['a tool name twice', '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","name":"delete_everything","arguments":{}}}'],
  ['params twice', '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"x"}},"params":{"name":"delete_everything","arguments":{}}}'],
  ['a method twice', '{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call","params":{"name":"delete_everything","arguments":{}}}'],
  ['a batch', `[${toolCall('delete_everything')}]`],
  ['a batch in a batch', `[[${toolCall('delete_everything')}]]`],
  ['an integer beyond 2^53', money(',"memo":{"account":9007199254740993}')],
  ['an amount beyond 2^53', wrap('{"to":"ann","amount":9007199254740993}')],
  ['a number that overflows', wrap('{"to":"ann","amount":1e400}')],
  ['a text where a number belongs', wrap('{"to":"ann","amount":"1"}')],
  ['a list where a text belongs', wrap('{"to":["ann"],"amount":1}')],
  ['null where a number belongs', wrap('{"to":"ann","amount":null}')],
  ['a missing argument', wrap('{"to":"ann"}')],
  ['an unknown argument', money(',"dry_run":false')],
  ['an argument in another case', wrap('{"to":"ann","Amount":5,"amount":1}')],
  ['an argument with a zero-width letter', wrap('{"to":"ann","amount":1,"am\\u200bount":9}')],
  ['arguments as a list', wrap('["ann",1]')],
  ['arguments as a text', wrap('"{}"')],
  ['arguments as a number', wrap('1')],
  ['a lone surrogate', money(',"memo":{"a":"\\ud800"}')],
  ['a lone surrogate as a name', money(',"memo":{"\\udc00":1}')],
  ['NaN', wrap('{"to":"ann","amount":NaN}')],
  ['a trailing comma', wrap('{"to":"ann","amount":1,}')],
  ['a comment', wrap('{"to":"ann",/* */"amount":1}')],
  ['two messages in one body', `${money('')}${money('')}`],
  ['two messages in two lines', `${money('')}\n${money('')}`],
  ['an empty body', ''],
  ['params as a list', '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":["delete_everything",{}]}'],
  ['no JSON-RPC version', '{"id":7,"method":"tools/call","params":{"name":"delete_everything","arguments":{}}}'],
  ['another JSON-RPC version', '{"jsonrpc":"1.0","id":7,"method":"tools/call","params":{"name":"delete_everything","arguments":{}}}'],
];

const names: readonly (readonly [string, unknown])[] = [
  ['a list', ['delete_everything']],
  ['a number', 1],
  ['an object', { toString: 'delete_everything' }],
  ['null', null],
  ['true', true],
  ['empty', ''],
  ['fullwidth', 'ｄｅｌｅｔｅ＿ｅｖｅｒｙｔｈｉｎｇ'],
  ['Cyrillic', 'dеlеtе_еvеrуthing'],
  ['ligature', 'eﬀect'],
  ['mathematical', '𝐞𝐜𝐡𝐨'],
  ['zero-width inside', 'ec\u200bho'],
  ['zero-width joiner', 'ec\u200dho'],
  ['soft hyphen', 'ec\u00adho'],
  ['byte order mark', '\ufeffecho'],
  ['Unicode tags', 'echo\u{e0064}\u{e0065}'],
  ['variation selector', 'echo\ufe0f'],
  ['direction override', '\u202eohce'],
  ['upper case', 'ECHO'],
  ['mixed case', 'Delete_Everything'],
  ['a blank behind', 'echo '],
  ['a line break behind', 'echo\n'],
  ['a tab before', '\techo'],
  ['no-break space behind', 'echo\u00a0'],
  ['a NUL', 'echo\u0000'],
  ['a path', './echo'],
  ['a path up', 'echo/../delete_everything'],
  ['percent signs', 'delete%5Feverything'],
  ['a dot behind', 'echo.'],
  ['a foreign prefix', 'canary__echo'],
  ['`__proto__`', '__proto__'],
  ['`constructor`', 'constructor'],
  ['`toString`', 'toString'],
  ['3,000 letters', 'e'.repeat(3_000)],
];

describe.each(paths)('through %s', (path) => {
  let client: WireClient;
  beforeAll(async () => {
    client = await openWire(governor.url(path), token);
  });

  async function expectNothing(body: string | Uint8Array): Promise<void> {
    const before = canary.calls().length;
    const answer = await client.post(body);
    expect(isRefusal(answer), answer.text).toBe(true);
    expect(answer.status).toBeLessThan(500);
    expect(canary.calls().slice(before)).toEqual([]);
  }

  test.each(refused)('attack: %s reaches nobody', async (_what, body) => expectNothing(body));
  test.each(names)('attack: a tool name that is %s reaches nobody, however lenient the server', async (_what, name) => expectNothing(toolCall(name, { message: 'x' })));

  test('abuse 88: a body of 10 MB and one 20,000 levels deep are refused, and the next call is served', async () => {
    const huge = await client.post(toolCall('echo', { message: 'x'.repeat(10 << 20) })).catch(() => undefined);
    expect(huge?.status ?? 413).toBe(413);
    await expectNothing(wrap(`{"to":"ann","amount":1,"memo":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`));
    await expectNothing(wrap(`{"to":"ann","amount":1,"memo":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`));
    await expectNothing('['.repeat(100_000));
    expect(textOf(await client.call('echo', { message: 'still here' }))).toBe('Echo: still here');
  });

  test.each([
    ['invalid UTF-8', Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}}}')])],
    ['overlong UTF-8', Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}}}')])],
    ['UTF-16', Buffer.from(`\ufeff${toolCall('echo', { message: 'x' })}`, 'utf16le')],
  ])('attack: a body in %s reaches nobody', async (_what, body) => expectNothing(body));

  test('story: what is permitted arrives exactly as it was meant', async () => {
    const args = { to: 'Zoë 🏦 \u2028 "q" \\ \u0000', amount: 0.1, memo: { constructor: { prototype: { polluted: true } }, toString: 'x', list: [1, -0, 1e21, Number.MAX_SAFE_INTEGER, null, true], '': 'empty', 'ключ': 'значение' } };
    const before = canary.calls().length;
    const answer = await client.call('transfer', args);
    expect(isRefusal(answer), answer.text).toBe(false);
    expect(canary.calls().slice(before)).toMatchObject([{ name: 'transfer', args: JSON.parse(JSON.stringify(args)) as object }]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('attack: letters cut between two TCP packets, byte by byte, are neither changed nor read twice', async () => {
    const message = 'Grüße, Ἀθήνα, 東京, 👩‍🚀, é';
    const body = Buffer.from(toolCall('echo', { message }));
    const before = canary.calls().length;
    const headers = { 'mcp-session-id': client.session };
    const text = await inPieces(governor.url(path), [head(governor.url(path), body.byteLength, token, headers), ...[...body].map((byte) => Buffer.of(byte))]);
    expect(text).toContain(`Echo: ${message}`);
    expect(canary.calls().slice(before)).toMatchObject([{ name: 'echo', args: { message } }]);
  });

  test('attack: a body shorter or longer than its announced length makes no call', async () => {
    const body = toolCall('echo', { message: 'smuggled' });
    const before = canary.calls().length;
    const url = governor.url(path);
    const headers = { 'mcp-session-id': client.session };
    const both = `${head(url, 4, token, headers)}null${body}`;
    const conflicting = `${head(url, Buffer.byteLength(body), token, { ...headers, 'transfer-encoding': 'chunked' })}0\r\n\r\n${body}`;
    for (const bytes of [both, conflicting]) await inPieces(url, [bytes]);
    expect(canary.calls().slice(before)).toEqual([]);
  });
});

test('law: a look-alike name is in the record as a refusal, and nothing that was refused is there as an effect', async () => {
  const rows = await actions(governor, 400);
  const refusals = rows.filter(({ kind }) => kind === 'refusal');
  expect(refusals.some(({ action }) => action.includes('ＥＣＨＯ') || action.includes('ｄｅｌｅｔｅ') || action === 'anything.use')).toBe(true);
  expect(refusals.every(({ effect }) => effect === 'none')).toBe(true);
  const begun = rows.filter(({ kind, action }) => kind === 'intent' && action === 'anything.use');
  expect(begun).toHaveLength(canary.calls().length);
});
