import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { command, type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import type { RawAnswer } from './support/mcp.js';
import { startPostgres } from './support/postgres.js';
import { actions } from './support/record.js';
import { moneyBundle, openClient, reached, readRecord, transferTo, wasDone } from './support/exported-record.js';
import type { WireClient } from './support/wire.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(postgres === undefined)('PostgreSQL in trouble', () => {
  let canary: Canary;
  let governor: RunningGovernor;
  let client: WireClient;
  let env: Record<string, string>;
  beforeAll(async () => {
    canary = await startCanary();
    env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
    governor = await startGovernor({ directory: writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 4 }` }), env });
    client = await openClient(governor);
    expect(wasDone(await transferTo(client, 'warm'))).toBe(true);
  });
  afterEach(() => canary.control({ delayMs: 0, hang: false }));
  afterAll(async () => {
    await governor.remove();
    canary.stop();
  });

  /** Waits until calls pass again, and fails when they do not. */
  const recovered = (name: string) => waitFor(async () => (wasDone(await transferTo(client, `${name}-${Date.now()}`)) ? true : undefined), 30_000);
  const record = () => readRecord(governor.directory, env);
  const settledRecord = () => waitFor(async () => {
    const now = await record();
    return now.faults().length === 0 ? now : undefined;
  }, 30_000);

  /** Intents are durable, and their target has not answered. */
  const underWay = (count: number) => waitFor(async () => ((await actions(governor)).filter(({ effect }) => effect === 'under way').length >= count ? true : undefined), 10_000);

  const saysNothingHappened = (answer: RawAnswer) => /Nothing has happened/.test(answer.text);

  test('abuse 84: while PostgreSQL is down nothing new is allowed, the answer says that nothing happened, and all is well when it is back', async () => {
    const before = reached(canary).length;
    await postgres?.stop('SIGQUIT');
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => transferTo(client, `down-${n}`)));
    expect(answers.filter(wasDone)).toEqual([]);
    expect(answers.filter((answer) => !saysNothingHappened(answer)).map(({ text }) => text)).toEqual([]);
    expect(reached(canary).length).toBe(before);
    expect((await command(governor.directory, ['token', 'tester'], env)).code).toBe(0);
    await postgres?.restart();
    await recovered('back');
    const after = await settledRecord();
    expect(answers.flatMap((_, n) => after.about(`down-${n}`))).toEqual([]);
  });

  test('law: what was done while the record could not be written is recorded when it can be', async () => {
    await canary.control({ delayMs: 1_500 });
    const calls = Array.from({ length: 5 }, (_, n) => transferTo(client, `spooled-${n}`));
    await underWay(5);
    await postgres?.stop('SIGQUIT');
    const answers = await Promise.all(calls);
    expect(answers.every(wasDone)).toBe(true);
    await canary.control({ delayMs: 0 });
    await wait(3_500);
    await postgres?.restart();
    const after = await settledRecord();
    expect(answers.map((_, n) => after.effectOf(`spooled-${n}`))).toEqual(answers.map(() => 'succeeded'));
  });

  test('law: outcomes of two outages in a row are all recorded, none becomes unknown', async () => {
    await canary.control({ delayMs: 1_500 });
    const first = transferTo(client, 'outage-1');
    await wait(300);
    await canary.control({ delayMs: 2_500 });
    const second = transferTo(client, 'outage-2');
    await underWay(2);
    await postgres?.stop('SIGQUIT');
    expect([await first, await second].every(wasDone)).toBe(true);
    await wait(2_500);
    await postgres?.restart();
    const after = await settledRecord();
    expect([after.effectOf('outage-1'), after.effectOf('outage-2')]).toEqual(['succeeded', 'succeeded']);
  });

  test('law: an outcome in the spool survives a kill of the node', async () => {
    await canary.control({ delayMs: 1_200 });
    const call = transferTo(client, 'spooled-then-killed');
    await underWay(1);
    await postgres?.stop('SIGQUIT');
    expect(wasDone(await call)).toBe(true);
    await wait(500);
    await governor.kill('SIGKILL');
    await canary.control({ delayMs: 0 });
    await postgres?.restart();
    governor = await startGovernor({ directory: governor.directory, env });
    client = await openClient(governor);
    expect((await settledRecord()).effectOf('spooled-then-killed')).toBe('succeeded');
  });

  test('abuse 83: PostgreSQL is killed and comes back in the middle of a stream of calls: no answer is lost, nothing is there twice', async () => {
    const done: string[] = [];
    let stop = false;
    const callers = Array.from({ length: 8 }, async (_, caller) => {
      for (let n = 0; !stop; n++) if (wasDone(await transferTo(client, `failover-${caller}-${n}`))) done.push(`failover-${caller}-${n}`);
    });
    for (let round = 0; round < 3; round++) {
      await wait(500);
      await postgres?.stop('SIGQUIT');
      await wait(100 * round);
      await postgres?.restart();
    }
    await recovered('after-failover');
    stop = true;
    await Promise.all(callers);
    const arrived = reached(canary).filter((to) => to.startsWith('failover'));
    const after = await settledRecord();
    expect(done.length).toBeGreaterThan(0);
    expect(arrived.length).toBe(new Set(arrived).size);
    expect(arrived.filter((to) => after.about(to).length !== 1)).toEqual([]);
    expect(done.filter((to) => after.effectOf(to) !== 'succeeded')).toEqual([]);
    expect(arrived.filter((to) => after.effectOf(to) === 'failed')).toEqual([]);
  });

  test('abuse 84: a stall shorter than the deadline delays, and is not an error', async () => {
    await postgres?.pause();
    const calls = Array.from({ length: 4 }, (_, n) => transferTo(client, `stalled-${n}`));
    await wait(1_500);
    expect(reached(canary).filter((to) => to.startsWith('stalled'))).toEqual([]);
    await postgres?.resume();
    expect((await Promise.all(calls)).every(wasDone)).toBe(true);
  });

  test('abuse 84: after a stall longer than an attempt may take, nothing is begun any more', async () => {
    await postgres?.pause();
    const calls = Array.from({ length: 4 }, (_, n) => transferTo(client, `overdue-${n}`));
    await wait(7_000);
    await postgres?.resume();
    const answers = await Promise.all(calls);
    await wait(1_500);
    expect(answers.filter(wasDone)).toEqual([]);
    expect(reached(canary).filter((to) => to.startsWith('overdue'))).toEqual([]);
    await recovered('after-stall');
    expect((await settledRecord()).faults()).toEqual([]);
  });

  test('law: a caller is answered by its deadline, also while PostgreSQL stalls', async () => {
    await postgres?.pause();
    const began = Date.now();
    const answered = transferTo(client, 'patient').then(() => Date.now() - began);
    const first = await Promise.race([answered, wait(9_000)]);
    await postgres?.resume();
    await answered;
    expect(first ?? Infinity).toBeLessThan(6_500);
  });

  test('story: a node that starts while PostgreSQL is away says so and ends', async () => {
    await postgres?.stop();
    const { code, stderr } = await command(writeInstallation({ files: moneyBundle() }), ['up'], env);
    await postgres?.restart();
    expect(code).not.toBe(0);
    expect(stderr).toContain('expected a PostgreSQL server at FLYBALL_DATABASE_URL');
  });
});
