import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { canaryScript, type CanaryCall } from './support/canary.js';
import { command, flyball, quickly, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { decisionOf, expectAllowed, raw } from './support/mcp.js';
import { endAll, openPipe, type PipeClient, processesWith } from './support/pipe.js';
import type { ActionRow } from './support/record.js';
import { openWire, stateless, textOf } from './support/wire.js';

const open: PipeClient[] = [];
let folder: string;
let ledger: string;

/** A new installation with a store that is made already, for one test. */
async function install(): Promise<string> {
  const governor = await startGovernor({ directory: writeInstallation() });
  await governor.stop();
  return governor.directory;
}

beforeAll(async () => {
  folder = await install();
  ledger = join(mkdtempSync(join(tmpdir(), 'flyball-canary-')), 'calls.jsonl');
});
// The store is one process's at a time: what a failed test left open is ended.
afterEach(async () => {
  for (const pipe of open.splice(0)) {
    pipe.child.kill('SIGKILL');
    await pipe.exited();
  }
  endAll(`mark-${process.pid}-`);
});

const calls = (): readonly CanaryCall[] => readFileSync(ledger, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as CanaryCall);
const rows = async (): Promise<readonly ActionRow[]> => JSON.parse((await command(folder, ['actions', '--json'])).stdout) as readonly ActionRow[];

async function canaryPipe(): Promise<PipeClient> {
  const pipe = openPipe(folder, ['node', canaryScript, ledger]);
  open.push(pipe);
  await pipe.initialize();
  return pipe;
}

/** Ends the client's side and waits until nothing of it is left. */
async function end(pipe: PipeClient): Promise<void> {
  pipe.child.stdin?.end();
  await pipe.exited();
}

const echo = (id: number, message: string) => ({ id, method: 'tools/call', params: { name: 'echo', arguments: { message } } });

test('story: the official client works through `flyball mcp`, and all that ran for it ends with it', async () => {
  const mark = `mark-${process.pid}-a`;
  const script = `sleep 1000 & sh -c 'sleep 1001 & wait' & exec node ${canaryScript} ${ledger} ${mark}`;
  const client = new Client({ name: 'tests', version: '1' });
  const transport = new StdioClientTransport({ command: process.execPath, args: [quickly, flyball, '-c', join(folder, 'flyball.yaml'), 'mcp', '--as', 'tester', '--name', 'canary', '--', 'sh', '-c', script], stderr: 'ignore' });
  const before = processesWith('sleep\u0000100').length;
  await client.connect(transport);
  const result = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  expectAllowed(result);
  expect(calls()).toMatchObject([{ name: 'echo', args: { message: 'hello' } }]);
  expect(processesWith(mark).length).toBeGreaterThan(0);
  await client.close();
  await waitFor(() => (processesWith(mark).length === 0 && processesWith('sleep\u0000100').length === before ? true : undefined), 8_000);
  expect((await rows())[0]).toMatchObject({ identity: 'tester', action: 'anything.use', effect: 'succeeded' });
});

test('law: a server that ignores the end of its input and SIGTERM ends before the client gives up on the gateway', async () => {
  const mark = `mark-${process.pid}-b`;
  const stubborn = `process.on('SIGTERM',()=>{});setInterval(()=>{},1000);let b='';process.stdin.on('data',d=>{b+=d;for(let i;(i=b.indexOf('\\n'))>=0;b=b.slice(i+1)){const m=JSON.parse(b.slice(0,i));if(m.id!==undefined)console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:{protocolVersion:'2025-11-25',capabilities:{tools:{}},serverInfo:{name:'x',version:'1'},tools:[]}}))}});//${mark}`;
  const client = new Client({ name: 'tests', version: '1' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [quickly, flyball, '-c', join(folder, 'flyball.yaml'), 'mcp', '--as', 'tester', '--', 'node', '-e', stubborn], stderr: 'ignore' }));
  expect(processesWith(mark).length).toBeGreaterThan(0);
  // The official client kills what it started four seconds after it closed its end.
  const closed = client.close();
  await waitFor(() => (processesWith(mark).length === 0 ? true : undefined), 10_000);
  await closed;
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('law: %s ends the gateway with all that it started', async (signal) => {
  const mark = `mark-${process.pid}-${signal}`;
  const pipe = openPipe(folder, ['sh', '-c', `sleep 1000 & exec node ${canaryScript} ${ledger} ${mark} --keep`]);
  open.push(pipe);
  await pipe.initialize();
  pipe.child.kill(signal);
  await pipe.exited(10_000);
  await waitFor(() => (processesWith(mark).length === 0 ? true : undefined), 3_000);
});

test('attack: bytes one at a time, empty lines, CRLF, half lines and what is no message: each real message is taken once', async () => {
  const pipe = await canaryPipe();
  const message = 'Grüße 👩‍🚀';
  for (const byte of Buffer.from(`\n\r\n  \n${JSON.stringify({ jsonrpc: '2.0', ...echo(1, message) })}\r\n`)) pipe.write(Buffer.of(byte));
  expect(JSON.stringify(await pipe.answer(1))).toContain(`Echo: ${message}`);
  const odd = ['not json', '{"jsonrpc":"2.0"}', '[]', `[${JSON.stringify({ jsonrpc: '2.0', ...echo(2, 'batch') })}]`, 'null', '"x"', '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","name":"delete_everything"}}', `{"a":${'['.repeat(20_000)}`, '\u0000'];
  pipe.write(`${odd.join('\n')}\n`);
  pipe.write(Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"echo","arguments":{"message":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}}\n')]));
  pipe.send({ method: 'tools/call', params: { name: 'delete_everything', arguments: {} } });
  pipe.send(echo(5, 'after'));
  expect(JSON.stringify(await pipe.answer(5))).toContain('Echo: after');
  pipe.write(JSON.stringify({ jsonrpc: '2.0', ...echo(6, 'without an end') }));
  await end(pipe);
  expect(calls().map(({ args }) => (args as { message: string }).message)).toEqual([message, 'after']);
  expect(pipe.lines.every((line) => (JSON.parse(line) as { jsonrpc: string }).jsonrpc === '2.0'), 'nothing else on standard output').toBe(true);
});

test('abuse 88: a line of 10 MB is refused, one of 3 MB passes, and the next call is served', async () => {
  const pipe = await canaryPipe();
  pipe.send(echo(1, 'x'.repeat(10 << 20)));
  pipe.send(echo(2, 'y'.repeat(3 << 20)));
  pipe.send(echo(3, 'small'));
  expect(JSON.stringify(await pipe.answer(3))).toContain('Echo: small');
  await pipe.answer(2);
  await end(pipe);
  expect(calls().map(({ args }) => (args as { message: string }).message.length)).toEqual([3 << 20, 5]);
});

test('attack: a call before `initialize` is neither made nor said to have been', async () => {
  const known = new Set((await rows()).map(({ id }) => id));
  const before = calls().length;
  const pipe = openPipe(folder, ['node', canaryScript, ledger, '--keep']);
  open.push(pipe);
  pipe.send(echo(1, 'early'));
  const answer = await pipe.answer(1);
  const { result, error } = answer as { result?: { isError?: boolean }; error?: object };
  await end(pipe);
  const succeeded = (await rows()).filter(({ id, effect, action }) => !known.has(id) && action === 'anything.use' && effect === 'succeeded').length;
  expect(succeeded).toBe(calls().length - before);
  if (succeeded === 0) expect(error !== undefined || result?.isError === true, JSON.stringify(answer)).toBe(true);
});

test('law: a server that dies in a call leaves `unknown`, and the gateway ends well', async () => {
  const pipe = openPipe(folder, ['node', '-e', `let n=0,b='';process.stdin.on('data',d=>{b+=d;for(let i;(i=b.indexOf('\\n'))>=0;b=b.slice(i+1)){const m=JSON.parse(b.slice(0,i));if(m.method==='tools/call')process.exit(3);if(m.id!==undefined)console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:{protocolVersion:'2025-11-25',capabilities:{tools:{}},serverInfo:{name:'x',version:'1'},tools:[{name:'echo',inputSchema:{type:'object'}}]}}))}})`], 'dying');
  open.push(pipe);
  await pipe.initialize();
  pipe.send(echo(1, 'x'));
  expect(decisionOf((await pipe.answer(1))['result'])).toMatchObject({ outcome: 'unknown' });
  pipe.send(echo(2, 'x'));
  expect(JSON.stringify(await pipe.answer(2))).toMatch(/isError|"error"/);
  await end(pipe);
  expect((await rows()).filter(({ action }) => action === 'anything.use').slice(0, 2).map(({ effect }) => effect).sort()).toEqual(['failed', 'unknown']);
});

test.each([['/no/such/command'], ['node', '-e', 'process.exit(7)']])('law: a server that cannot be started is said to be so: %s', async (...words) => {
  const pipe = openPipe(folder, words);
  open.push(pipe);
  pipe.send({ id: 'hello', method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'pipe', version: '1' } } });
  expect((await pipe.answer('hello'))['error']).toBeDefined();
  await end(pipe);
});

