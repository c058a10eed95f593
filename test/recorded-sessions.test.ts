import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { command, root, startGovernor } from './support/governor.js';
import { decisionOf, raw } from './support/mcp.js';

const data = join(process.env['FLYBALL_DATA'] ?? join(root, '../shared/data'), 'agentdojo');
const present = existsSync(data);
if (!present) console.warn(`skipped: no recorded sessions at ${data}; FLYBALL_DATA names another folder`);

const sessionsWanted = Number(process.env['FLYBALL_RECORDED_SESSIONS'] ?? 200);
const suites = ['workspace', 'travel', 'banking', 'slack'];
/** Tools of a name that changes or sends something; what a plain role policy would leave to people. */
const changes = /^(send|create|delete|update|cancel|reschedule|add|append|share|reserve|book|schedule|invite|remove|post|pay|set|make)_/;

interface Recorded {
  readonly id: string;
  readonly suite: string;
  readonly calls: readonly { readonly tool: string; readonly args: Readonly<Record<string, unknown>>; readonly result?: string }[];
}

interface Tool {
  readonly name: string;
}

const lines = <T>(file: string): readonly T[] => gunzipSync(readFileSync(join(data, file))).toString('utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted((value as Record<string, unknown>)[key])]));
}

function benignSessions(): readonly Recorded[] {
  const benign = new Set(lines<{ id: string; kind: string }>('agentdojo_core.oracle.jsonl.gz').filter(({ kind }) => kind === 'benign').map(({ id }) => id));
  return lines<Recorded>('agentdojo_core.visible.jsonl.gz').filter(({ id, calls }) => benign.has(id) && calls.length > 0).slice(0, sessionsWanted);
}

/** A role policy from the tools' names alone: agents of a suite read, and change through the actions of their own suite. */
function bundle(tools: Readonly<Record<string, readonly Tool[]>>): Record<string, string> {
  const actions = suites.flatMap((suite) => (tools[suite] ?? []).map(({ name }) => `  - { name: ${suite}.${name}, tier: ${changes.test(name) ? 'act' : 'inspect'}, groups: [${suite}-tools], match: { upstream: ${suite}, name: ${name} } }`));
  return {
    'bundle/catalogue.yaml': `actions:\n${actions.join('\n')}\n`,
    'bundle/identities.yaml': `identities:\n${suites.map((suite) => `  - { id: ${suite}-agent, kind: agent, autonomy: autonomous, owner: tests, purpose: "${suite}", groups: [${suite}-agents, agents] }`).join('\n')}\n`,
    'bundle/people.yaml': 'people: []\n',
    'bundle/policies/roles.cedar': ['@id("connect") permit (principal in Group::"agents", action in Action::"mcp-protocol", resource);', ...suites.map((suite) => `@id("${suite}") permit (principal in Group::"${suite}-agents", action in Action::"${suite}-tools", resource);`)].join('\n'),
  };
}

async function startRecorded(suite: string, tools: readonly Tool[], sessions: readonly Recorded[], texts: ReadonlyMap<string, string>): Promise<{ readonly url: string; stop(): void }> {
  const results = Object.fromEntries(sessions.filter((session) => session.suite === suite).flatMap(({ calls }) => calls.map(({ tool, args, result }) => [`${tool} ${JSON.stringify(sorted(args))}`, texts.get(result ?? '') ?? ''])));
  const file = join(mkdtempSync(join(tmpdir(), 'flyball-recorded-')), 'results.json');
  writeFileSync(file, JSON.stringify({ tools, results }));
  const child = spawn(process.execPath, [join(root, 'test/support/recorded-server.mjs'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())));
  return { url: `http://127.0.0.1:${port}/mcp`, stop: () => void child.kill('SIGKILL') };
}

test.skipIf(!present)(`story: ${sessionsWanted} recorded sessions of real agents go through a role policy; every call is decided, recorded and explained`, { timeout: 300_000 }, async () => {
  const tools = JSON.parse(gunzipSync(readFileSync(join(data, 'tools.json.gz'))).toString('utf8')) as Readonly<Record<string, readonly Tool[]>>;
  const sessions = benignSessions();
  expect(sessions).toHaveLength(sessionsWanted);
  const texts = new Map(lines<{ h: string; t: string }>('agentdojo_core.results.jsonl.gz').map(({ h, t }) => [h, t]));
  const servers = await Promise.all(suites.map((suite) => startRecorded(suite, tools[suite] ?? [], sessions, texts)));
  const governor = await startGovernor({ files: bundle(tools), upstreams: suites.map((suite, index) => `  ${suite}: { url: "${servers[index]?.url ?? ''}" }`).join('\n') });
  try {
    const tokens = new Map(await Promise.all(suites.map(async (suite) => [suite, await governor.token(`${suite}-agent`)] as const)));
    const evaluations: string[] = [];
    let calls = 0;
    let allowed = 0;
    for (const { suite, calls: recorded } of sessions) {
      for (const [index, { tool, args }] of recorded.entries()) {
        calls++;
        const { body } = await raw(governor.url(`/mcp/${suite}`), JSON.stringify({ jsonrpc: '2.0', id: index, method: 'tools/call', params: { name: tool, arguments: args } }), tokens.get(suite));
        const answer = body as { result?: unknown; error?: { message: string } };
        const { evaluation } = decisionOf(answer.result ?? {});
        if (evaluation !== undefined) evaluations.push(evaluation);
        else if (answer.result !== undefined) allowed++;
        expect(answer.result ?? answer.error).toBeDefined();
      }
    }
    console.log(`${sessions.length} sessions, ${calls} calls: ${allowed} allowed, ${evaluations.length} refused by decision, ${calls - allowed - evaluations.length} refused for their arguments`);
    expect(allowed / calls).toBeGreaterThan(0.95);
    const listed = JSON.parse((await command(governor.directory, ['actions', '--json', '--most', '1000'])).stdout) as readonly { readonly id: string; readonly effect: string }[];
    expect(listed.filter(({ effect }) => effect === 'under way')).toEqual([]);
    for (const { id } of [...listed.slice(0, 5), ...listed.filter((_, index) => index % 100 === 0)]) {
      const explained = JSON.parse((await command(governor.directory, ['explain', id, '--json'])).stdout) as { readonly outcome: string; readonly policies: readonly unknown[] };
      expect(explained.outcome).toMatch(/^(allow|deny)$/);
    }
    const exported = await exportedKinds(governor.directory, () => governor.stop());
    expect((exported.get('intent') ?? 0) + (exported.get('refusal') ?? 0)).toBeGreaterThanOrEqual(calls);
    expect(exported.get('outcome')).toBe(exported.get('intent'));
  } finally {
    await governor.remove();
    servers.forEach((server) => server.stop());
  }
});

/** How many entries of each kind the record has, read from an export of the stopped governor's store. */
async function exportedKinds(directory: string, stop: () => Promise<void>): Promise<ReadonlyMap<string, number>> {
  await stop();
  const file = join(directory, 'export.jsonl');
  const { code, stderr } = await command(directory, ['db', 'export', file]);
  expect(`${code} ${stderr}`).toBe('0 ');
  const kinds = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').split('\n').filter((text) => text !== '')) {
    const { table, row } = JSON.parse(line) as { readonly table: string; readonly row: Readonly<Record<string, string>> };
    if (table === 'entry') kinds.set(row['kind'] ?? '', (kinds.get(row['kind'] ?? '') ?? 0) + 1);
  }
  return kinds;
}
