import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, place, record } from '../../../../test/support/entries.js';
import { MemoryStore, MemoryTables } from '../../../../test/support/memory-store.js';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.js';
import type { EntryRecord, EntryStore } from '../ledger/store.js';
import { DurableWriter } from './durable-writer.js';
import { openEmbedded, openPostgres } from './open.js';
import { SqlStore } from './sql-store.js';
import { batchWriter } from './write-batch.js';

/** A database on which any number of nodes open a store. */
interface House {
  node(tenant?: string): Promise<EntryStore>;
  /** Gives every entry of a tenant its place in the log. */
  sequence(tenant: string): Promise<unknown>;
  close(): Promise<void>;
}

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const memory = (): Promise<House> => {
  const tables = new Map<string, MemoryTables>();
  const ofTenant = (tenant: string) => tables.get(tenant) ?? tables.set(tenant, new MemoryTables()).get(tenant) ?? new MemoryTables();
  return Promise.resolve({ node: (tenant = 'default') => Promise.resolve(new MemoryStore(ofTenant(tenant))), sequence: () => Promise.resolve(), close: () => Promise.resolve() });
};

/** What a sequencer does, without its tree. */
const sequencing = (pool: Pool) => (tenant: string) => pool.query('insert into log_leaf (tenant, index, entry) select tenant, row_number() over (order by at, entry) - 1, entry from unsequenced where tenant = $1', [tenant]);

const embedded = async (): Promise<House> => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-contract-'));
  const { pool, close } = await openEmbedded(folder, 'default');
  const node = (tenant = 'default') => Promise.resolve(new SqlStore(pool, tenant, batchWriter(pool, new DurableWriter(pool))));
  return { node, sequence: sequencing(pool), close: () => close().then(() => rmSync(folder, { recursive: true })) };
};

const server = async (running: TestPostgres | undefined): Promise<House> => {
  const url = (await running?.database()) ?? '';
  const open: Awaited<ReturnType<typeof openPostgres>>[] = [];
  const sequence = (tenant: string) => (open[0] ? sequencing(open[0].pool)(tenant) : Promise.resolve());
  const node = async (tenant = 'default') => {
    const store = await openPostgres(url, tenant);
    open.push(store);
    return store.entries;
  };
  return { node, sequence, close: async () => void (await Promise.all(open.map((store) => store.close()))) };
};

let unique = 0;
const freshStream = () => `session:${++unique}`;
const stores = [['memory', memory, false], ['embedded', embedded, false], ['PostgreSQL', () => server(postgres), postgres === undefined]] as const;

