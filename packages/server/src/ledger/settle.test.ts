import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '@flyball/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { ended } from '../../../../test/support/entries.js';
import { MemoryStore, MemoryTables } from '../../../../test/support/memory-store.js';
import { foldIdentity, foldSession } from '../session/index.js';
import type { Draft } from './draft.js';
import { Ledger } from './ledger.js';
import { type Fold, Projections } from './projections.js';
import { Settler } from './settle.js';
import { Spool } from './spool.js';

const folders: string[] = [];
const newFolder = () => folders[folders.push(mkdtempSync(join(tmpdir(), 'flyball-spool-'))) - 1] ?? '';
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const day = 24 * 60 * 60_000;
const start = 1_700_000_000_000;

/** A ledger on which a test sets the time. */
function house(tables = new MemoryTables()) {
  const clock = { at: start, offsetMs: 0, now: () => clock.at };
  const store = new MemoryStore(tables);
  const ledger = new Ledger('default', store, new Projections(store, { session: foldSession as Fold<unknown>, identity: foldIdentity as Fold<unknown> }), clock);
  return { clock, ledger, tables, settler: new Settler(ledger, clock) };
}

const waits = (ledger: Ledger, kind: Draft['kind'], deadline: number, body: object = {}) => ledger.append({ kind, streams: [{ stream: 'session:s' }], deadline, body: { session: 's', action: 'a', digest: 'd', labels: [], spends: {}, decision: { outcome: 'step_up', approvals: [], facts: [] }, ...body } });
const settling = (tables: MemoryTables) => tables.stream('session:s').filter(({ settles }) => settles !== undefined);

describe('settler', () => {
  test('law: what is overdue is settled once: an intent is unknown, a hold expired, a session ended; what is not due is left', async () => {
    const { clock, ledger, tables, settler } = house();
    const opened = await waits(ledger, 'session.opened', start + 300, { capabilities: [], inherited: [] });
    const intent = await waits(ledger, 'intent', start + 100);
    const hold = await waits(ledger, 'hold', start + 200);
    const later = await waits(ledger, 'intent', start + 400);
    clock.at = start + 99;
    expect(await settler.run()).toBe(0);
    clock.at = start + 300;
    expect(await settler.run()).toBe(3);
    expect(await settler.run()).toBe(0);
    expect(settling(tables).map(({ settles, kind, body }) => [settles, kind, body])).toMatchObject([
      [intent?.id, 'outcome', { effect: 'unknown' }],
      [hold?.id, 'hold.settled', { status: 'expired' }],
      [opened?.id, 'session.ended', {}],
    ]);
    expect(tables.settling.has(later?.id ?? '')).toBe(false);
  });

  test.each<[Draft['kind'], Draft['kind']]>([
    ['standing.granted', 'standing.ended'],
    ['delegation.given', 'delegation.ended'],
    ['emergency.opened', 'emergency.ended'],
    ['request.opened', 'request.settled'],
    ['grant.opened', 'grant.ended'],
  ])('law: what was begun by %s ends at its time by %s, once, on whichever node', async (begun, ended) => {
    const one = house();
    const two = house(one.tables);
    const opened = await one.ledger.append({ kind: begun, streams: [{ stream: 'identity:a' }], deadline: start + 100, body: { status: 'begun' } });
    one.clock.at = start + 99;
    expect(await one.settler.run()).toBe(0);
    one.clock.at = two.clock.at = start + 100;
    await Promise.all([one.settler.run(), two.settler.run()]);
    expect(one.tables.stream('identity:a').slice(1).map(({ kind, settles, body }) => [kind, settles, (body as { status: string }).status])).toEqual([[ended, opened?.id, 'expired']]);
  });

  test('law: more than one batch of overdue entries is settled in one run', async () => {
    const { clock, ledger, settler } = house();
    await Promise.all(Array.from({ length: 1_203 }, () => waits(ledger, 'intent', start + 1)));
    clock.at = start + 1;
    expect(await settler.run()).toBe(1_203);
  });

  test('law: two nodes settle the same wait once, and neither fails', async () => {
    const one = house();
    const two = house(one.tables);
    await Promise.all(Array.from({ length: 40 }, () => waits(one.ledger, 'intent', start + 1)));
    one.clock.at = two.clock.at = start + 1;
    await Promise.all([one.settler.run(), two.settler.run()]);
    expect(settling(one.tables)).toHaveLength(40);
  });

  test('law: a real outcome and the settler race: one of them is recorded', async () => {
    const { clock, ledger, tables, settler } = house();
    const intent = await waits(ledger, 'intent', start + 1);
    clock.at = start + 1;
    await Promise.all([settler.run(), ended(ledger.append({ kind: 'outcome', streams: [{ stream: 'session:s' }], settles: intent?.id ?? '', body: { effect: 'succeeded' } }))]);
    expect(settling(tables)).toHaveLength(1);
  });

  test('law: every wait ends also after a restart and after weeks', async () => {
    const { clock, ledger, tables, settler } = house();
    await settler.run();
    clock.at = start + 10 * day;
    await settler.run();
    await waits(ledger, 'intent', clock.at + 5);
    clock.at += 10 * day;
    const again = new Settler(ledger, clock);
    await again.run();
    expect(settling(tables)).toHaveLength(1);
  });

  test('abuse 81: the clock goes a year forward and comes back: waits still end', async () => {
    const { clock, ledger, tables, settler } = house();
    clock.at = start + 365 * day;
    await settler.run();
    clock.at = start;
    await waits(ledger, 'hold', start + 2_000);
    clock.at = start + 3_000;
    await settler.run();
    expect(settling(tables)).toHaveLength(1);
    await waits(ledger, 'hold', start + 5_000);
    clock.at = start + 6_000;
    await new Settler(ledger, clock).run();
    expect(settling(tables)).toHaveLength(2);
  });

  test('abuse 81: the clock was ahead by little more than the margin, came back, and the node was started again later', async () => {
    const { clock, ledger, tables, settler } = house();
    clock.at = start + 330_000;
    await settler.run();
    clock.at = start;
    await waits(ledger, 'hold', start + 10_000);
    clock.at = start + 60_000;
    await new Settler(ledger, clock).run();
    expect(settling(tables)).toHaveLength(1);
  });
});

