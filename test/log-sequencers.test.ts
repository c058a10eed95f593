import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNote } from '@flyball/tlog';
import { afterAll, describe, expect, test } from 'vitest';
import type { LogStore } from '../packages/server/src/ledger/log/log-store.js';
import { type OpenStore, openPostgres } from '../packages/server/src/store/open.js';
import { place, record } from './support/entries.js';
import { root, waitFor } from './support/governor.js';
import { faultsOf, origin, sequencerOn, Signed } from './support/log-kit.js';
import { startPostgres } from './support/postgres.js';

const postgres = await startPostgres();
const folder = mkdtempSync(join(tmpdir(), 'flyball-sequencers-'));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await postgres?.remove();
}, 30_000);

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
const lateMs = 20;

/** Writes entries, some of them late, until it is told to stop; returns what was acknowledged. */
async function write({ entries }: OpenStore, isOver: () => boolean): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let round = 0; !isOver(); round++) {
    const batch = Array.from({ length: 1 + (round % 30) }, () => record([place(`session:${randomUUID()}`, 1)], { at: Date.now() - Math.floor(Math.random() * lateMs) }));
    await Promise.all(batch.map((each) => entries.commit(each)));
    acknowledged.push(...batch.map(({ entry }) => entry.id));
    await wait(2);
  }
  return acknowledged;
}

/** A store whose holder falls asleep now and then before it extends. */
function sleepy(store: LogStore, nap: () => Promise<void>): LogStore {
  return new Proxy(store, { get: (target, name: keyof LogStore) => (name === 'extend' ? async (extension: Parameters<LogStore['extend']>[0]) => {
    await nap();
    return target.extend(extension);
  } : (target[name] as (...args: unknown[]) => unknown).bind(target)) });
}

