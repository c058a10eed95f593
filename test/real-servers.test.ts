import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { connect, decisionOf } from './support/mcp.js';
import { processesWith } from './support/pipe.js';
import { installServers, scriptOf, type ServerName, serverNames } from './support/real-servers.js';
import { settledActions } from './support/record.js';

const installed = installServers();
/** What the servers work on. */
const place = realpathSync(mkdtempSync(join(tmpdir(), 'flyball-real-')));
let governor: RunningGovernor;
let token: string;

const words: Readonly<Record<ServerName, readonly string[]>> = { everything: ['stdio'], files: [place], memory: [], thinking: [], eslint: [], git: [] };
const env: Readonly<Partial<Record<ServerName, string>>> = { memory: `MEMORY_FILE_PATH: "${place}/memory.jsonl"`, git: `GIT_BASE_DIR: "${place}", MCP_LOG_LEVEL: error` };

/** One tool of each server: its name, arguments, and what its answer says. */
const calls: Readonly<Record<ServerName, readonly [string, Readonly<Record<string, unknown>>, RegExp]>> = {
  everything: ['get-sum', { a: 2, b: 3 }, /5/],
  files: ['read_text_file', { path: join(place, 'note.txt') }, /a note with ünïcode/],
  memory: ['create_entities', { entities: [{ name: 'governor', entityType: 'thing', observations: ['it spins'] }] }, /governor|\[\]/],
  thinking: ['sequentialthinking', { thought: 'one', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 }, /thoughtNumber/],
  eslint: ['lint-files', { filePaths: [join(place, 'odd.js')] }, /odd\.js/],
  git: ['git_status', { path: join(place, 'repository') }, /main|master|clean/i],
};

beforeAll(async () => {
  if (!installed) return;
  writeFileSync(join(place, 'note.txt'), 'a note with ünïcode');
  writeFileSync(join(place, 'odd.js'), 'var a = 1;;\n');
  writeFileSync(join(place, 'eslint.config.mjs'), 'export default [{ rules: { "no-extra-semi": "error", "no-unused-vars": "error" } }];\n');
  mkdirSync(join(place, 'repository'));
  execFileSync('git', ['init', '-q', join(place, 'repository')]);
  const upstreams = serverNames.map((name) => `  ${name}: { command: [node, "${scriptOf(name)}", ${words[name].map((word) => `"${word}"`).join(', ')}], cwd: "${place}", env: { ${env[name] ?? ''} } }`);
  governor = await startGovernor({ files: openBundle, upstreams: upstreams.join('\n') });
  token = await governor.token('tester');
});
afterAll(async () => {
  if (!installed) return;
  await governor.stop();
  expect(serverNames.flatMap((name) => processesWith(scriptOf(name))), 'every server ends with the governor').toEqual([]);
  await governor.remove();
  rmSync(place, { recursive: true, force: true });
});