test('law: an identity that is not registered calls nothing', async () => {
  const pipe = openPipe(folder, ['node', canaryScript, ledger], 'canary', 'nobody');
  open.push(pipe);
  pipe.send({ id: 'hello', method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'pipe', version: '1' } } });
  pipe.send(echo(1, 'x'));
  expect((await pipe.answer('hello'))['error']).toBeDefined();
  await pipe.answer(1);
  await end(pipe);
  expect(calls().map(({ args }) => args)).not.toContainEqual({ message: 'x' });
});

test('law: a server that died comes back for the clients of `flyball up`, of both eras', async () => {
  const own = join(mkdtempSync(join(tmpdir(), 'flyball-canary-')), 'calls.jsonl');
  const mark = `mark-${process.pid}-up`;
  const governor = await startGovernor({ upstreams: `  canary: { command: [node, ${canaryScript}, ${own}, ${mark}], timeout_seconds: 5 }` });
  const token = await governor.token('tester');
  const call = async () => {
    const { body, headers } = stateless(7, 'tools/call', { name: 'echo', arguments: { message: 'x' } });
    return textOf(await raw(governor.url('/mcp/canary'), body, token, headers));
  };
  expect(await call()).toBe('Echo: x');
  processesWith(mark).filter((pid) => pid !== governor.child.pid).forEach((pid) => process.kill(pid, 'SIGKILL'));
  await new Promise((done) => setTimeout(done, 300));
  await call();
  expect(await call(), 'stateless').toBe('Echo: x');
  expect(textOf(await (await openWire(governor.url('/mcp/canary'), token)).call('echo', { message: 'y' })), 'sessions').toBe('Echo: y');
  await governor.stop();
  await waitFor(() => (processesWith(mark).length === 0 ? true : undefined), 6_000);
  await governor.remove();
});
