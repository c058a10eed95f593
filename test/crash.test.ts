import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { command, type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { type ExportedRecord, moneyBundle, openClient, reached, readRecord, transferTo, wasDone } from './support/exported-record.js';
import { openWire, type WireClient } from './support/wire.js';

const rounds = Number(process.env['FLYBALL_KILLS'] ?? 10);
const clientsMost = 16;

let canary: Canary;
let directory: string;
beforeAll(async () => {
  canary = await startCanary();
  directory = install({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 1 }` });
});
const folders: string[] = [];
const install = (options: Parameters<typeof writeInstallation>[0]) => folders[folders.push(writeInstallation(options)) - 1] ?? '';
afterAll(() => {
  canary.stop();
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});

/** Calls as fast as they are answered, until the process is gone; `answered` is told of each. */
async function callUntilDead(client: WireClient, name: string, answered: (to: string) => void): Promise<void> {
  for (let n = 0; ; n++) {
    const to = `${name}-${n}`;
    try {
      if (wasDone(await transferTo(client, to))) answered(to);
    } catch {
      return;
    }
  }
}

/** A client on which one call was made already, so that the next one goes straight to the target. */
async function warmClient(governor: RunningGovernor): Promise<WireClient> {
  const client = await openClient(governor);
  expect(wasDone(await transferTo(client, `warm-${Math.random()}`))).toBe(true);
  return client;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(`law: killed ${rounds} times under load, nothing acted unrecorded, nothing answered is lost, every intent has one outcome`, async () => {
  const done: string[] = [];
  let token: string | undefined;
  for (let round = 0; round < rounds; round++) {
    const governor = await startGovernor({ directory });
    token ??= await governor.token('tester');
    const client = await openWire(governor.url('/mcp/canary'), token);
    const enough = done.length + 1 + ((round * 37) % 100);
    const callers = Array.from({ length: clientsMost }, (_, index) => callUntilDead(client, `r${round}-c${index}`, (to) => void (done.push(to) === enough && governor.child.kill('SIGKILL'))));
    await Promise.all(callers);
  }
  const last = await startGovernor({ directory });
  await settled(last);
  await last.stop();
  const record = await readRecord(directory);
  const arrived = reached(canary);

  expect(done.length).toBeGreaterThanOrEqual(rounds);
  expect(done.filter((to) => record.effectOf(to) !== 'succeeded')).toEqual([]);
  expect(arrived.filter((to) => record.about(to).length !== 1)).toEqual([]);
  expect(arrived.length).toBe(new Set(arrived).size);
  expect(record.faults()).toEqual([]);
  expect(neverSentYetFailed(record, arrived)).toEqual([]);
  const unknown = record.entries.filter(({ kind, body }) => kind === 'outcome' && body['effect'] === 'unknown').length;
  expect(unknown).toBeGreaterThan(0);
  console.log(`${arrived.length} calls reached the server, ${done.length} were answered, ${unknown} are unknown`);
}, 60_000 + rounds * 12_000);

/** `failed` claims that there was no effect. */
const neverSentYetFailed = (record: ExportedRecord, arrived: readonly string[]) => arrived.filter((to) => record.effectOf(to) === 'failed');

async function settled(governor: RunningGovernor): Promise<void> {
  await waitFor(async () => {
    const { stdout } = await command(governor.directory, ['actions', '--json', '--most', '1000']);
    return (JSON.parse(stdout) as { effect: string }[]).every(({ effect }) => effect !== 'under way') ? true : undefined;
  }, 20_000);
}

test('abuse 42: killed while an action is at its target: the intent is there at once, becomes unknown after its deadline, and the call is not made again', async () => {
  const governor = await startGovernor({ directory });
  const client = await warmClient(governor);
  const before42 = canary.calls().length;
  await canary.control({ hang: true });
  const lost = transferTo(client, 'in-flight').catch(() => undefined);
  await waitFor(() => canary.calls().length > before42 || undefined);
  await governor.kill('SIGKILL');
  await lost;
  await canary.control({ hang: false });
  const before = await readRecord(directory);
  expect(before.about('in-flight')).toHaveLength(1);
  expect(before.effectOf('in-flight')).toBeUndefined();
  const again = await startGovernor({ directory });
  await settled(again);
  await again.stop();
  const after = await readRecord(directory);
  expect(after.effectOf('in-flight')).toBe('unknown');
  expect(canary.calls().length).toBe(before42 + 1);
});

test('law: 100 calls at once on a node that has just started are all made', async () => {
  const governor = await startGovernor({ directory: install({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 30 }` }), loaded: true });
  const client = await openClient(governor);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => transferTo(client, `at-once-${n}`)));
  await governor.kill('SIGKILL');
  expect(answers.filter((answer) => !wasDone(answer)).map(({ text }) => text.slice(0, 300))).toEqual([]);
});

test('abuse 89: SIGTERM lets what is under way finish and be recorded, takes nothing new and ends with code 0', async () => {
  const governor = await startGovernor({ directory: install({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}" }` }) });
  const client = await warmClient(governor);
  await canary.control({ delayMs: 2_500 });
  const calls = Array.from({ length: 8 }, (_, n) => transferTo(client, `draining-${n}`));
  await wait(1_000);
  const stopped = governor.stop();
  await wait(300);
  const late = await transferTo(client, 'too-late').then(wasDone, () => false);
  const answers = await Promise.all(calls);
  await stopped;
  await canary.control({ delayMs: 0 });
  expect(answers.every(wasDone)).toBe(true);
  expect(late).toBe(false);
  expect(governor.child.exitCode).toBe(0);
  const record = await readRecord(governor.directory);
  expect(answers.map((_, n) => record.effectOf(`draining-${n}`))).toEqual(answers.map(() => 'succeeded'));
  expect(reached(canary)).not.toContain('too-late');
  expect(record.faults()).toEqual([]);
});

test('attack: an action that outlasts the drain is not forgotten: it has its outcome, now or after the next start', async () => {
  const own = install({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 12 }` });
  const governor = await startGovernor({ directory: own });
  const client = await warmClient(governor);
  await canary.control({ delayMs: 8_000 });
  const call = transferTo(client, 'slow').catch(() => undefined);
  await wait(1_000);
  const began = Date.now();
  await governor.stop();
  expect(Date.now() - began).toBeLessThan(15_000);
  expect(governor.child.exitCode).toBe(0);
  const answer = await call;
  await canary.control({ delayMs: 0 });
  const again = await startGovernor({ directory: own });
  await waitFor(async () => (JSON.parse((await command(own, ['actions', '--json', '--most', '5'])).stdout) as { effect: string }[]).every(({ effect }) => effect !== 'under way') || undefined, 40_000);
  await again.stop();
  const record = await readRecord(own);
  expect(['succeeded', 'unknown']).toContain(record.effectOf('slow'));
  if (answer !== undefined && wasDone(answer)) expect(record.effectOf('slow')).toBe('succeeded');
});

test('attack: a data directory that another process has: a clear message, a code that says so, and the first one goes on', async () => {
  const governor = await startGovernor({ directory: install({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}" }` }) });
  const second = await command(governor.directory, ['up']);
  expect(second.code).not.toBe(0);
  expect(second.stderr).toMatch(new RegExp(`is in use by process ${governor.child.pid}`));
  expect((await command(governor.directory, ['db', 'export', '/dev/null'])).stderr).toContain('is in use by process');
  expect(wasDone(await transferTo(await openClient(governor), 'still-there'))).toBe(true);
  await governor.remove();
});