interface AnyClient {
  listTools(): Promise<{ readonly tools: readonly { readonly name: string }[] }>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

async function connectOld(url: string): Promise<AnyClient> {
  const client = new OldClient({ name: 'old', version: '1' });
  await client.connect(new OldTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
  return client;
}

const clients: Readonly<Record<string, (url: string) => Promise<AnyClient>>> = {
  'SDK 1.x': connectOld,
  'SDK 2.x, era of sessions': (url) => connect(url, token),
  'SDK 2.x, stateless': (url) => connect(url, token, '2026-07-28'),
};

async function callOne(client: AnyClient, server: ServerName, prefix: string): Promise<void> {
  const [name, args, says] = calls[server];
  const result = await client.callTool({ name: `${prefix}${name}`, arguments: { ...args } });
  expect(decisionOf(result), JSON.stringify(result)).toEqual({});
  const { isError, content } = result as { isError?: boolean; content: readonly { text?: string }[] };
  expect(isError ?? false, JSON.stringify(result)).toBe(false);
  expect(content.map(({ text }) => text ?? '').join('\n')).toMatch(says);
}

describe.skipIf(!installed).each(Object.entries(clients))('story: real servers, %s', (_what, open) => {
  test('story: all of them behind one endpoint, each listed under its prefix and called', async () => {
    const client = await open(governor.url());
    const names = (await client.listTools()).tools.map(({ name }) => name);
    for (const server of serverNames) expect(names).toContain(`${server}__${calls[server][0]}`);
    for (const server of serverNames) await callOne(client, server, `${server}__`);
    await client.close();
    const rows = (await settledActions(governor, 40)).filter(({ action, kind }) => action === 'anything.use' && kind === 'intent');
    expect(rows.slice(0, serverNames.length).map(({ effect }) => effect)).toEqual(serverNames.map(() => 'succeeded'));
  });

  test.each(serverNames)('story: %s by itself, under its own names', async (server) => {
    const client = await open(governor.url(`/mcp/${server}`));
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain(calls[server][0]);
    await callOne(client, server, '');
    await client.close();
  });
});

describe.skipIf(!installed).each(['/mcp/everything', '/mcp'])('story: server-everything asks its client through %s', (path) => {
  const name = (own: string) => (path === '/mcp' ? `everything__${own}` : own);
  const textOf = (result: unknown) => ((result as { content: readonly { text?: string }[] }).content).map(({ text }) => text ?? '').join('\n');

  async function openAsked(): Promise<{ readonly client: Client; readonly heard: string[] }> {
    const client = new Client({ name: 'asked', version: '1' }, { capabilities: { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } }, versionNegotiation: { mode: 'legacy' } });
    const heard: string[] = [];
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada', check: true, firstLine: 'x', email: 'ada@example.com', integer: 3, number: 1.5 } }));
    client.setRequestHandler('sampling/createMessage', () => ({ role: 'assistant', model: 'a-model', content: { type: 'text', text: 'a sampled answer' } }));
    client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///a-root', name: 'a root' }] }));
    client.setNotificationHandler('notifications/message', ({ params }) => void heard.push(JSON.stringify(params)));
    await client.connect(new StreamableHTTPClientTransport(new URL(governor.url(path)), { authProvider: { token: () => Promise.resolve(token) } }));
    await expect.poll(async () => (await client.listTools()).tools.map((tool) => tool.name), { timeout: 10_000 }).toContain(name('trigger-elicitation-request'));
    return { client, heard };
  }

  test('story: elicitation, sampling and roots reach the client and their answers the server', async () => {
    const { client } = await openAsked();
    expect(textOf(await client.callTool({ name: name('trigger-elicitation-request'), arguments: {} }))).toMatch(/Ada/);
    expect(textOf(await client.callTool({ name: name('trigger-sampling-request'), arguments: { prompt: 'hi', maxTokens: 10 } }))).toMatch(/a sampled answer/);
    expect(textOf(await client.callTool({ name: name('get-roots-list'), arguments: {} }))).toMatch(/a-root/);
    await client.close();
  });

  test('story: progress and log messages reach the client that asked', async () => {
    const { client, heard } = await openAsked();
    const bystander = await openAsked();
    const steps: number[] = [];
    const result = await client.callTool({ name: name('trigger-long-running-operation'), arguments: { duration: 1, steps: 4 } }, { onprogress: ({ progress }) => steps.push(progress) });
    expect(textOf(result)).toMatch(/completed/i);
    expect(steps.length).toBeGreaterThanOrEqual(3);
    expect([...steps].sort((a, b) => a - b)).toEqual(steps);
    await client.setLoggingLevel('debug');
    [heard.length, bystander.heard.length] = [0, 0];
    await client.callTool({ name: name('toggle-simulated-logging'), arguments: {} });
    await expect.poll(() => heard.length, { timeout: 12_000 }).toBeGreaterThan(0);
    expect(bystander.heard, 'and no other').toEqual([]);
    await Promise.all([client.close(), bystander.client.close()]);
  });
});