describe('hold that expired', () => {
  const opened = { session: 's', identity: 'i', purpose: 'p', capabilities: [], implicit: false, inherited: [] };
  const statusOf = async (ledger: Ledger) => (await ledger.projections.get<ReturnType<typeof foldSession>>('session:s')).state as NonNullable<ReturnType<typeof foldSession>>;
  async function asked() {
    const all = house();
    await waits(all.ledger, 'session.opened', start + day, opened);
    const first = await waits(all.ledger, 'hold', start + 2_000);
    all.clock.at = start + 2_001;
    // The machine asks again in the second before the settler comes round.
    const second = await waits(all.ledger, 'hold', start + 4_000);
    return { ...all, first, second };
  }

  test('abuse 36: the end of an expired hold does not end the next hold of the same question', async () => {
    const { ledger, settler, second } = await asked();
    await settler.run();
    expect((await statusOf(ledger)).holds['d']).toMatchObject({ id: second?.id, status: 'pending' });
  });

  test('attack: refused stays refused when an earlier hold of the same question expires later', async () => {
    const { ledger, settler, second } = await asked();
    await ledger.append({ kind: 'hold.settled', streams: [{ stream: 'session:s' }], settles: second?.id ?? '', body: { session: 's', digest: 'd', person: 'ann', status: 'refused' } });
    await settler.run();
    expect((await statusOf(ledger)).holds['d']).toMatchObject({ id: second?.id, status: 'refused' });
  });
});

describe('spool', () => {
  const outcome = (n: number): Draft => ({ kind: 'outcome', streams: [{ stream: 'session:s' }], settles: `00000000-0000-7000-8000-00000000000${n}`, body: { n } });
  const drained = async (spool: Spool) => {
    const seen: unknown[] = [];
    await spool.drain((draft) => Promise.resolve(void seen.push((draft.body as { n: number }).n)));
    return seen;
  };

  test('law: what was kept comes out once, in order, also for another process', async () => {
    const folder = newFolder();
    const spool = new Spool(folder);
    [1, 2, 3].forEach((n) => spool.keep(outcome(n)));
    expect(await drained(new Spool(folder))).toEqual([1, 2, 3]);
    expect(await drained(spool)).toEqual([]);
  });

  test('law: while the store is down nothing is lost, whatever is kept in between', async () => {
    const spool = new Spool(newFolder());
    spool.keep(outcome(1));
    expect(await ended(spool.drain(() => Promise.reject(new Error('down'))))).not.toBe('ok');
    spool.keep(outcome(2));
    // The settler runs right after a drain and calls `unknown` what is still in the spool, so a drain leaves nothing.
    expect(await drained(spool)).toEqual([1, 2]);
  });

  test('law: what is kept while it is drained is not lost', async () => {
    const spool = new Spool(newFolder());
    spool.keep(outcome(1));
    const seen: unknown[] = [];
    await spool.drain((draft) => {
      if (seen.push((draft.body as { n: number }).n) === 1) spool.keep(outcome(2));
      return Promise.resolve();
    });
    expect([...seen, ...(await drained(spool))]).toEqual([1, 2]);
  });

  test('attack: a line that was cut short by a full disk or a crash costs only itself', async () => {
    const folder = newFolder();
    const spool = new Spool(folder);
    spool.keep(outcome(1));
    const [file = ''] = readdirSync(folder);
    appendFileSync(join(folder, file), '{"kind":"outcome","streams":[{"str');
    spool.keep(outcome(2));
    expect(await drained(spool)).toEqual([1, 2]);
  });

  test('attack: a line that is JSON but no draft does not keep the others back', async () => {
    const folder = newFolder();
    const spool = new Spool(folder);
    spool.keep(outcome(1));
    const [file = ''] = readdirSync(folder);
    writeFileSync(join(folder, file), 'null\n7\n{}\n', { flag: 'a' });
    spool.keep(outcome(2));
    const { ledger } = house();
    expect(await ended(spool.drain(async (draft) => void (await ledger.append(draft))))).toBe('ok');
    expect((await ledger.store.readStream('session:s', 0, 9)).map(({ body }: Entry) => body)).toEqual([{ n: 1 }, { n: 2 }]);
  });
});