describe.each(stores)('store contract: %s', (_name, open, absent) => void describe.skipIf(absent)('this store', () => {
  let house: House;
  let store: EntryStore;
  let other: EntryStore;
  beforeAll(async () => {
    house = await open();
    [store, other] = [await house.node(), await house.node()];
  }, 60_000);
  afterAll(() => house?.close());

  const versions = async (stream: string) => (await other.readStream(stream, 0, 1_000)).map((entry) => entry.streams.find((at) => at.stream === stream)?.version);
  const ids = async (stream: string) => (await other.readStream(stream, 0, 1_000)).map(({ id }) => id);
  const chain = (stream: string, length: number, from = 1) => Array.from({ length }, (_, index) => record([place(stream, from + index)]));
  const commitAll = (records: readonly EntryRecord[], into = store) => Promise.all(records.map((each) => ended(into.commit(each))));

  test('law: what was committed is read back exactly, in order, by every node', async () => {
    const stream = freshStream();
    const records = chain(stream, 30);
    expect(await commitAll(records)).toEqual(records.map(() => 'ok'));
    expect(await other.readStream(stream, 0, 100)).toEqual(records.map(({ entry }) => entry));
    expect(await other.readStream(stream, 10, 5)).toEqual(records.slice(10, 15).map(({ entry }) => entry));
    expect(await other.readStream(stream, 30, 5)).toEqual([]);
    expect(await other.find(records[3]?.entry.id ?? '')).toEqual(records[3]?.entry);
  });

  test('law: a place in a stream is taken once; the loser leaves no trace', async () => {
    const stream = freshStream();
    await store.commit(record([place(stream, 1)]));
    const loser = record([place(stream, 1)], { payload: { salt: 's', content: 'c' } });
    expect(await ended(other.commit(loser))).toBe('conflict');
    expect(await other.find(loser.entry.id)).toBeUndefined();
    expect(await other.payload(loser.entry.id)).toBeUndefined();
    expect(await versions(stream)).toEqual([1]);
  });

  test('law: the log is read from any place on, in its order, with what can be erased', async () => {
    const tenant = `logged-${++unique}`;
    const own = await house.node(tenant);
    const records = [5, 3, 9, 3, 7].map((at, index) => record([place(`session:${index}`, 1)], { tenant, at, ...(index % 2 === 0 && { payload: { salt: `s${index}`, content: '{"a":1}' } }) }));
    expect(await commitAll(records, own)).toEqual(records.map(() => 'ok'));
    await house.sequence(tenant);
    const ordered = [...records].sort((left, right) => left.entry.at - right.entry.at || (left.entry.id < right.entry.id ? -1 : 1)).map(({ entry, payload }, index) => ({ index: BigInt(index), entry, ...(payload && { payload }) }));
    expect(await own.history(undefined, 100)).toEqual(ordered);
    expect(await own.history(undefined, 2)).toEqual(ordered.slice(0, 2));
    expect(await own.history(1n, 2)).toEqual(ordered.slice(2, 4));
    expect(await own.history(4n, 2)).toEqual([]);
    expect((await store.history(undefined, 100)).some(({ entry }) => entry.tenant === tenant)).toBe(false);
  });

  test('law: an entry of two streams is in both or in neither', async () => {
    const [taken, free] = [freshStream(), freshStream()];
    await store.commit(record([place(taken, 1)]));
    expect(await ended(other.commit(record([place(free, 1), place(taken, 1)])))).toBe('conflict');
    expect(await versions(free)).toEqual([]);
    expect(await ended(other.commit(record([place(free, 1), place(taken, 2)])))).toBe('ok');
    expect([await versions(free), await versions(taken)]).toEqual([[1], [1, 2]]);
  });

  test('law: what waits is settled once, whoever comes second', async () => {
    const stream = freshStream();
    const intent = record([place(stream, 1)], { deadline: 5 });
    await store.commit(intent);
    const outcome = record([place(stream, 2)], { kind: 'outcome', settles: intent.entry.id });
    await store.commit(outcome);
    expect(await ended(other.commit(record([place(stream, 3)], { kind: 'outcome', settles: intent.entry.id })))).toBe('already_settled');
    expect(await other.findSettling(intent.entry.id)).toEqual(outcome.entry);
    expect(await versions(stream)).toEqual([1, 2]);
  });

  test('attack: two outcomes of one intent in one batch: one is recorded, what was built on the other is not', async () => {
    const stream = freshStream();
    const intent = record([place(stream, 1)]);
    const [first, second] = [2, 3].map((version) => record([place(stream, version)], { kind: 'outcome', settles: intent.entry.id }));
    const built = record([place(stream, 4)]);
    if (!first || !second) throw new Error('unreachable');
    expect(await commitAll([intent, first, second, built])).toEqual(['ok', 'ok', 'already_settled', 'conflict']);
    expect(await ids(stream)).toEqual([intent.entry.id, first.entry.id]);
  });

  test('abuse 83: the same entry again, after an unknown outcome of the first try, is a success and no second entry', async () => {
    const stream = freshStream();
    const once = record([place(stream, 1)], { settles: record([]).entry.id, payload: { salt: 's', content: 'c' } });
    const next = record([place(stream, 2)]);
    await store.commit(once);
    expect(await commitAll([once, next], other)).toEqual(['ok', 'ok']);
    expect(await ids(stream)).toEqual([once.entry.id, next.entry.id]);
  });

  test('abuse 83: the same entry from two nodes at once is one entry, and both are told that it is there', async () => {
    const stream = freshStream();
    const once = record([place(stream, 1)]);
    expect(await Promise.all([store, other].map((node) => ended(node.commit(once))))).toEqual(['ok', 'ok']);
    expect(await ids(stream)).toEqual([once.entry.id]);
  });

  test('attack: one place claimed 64 times in one batch: one gets it, bystanders in the batch are not harmed', async () => {
    const [stream, bystander] = [freshStream(), freshStream()];
    const claims = Array.from({ length: 64 }, () => record([place(stream, 1)]));
    const results = await commitAll([...claims, record([place(bystander, 1)])]);
    expect(results.at(-1)).toBe('ok');
    expect(results.slice(0, -1).toSorted()).toEqual([...claims.slice(1).map(() => 'conflict'), 'ok']);
    expect(await ids(stream)).toEqual([claims[results.indexOf('ok')]?.entry.id]);
  });

  test('law: a conflict rejects the entries concerned and what was built on them, and nothing else', async () => {
    const [lost, both, free] = [freshStream(), freshStream(), freshStream()];
    await other.commit(record([place(lost, 1)]));
    const batch = [record([place(free, 1)]), record([place(both, 1)]), record([place(lost, 1)]), record([place(lost, 2), place(both, 2)]), record([place(both, 3), place(free, 2)]), record([place(free, 3)]), record([place(freshStream(), 1)])];
    expect(await commitAll(batch)).toEqual(['ok', 'ok', 'conflict', 'conflict', 'conflict', 'conflict', 'ok']);
    expect([await versions(lost), await versions(both), await versions(free)]).toEqual([[1], [1], [1]]);
  });

  test('law: lost streams are told before anyone who waits can build on them', async () => {
    const [lost, built, free] = [freshStream(), freshStream(), freshStream()];
    await other.commit(record([place(lost, 1)]));
    const mine = await house.node();
    const told: string[] = [];
    mine.onLost((streams) => told.push(...streams));
    const seen = await Promise.all([record([place(free, 1)]), record([place(lost, 1)]), record([place(lost, 2), place(built, 1)])].map((each) => mine.commit(each).then(() => undefined, () => [...told])));
    expect(seen.slice(1).map((streams) => streams?.toSorted())).toEqual([[built, lost].toSorted(), [built, lost].toSorted()]);
    expect(told).not.toContain(free);
  });

  test('law: 64 writers on 32 streams, each contended by two nodes: no gap, nothing lost, nothing twice', async () => {
    const streams = Array.from({ length: 32 }, freshStream);
    const writers = [store, other].flatMap((node) => streams.map((stream) => ({ node, stream })));
    const write = async (node: EntryStore, stream: string): Promise<string> => {
      for (;;) {
        const mine = record([place(stream, (await node.readStream(stream, 0, 100)).length + 1)]);
        const result = await ended(node.commit(mine));
        if (result === 'ok') return mine.entry.id;
        expect(result).toBe('conflict');
      }
    };
    const written = await Promise.all(writers.map(async ({ node, stream }) => [await write(node, stream), await write(node, stream)]));
    for (const stream of streams) expect(await versions(stream)).toEqual([1, 2, 3, 4]);
    expect((await Promise.all(streams.map(ids))).flat().toSorted()).toEqual(written.flat().toSorted());
  });

  test('law: 64 writers of two nodes on ONE stream: versions without a gap, exactly the acknowledged entries', async () => {
    const stream = freshStream();
    const halves = [chain(stream, 32), chain(stream, 32)];
    const results = await Promise.all(halves.map((half, index) => commitAll(half, index === 0 ? store : other)));
    const acknowledged = halves.flatMap((half, at) => half.filter((_, index) => results[at]?.[index] === 'ok').map(({ entry }) => entry.id));
    expect(new Set(results.flat())).toEqual(new Set(['ok', 'conflict']));
    expect((await ids(stream)).toSorted()).toEqual(acknowledged.toSorted());
    expect(await versions(stream)).toEqual(acknowledged.map((_, index) => index + 1));
  });

  test('law: what nobody waits for is written in its order, soon and without being asked; flush waits for it', async () => {
    const [stream, alone] = [freshStream(), freshStream()];
    const lazy = (name: string, version: number) => ({ ...record([place(name, version)]), unhurried: true });
    const mixed = [lazy(stream, 1), lazy(stream, 2), record([place(stream, 3)]), lazy(stream, 4)];
    const results = commitAll(mixed);
    await store.flush();
    expect(await ids(stream)).toEqual(mixed.map(({ entry }) => entry.id));
    expect(await results).toEqual(mixed.map(() => 'ok'));
    expect(await commitAll([lazy(alone, 1)])).toEqual(['ok']);
    expect(await versions(alone)).toEqual([1]);
  });

  test('law: overdue is what waits, between two moments, oldest first, until it is settled', async () => {
    const own = await house.node('overdue');
    const at = (deadline: number | undefined) => record([place(freshStream(), 1)], { tenant: 'overdue', ...(deadline !== undefined && { deadline }) });
    const all = [at(300), at(100), at(200), at(undefined), at(400)];
    await Promise.all(all.map((each) => own.commit(each)));
    const due = async (after: number, before: number, most = 10) => (await own.overdue(after, before, most)).map(({ deadline }) => deadline);
    expect(await due(0, 300)).toEqual([100, 200, 300]);
    expect(await due(100, 299)).toEqual([200]);
    expect(await due(0, 1_000, 2)).toEqual([100, 200]);
    await own.commit(record([place(freshStream(), 1)], { tenant: 'overdue', settles: all[2]?.entry.id ?? '' }));
    expect(await due(0, 1_000)).toEqual([100, 300, 400]);
  });

  test('law: paging through a list with `before` gives everything once, newest first', async () => {
    const own = await house.node('list');
    const stream = freshStream();
    // An id is given when a call comes in, its place when it is recorded: the two orders differ.
    const made = [30, 10, 50, 20, 40].map((at, index) => record([place(stream, index + 1)], { tenant: 'list', at, kind: at === 20 ? 'refusal' : 'intent' }));
    await Promise.all(made.map((each) => own.commit(each)));
    const page = async (most: number, of?: string) => {
      const seen: number[] = [];
      for (let before: string | undefined; ; ) {
        const rows = await own.list({ kinds: ['intent'], most, ...(of !== undefined && { stream: of }), ...(before !== undefined && { before }) });
        seen.push(...rows.map(({ at }) => at));
        before = rows.at(-1)?.id;
        if (before === undefined || seen.length > made.length) return seen;
      }
    };
    expect(await page(10)).toEqual([50, 40, 30, 10]);
    expect(await page(1)).toEqual([50, 40, 30, 10]);
    expect((await page(2, stream)).toSorted()).toEqual([10, 30, 40, 50]);
    expect(await own.list({ kinds: [], most: 10 })).toEqual([]);
  });

  test('story: a payload is kept beside its entry, a meta value is replaced', async () => {
    const payload = { salt: 'c2FsdA==', content: '{"args":{"é":"\\u0000"}}' };
    const kept = record([place(freshStream(), 1)], { payload });
    await store.commit(kept);
    expect(await other.payload(kept.entry.id)).toEqual(payload);
    await store.setMeta('k', '1');
    await store.setMeta('k', '2');
    expect([await other.getMeta('k'), await other.getMeta('none')]).toEqual(['2', undefined]);
  });

  test('law: of nodes that replace the same meta value at the same time, one does', async () => {
    const key = `swapped-${freshStream()}`;
    const race = (before: string | undefined, after: string) => Promise.all([store, other, store, other].map((node, n) => node.swapMeta(key, before, `${after}${n}`)));
    expect((await race(undefined, 'a')).filter(Boolean)).toHaveLength(1);
    const first = await store.getMeta(key);
    expect((await race(first, 'b')).filter(Boolean)).toHaveLength(1);
    expect(await store.swapMeta(key, first, 'late')).toBe(false);
    expect(await store.swapMeta(key, undefined, 'new')).toBe(false);
    expect(await other.getMeta(key)).toMatch(/^b\d$/);
  });

  test('abuse 93: the same ids and streams of another tenant are other entries', async () => {
    const theirs = await house.node('theirs');
    const stream = freshStream();
    const mine = record([place(stream, 1)], { deadline: 7, payload: { salt: 's', content: 'mine' } });
    await store.commit(mine);
    expect([await theirs.find(mine.entry.id), await theirs.payload(mine.entry.id), await theirs.readStream(stream, 0, 9), await theirs.overdue(0, 9, 9)]).toEqual([undefined, undefined, [], []]);
    expect(await ended(theirs.commit(record([place(stream, 1)], { tenant: 'theirs', id: mine.entry.id })))).toBe('ok');
    expect((await store.find(mine.entry.id))?.tenant).toBe('default');
  });

  test('attack: an entry that the database cannot take (a stream too long for its index) does not take its neighbours along', async () => {
    const bystanders = Array.from({ length: 5 }, freshStream);
    const hostile = record([place(`identity:${randomBytes(4_000).toString('base64')}`, 1)]);
    const results = await commitAll([hostile, ...bystanders.map((stream) => record([place(stream, 1)]))]);
    expect(results.slice(1)).toEqual(bystanders.map(() => 'ok'));
    expect(await ended(store.commit(record([place(freshStream(), 1)])))).toBe('ok');
  });

  test('attack: a NUL and half a character in a body are stored as what they are, escaped', async () => {
    const stream = freshStream();
    const odd = record([place(stream, 1)], { body: { note: '\u0000\u202e\ufeff' }, payload: { salt: 's', content: JSON.stringify('\ud800\u0000') } });
    await store.commit(odd);
    expect([(await other.find(odd.entry.id))?.body, (await other.payload(odd.entry.id))?.content]).toEqual([odd.entry.body, odd.payload?.content]);
  });
}));
