import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../packages/server/src/config.js';
import { type Governor, openGovernor } from '../packages/server/src/wiring.js';
import { accessFiles } from './support/access-house.js';
import { readRecord } from './support/exported-record.js';
import { command, root, waitFor, writeInstallation } from './support/governor.js';
import { startPostgres } from './support/postgres.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const tries = Number(process.env['FLYBALL_RESUMES'] ?? 200);
const triesEach = 10;
const wishOf = (index: number) => ({ grant: 'prod-db-read', why: `task ${index}`, minutes: 60 });

describe.skipIf(postgres === undefined)('two nodes on one PostgreSQL', () => {
  test(`law: an approval opens one grant: ${tries} resumptions at once over two nodes, beside their own`, { timeout: 600_000 }, async () => {
    const env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
    const first = writeInstallation({ files: accessFiles() });
    const second = mkdtempSync(join(tmpdir(), 'flyball-node-'));
    await command(first, ['sessions'], env);
    mkdirSync(join(second, '.flyball'));
    for (const part of ['flyball.yaml', 'bundle', '.flyball/log-key.pem']) cpSync(join(first, part), join(second, part), { recursive: true });
    const nodes: Governor[] = [];
    for (const folder of [first, second]) nodes.push(await openGovernor(loadConfig(join(folder, 'flyball.yaml'), env), () => undefined));
    const [one] = nodes;
    if (!one) throw new Error('unreachable');
    try {
      for (let index = 0; index < tries / triesEach; index++) {
        const asked = await one.access.requests.askFor('tester', { person: index % 2 === 0 ? 'olga' : 'ann', administers: index % 2 === 1, address: '' }, wishOf(index));
        const hold = asked.kind === 'waiting' ? asked.hold : '';
        await (nodes[index % 2] ?? one).approval.holds.answer({ hold, person: 'ben', agrees: true, reason: '' });
        await Promise.all(Array.from({ length: triesEach }, (_, n) => (nodes[n % 2] ?? one).access.requests.resume(hold)));
        const held = await waitFor(async () => {
          const grants = await one.access.grants.ofIdentity({ identity: 'tester' });
          return grants.some(({ why }) => why === `task ${index}`) ? grants : undefined;
        });
        for (const { id } of held) await one.access.grants.return(id, { identity: 'tester' });
      }
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
    }
    const { entries, faults } = await readRecord(first, env).then((record) => ({ entries: record.entries, faults: record.faults() }));
    const opened = entries.filter(({ kind }) => kind === 'grant.opened');
    expect([opened.length, new Set(opened.map(({ body }) => body['intent'])).size, faults]).toEqual([tries / triesEach, tries / triesEach, []]);
    expect(entries.filter(({ kind }) => kind === 'hold')).toHaveLength(tries / triesEach);
    expect(entries.filter(({ kind }) => kind === 'intent')).toHaveLength(tries / triesEach);
    expect((await command(first, ['verify'], env)).code).toBe(0);
  });
});

const kindsInOrder = ['hold', 'approval', 'intent', 'grant.opened', 'outcome'] as const;
const steps = kindsInOrder.flatMap((kind) => [`before ${kind}`, `after ${kind}`]);
/** What is there in the end: the hold may never have been asked, or be waiting for its answer; else there is a grant, or its outcome says that there is none. */
const endings: Readonly<Record<string, 'nothing' | 'waits' | 'granted' | 'failed'>> = { 'before hold': 'nothing', 'after hold': 'waits', 'before approval': 'waits', 'after approval': 'granted', 'before intent': 'granted', 'after intent': 'failed', 'before grant.opened': 'failed', 'after grant.opened': 'granted', 'before outcome': 'granted', 'after outcome': 'granted' };