describe.skipIf(postgres === undefined)('several sequencers on one PostgreSQL', () => {
  test.each([2, 3])('abuse 70: law: %i in one process whose leases end while they sleep: one log, every acknowledged entry once, no signature that contradicts it', async (count) => {
    const url = (await postgres?.database()) ?? '';
    const stores = await Promise.all(Array.from({ length: count + 1 }, () => openPostgres(url, 'default')));
    const [first, ...others] = stores;
    if (!first) throw new Error('unreachable');
    await first.log.open(origin);
    const signed = new Signed();
    const until = Date.now() + 6_000;
    const isOver = () => Date.now() > until;
    const troubles: unknown[] = [];
    let taken = 0;
    const sequence = async ({ log, pool }: OpenStore, index: number) => {
      const nap = async () => {
        if (Math.random() > 0.3) return;
        // As if it had slept for longer than its lease.
        await pool.query('update log set lease_until = 0');
        taken++;
        await wait(20 + Math.random() * 60);
      };
      const node = sequencerOn({ store: sleepy(log, nap), file: join(folder, randomUUID(), 'checkpoint'), holder: `node-${index}`, signed });
      while (!isOver()) {
        await node.round().catch((error: unknown) => troubles.push(error));
        await wait(Math.random() * 10);
      }
    };
    const [acknowledged] = await Promise.all([write(first, isOver), ...others.map(sequence)]);
    await first.pool.query('update log set lease_until = 0');
    const last = sequencerOn({ store: first.log, file: join(folder, randomUUID(), 'checkpoint'), holder: 'last', signed });
    while ((await last.round()) > 0);
    expect(await faultsOf(first.log, [...signed.signed, ...signed.shown], acknowledged)).toEqual([]);
    expect(troubles).toEqual([]);
    expect((await first.log.head())?.epoch).toBeGreaterThan(5n);
    expect(taken).toBeGreaterThan(5);
    await Promise.all(stores.map((store) => store.close()));
  }, 60_000);

  test('abuse 70: a holder that stalls for longer than its lease and then goes on writes nothing, shows nothing and takes its turn again later', async () => {
    const url = (await postgres?.database()) ?? '';
    const [one, two] = await Promise.all([openPostgres(url, 'default'), openPostgres(url, 'default')]);
    await one.log.open(origin);
    const signed = new Signed();
    const ids: string[] = [];
    const add = async (at: number) => {
      const entry = record([place(`session:${randomUUID()}`, 1)], { at });
      await one.entries.commit(entry);
      ids.push(entry.entry.id);
    };
    let wake: () => void = () => undefined;
    const stalled = new Promise<void>((done) => (wake = done));
    const slow = sequencerOn({ store: sleepy(one.log, () => stalled), file: join(folder, 'slow'), holder: 'slow', signed });
    const quick = sequencerOn({ store: two.log, file: join(folder, 'quick'), holder: 'quick', signed });
    await add(10);
    const began = Date.now();
    const late = slow.round();
    await waitFor(async () => (await one.pool.query(`select 1 from log where holder = 'slow'`)).rowCount || undefined, 10_000);
    expect(await quick.round()).toBe(0);
    await add(5);
    await waitFor(async () => ((await quick.round()) > 0 ? true : undefined), 10_000);
    expect(Date.now() - began).toBeGreaterThan(3_000);
    wake();
    expect(await late).toBe(0);
    expect([slow.published.head, quick.published.head?.size]).toEqual([undefined, 2n]);
    await add(20);
    expect(await slow.round()).toBe(0);
    await quick.sequencer.release();
    expect(await slow.round()).toBe(1);
    expect(await faultsOf(one.log, [...signed.signed, ...signed.shown], ids)).toEqual([]);
    await Promise.all([one.close(), two.close()]);
  }, 30_000);

  test('abuse 70: three processes, each frozen for longer than its lease while it works: one log, every acknowledged entry once, no signature that contradicts it', async () => {
    const url = (await postgres?.database()) ?? '';
    const store = await openPostgres(url, 'default');
    await store.log.open(origin);
    const story = join(folder, 'story');
    const told = (what: string) => readFileSync(story, 'utf8').split('\n').flatMap((line) => (line.startsWith(`${what} `) ? [Buffer.from(line.slice(what.length + 1), 'base64').toString('utf8')] : []));
    const children = [0, 1, 2].map((index) => {
      mkdirSync(join(folder, `process-${index}`));
      const wish = { url, tenant: 'default', origin, seed: 1, story, file: join(folder, `process-${index}/log/checkpoint`), holder: `process-${index}`, pauseMs: 5 };
      return spawn(process.execPath, [join(root, 'test/support/log-sequencer.mjs'), JSON.stringify(wish)], { stdio: ['ignore', 'ignore', 'inherit'] });
    });
    let over = false;
    const writing = write(store, () => over);
    const holderNow = async () => Number((await store.pool.query<{ holder: string }>('select holder from log')).rows[0]?.holder.at(-1) ?? '0');
    await waitFor(async () => ((await store.log.head())?.size ?? 0n) > 0n || undefined);
    const holders = new Set<number>();
    for (let round = 0; round < 6; round++) {
      await wait(300);
      const holder = await holderNow();
      holders.add(holder);
      children[holder]?.kill('SIGSTOP');
      // Its lease is over, and others have gone on, before it wakes up.
      await store.pool.query('update log set lease_until = 0');
      const { size = 0n } = (await store.log.head()) ?? {};
      await waitFor(async () => (await holderNow()) !== holder && ((await store.log.head())?.size ?? 0n) > size || undefined, 20_000);
      children[holder]?.kill('SIGCONT');
    }
    over = true;
    const acknowledged = await writing;
    await waitFor(async () => ((await store.log.head())?.size === BigInt(acknowledged.length) ? true : undefined), 20_000);
    children.forEach((child) => child.kill('SIGKILL'));
    await store.pool.query('update log set lease_until = 0');
    await sequencerOn({ store: store.log, file: join(folder, 'last'), holder: 'last', signed: new Signed() }).round();
    expect(await faultsOf(store.log, [...told('signed'), ...told('shown').map((note) => parseNote(note).text)], acknowledged)).toEqual([]);
    expect(told('trouble')).toEqual([]);
    expect(holders.size).toBeGreaterThan(1);
    await store.close();
  }, 60_000);
});