/** Runs a node that kills itself; the signal that it ended with. */
function killed(folder: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [join(root, 'test/support/access-killed.mjs'), join(folder, 'flyball.yaml'), ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
  return new Promise((done) => child.once('exit', (_code, by) => done(by)));
}

/** Kills a node at a step; what another node, which comes after it, makes of that. */
async function ended(step: string, env: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const folder = writeInstallation({ files: accessFiles() });
  if (env['FLYBALL_DATABASE_URL'] === undefined) await command(folder, ['sessions'], env);
  const signal = await killed(folder, env, step);
  const survivor = await openGovernor(loadConfig(join(folder, 'flyball.yaml'), env), () => undefined);
  const expected = endings[step];
  if (expected === 'granted' || expected === 'failed') await waitFor(async () => ((await survivor.ledger.store.list({ kinds: ['outcome'], most: 1 })).length > 0 ? true : undefined));
  else await new Promise((resolve) => setTimeout(resolve, 3_000));
  await survivor.close();
  const record = await readRecord(folder, env);
  const of = (kind: string) => record.entries.filter((entry) => entry.kind === kind);
  const [intent] = of('intent');
  const effect = intent && record.settling(intent.id)[0]?.body['effect'];
  const grants = of('grant.opened').length;
  const ending = of('hold').length === 0 ? 'nothing' : !intent ? 'waits' : grants === 1 && effect === 'succeeded' ? 'granted' : grants === 0 && effect === 'failed' ? 'failed' : `${String(effect)} with ${grants} grants`;
  const { code } = await command(folder, ['verify'], env);
  rmSync(folder, { recursive: true });
  return [signal, ending, of('intent').length <= 1, record.faults(), code];
}

describe('law: killed at any step, there is a grant or there is none, and the outcome says which', () => {
  const groups = steps.flatMap((_, index) => (index % 5 === 0 ? [steps.slice(index, index + 5)] : []));

  test.skipIf(postgres === undefined).each(groups.map((group) => [group.join(', '), group] as const))('abuse 42: kill -9 %s', { timeout: 300_000 }, async (_name, group) => {
    const told = await Promise.all(group.map(async (step) => [step, ...(await ended(step, { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' }))]));
    expect(told).toEqual(group.map((step) => [step, 'SIGKILL', endings[step], true, [], 0]));
  });

  test.each(['after intent'])('abuse 42: kill -9 %s, on an embedded store', { timeout: 300_000 }, async (step) => {
    expect(await ended(step, {})).toEqual(['SIGKILL', endings[step], true, [], 0]);
  });
});

test.skipIf(postgres === undefined).each<[string, 'before' | 'after']>([
  ['before it begins', 'before'],
  ['after it began', 'after'],
])('abuse 42: a standing approval to which everybody agreed, its node killed %s: there is one, begun by whoever comes next', { timeout: 120_000 }, async (_name, when) => {
  const env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
  const policies = accessFiles()['bundle/policies/open.cedar']?.replace('@id("people-agree")', '@id("people-agree") @standing("count=3, within=1h")') ?? '';
  const folder = writeInstallation({ files: accessFiles({ 'bundle/policies/open.cedar': policies }) });
  expect(await killed(folder, env, `${when} standing.granted`, JSON.stringify({ count: 2, withinMs: 600_000 }))).toBe('SIGKILL');
  const open = () => openGovernor(loadConfig(join(folder, 'flyball.yaml'), env), () => undefined);
  const survivor = await open();
  const [begun] = await waitFor(async () => survivor.approval.standing.list().then((all) => (all.length > 0 ? all : undefined)));
  expect([begun?.policy, begun?.count]).toEqual(['people-agree', 2]);
  await survivor.approval.standing.end(begun?.id ?? '', 'ben', false);
  await survivor.close();
  // Whoever comes after that does not begin again what somebody took back.
  const later = await open();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await later.close();
  const record = await readRecord(folder, env);
  expect([record.entries.filter(({ kind }) => kind === 'standing.granted').length, record.faults(), (await command(folder, ['verify'], env)).code]).toEqual([1, [], 0]);
  rmSync(folder, { recursive: true });
});
