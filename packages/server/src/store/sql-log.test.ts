import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { edgeOf, emptyEdge, emptyRoot, tilesOf, treeRoot } from '@flyball/tlog';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ended, place, record } from '../../../../test/support/entries.js';
import { extension, leafOf, origin, treeHash } from '../../../../test/support/log-kit.js';
import { MemoryLog, MemoryLogTables } from '../../../../test/support/log-memory.js';
import { startPostgres } from '../../../../test/support/postgres.js';
import type { LogHead, LogStore } from '../ledger/log/log-store.js';
import type { EntryRecord } from '../ledger/store.js';
import { DurableWriter } from './durable-writer.js';
import { openEmbedded, openPostgres } from './open.js';
import { SqlLog } from './sql-log.js';
import { SqlStore } from './sql-store.js';
import { batchWriter } from './write-batch.js';

interface Node {
  readonly log: LogStore;
  commit(record: EntryRecord): Promise<void>;
}

/** A database on which any number of nodes open any tenant's log. */
interface House {
  node(tenant: string, alone?: boolean): Node;
  close(): Promise<void>;
}

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

function memory(): Promise<House> {
  const tables = new Map<string, MemoryLogTables>();
  const node = (tenant: string, alone?: boolean): Node => {
    const own = tables.get(tenant) ?? new MemoryLogTables();
    tables.set(tenant, own);
    return { log: new MemoryLog(own, undefined, alone), commit: (one) => Promise.resolve(own.commit(one)) };
  };
  return Promise.resolve({ node, close: () => Promise.resolve() });
}

async function sql(open: () => Promise<Awaited<ReturnType<typeof openPostgres>>>): Promise<House> {
  const { pool, close } = await open();
  const node = (tenant: string, alone = false): Node => {
    const writer = new DurableWriter(pool);
    const entries = new SqlStore(pool, tenant, batchWriter(pool, writer));
    return { log: new SqlLog(pool, tenant, writer, alone), commit: (one) => entries.commit(one) };
  };
  return { node, close };
}

const folder = mkdtempSync(join(tmpdir(), 'flyball-log-contract-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stores = [
  ['memory', memory, false],
  ['embedded', () => sql(() => openEmbedded(folder, 'default')), false],
  ['PostgreSQL', () => sql(async () => openPostgres((await postgres?.database()) ?? '', 'default')), postgres === undefined],
] as const;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
let now = 1_700_000_000_000;

describe.each(stores)('log store contract: %s', (_name, open, absent) => void describe.skipIf(absent)('this store', () => {
  let house: House;
  let tenant: string;
  let one: Node;
  let other: LogStore;
  beforeAll(async () => void (house = await open()), 60_000);
  afterAll(() => house?.close());
  beforeEach(() => {
    tenant = `t-${randomUUID().slice(0, 8)}`;
    one = house.node(tenant);
    other = house.node(tenant).log;
  });

  const entry = (at = ++now, of = tenant) => record([place(`session:${randomUUID()}`, 1)], { tenant: of, at });
  const write = async (count: number) => {
    const written = Array.from({ length: count }, () => entry());
    await Promise.all(written.map((each) => one.commit(each)));
    return written;
  };
  const acquired = async (holder: string, log = one.log, leaseMs = 60_000): Promise<LogHead> => {
    const head = await log.acquire(holder, leaseMs);
    if (!head) throw new Error('somebody else has the lease');
    return head;
  };
  /** Everything that waits, as `from` would have it extended. */
  const next = async (from: LogHead) => extension(from, await edgeOf(one.log, from.size), await one.log.unsequenced(10_000)).extension;
  /** All that can be seen of the log. */
  const seen = async () => {
    const head = await other.head();
    const tiles = await Promise.all([...tilesOf(head?.size ?? 0n)].map(async (tile) => Buffer.from(await other.readTile(tile)).toString('hex')));
    // Hashes that are there already, beyond those that the log has.
    const beyond = await Promise.all([0n, 1n].flatMap((index) => [1, 4, 6, 9].map((width) => ended(other.readTile({ level: 0, index, width })))));
    return { head, tiles, beyond, texts: await other.texts(0n, 2_000), waiting: (await other.unsequenced(10_000)).map(({ entry: id }) => id) };
  };

  test('law: a log is made once, with the first origin, empty and without a checkpoint', async () => {
    expect(await one.log.head()).toBeUndefined();
    expect(await one.log.acquire('a', 1_000)).toBeUndefined();
    const first = await one.log.open(origin);
    expect({ ...first, root: Buffer.from(first.root) }).toEqual({ origin, epoch: 0n, size: 0n, root: Buffer.from(emptyRoot), checkpoint: '' });
    expect(await other.open('another.example')).toEqual(first);
    const racing = house.node(`${tenant}-race`).log;
    const heads = await Promise.all(['a', 'b', 'c', 'd'].map((name) => racing.open(name)));
    expect(new Set(heads.map((head) => head.origin)).size).toBe(1);
  });

  test('law: one holder at a time; the epoch grows when the holder changes, and only then', async () => {
    await one.log.open(origin);
    expect((await acquired('a')).epoch).toBe(1n);
    expect((await acquired('a')).epoch).toBe(1n);
    expect(await other.acquire('b', 60_000)).toBeUndefined();
    await other.release('b');
    expect(await other.acquire('b', 60_000)).toBeUndefined();
    await one.log.release('a');
    expect((await acquired('b', other)).epoch).toBe(2n);
    expect(await one.log.acquire('a', 60_000)).toBeUndefined();
  });

  test('law: of eight that ask at once one gets the lease', async () => {
    await one.log.open(origin);
    const heads = await Promise.all(Array.from({ length: 8 }, (_, index) => house.node(tenant).log.acquire(`holder-${index}`, 60_000)));
    expect(heads.filter((head) => head !== undefined)).toHaveLength(1);
  });

  test('law: a lease ends by itself, and whoever alone has the store waits for nobody', async () => {
    await one.log.open(origin);
    await acquired('a', one.log, 1_500);
    expect(await other.acquire('b', 60_000)).toBeUndefined();
    await pause(1_600);
    expect((await acquired('b', other)).epoch).toBe(2n);
    expect((await acquired('c', house.node(tenant, true).log)).epoch).toBe(3n);
  });

  test('law: what waits comes oldest first, by id within a millisecond, and only so many', async () => {
    await one.log.open(origin);
    const written = [entry(5), entry(3), entry(3), entry(9), entry(1)];
    for (const each of written) await one.commit(each);
    const sorted = written.map((each) => each.entry).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    expect((await other.unsequenced(10)).map(({ at, entry: id }) => [at, id])).toEqual(sorted.map(({ at, id }) => [at, id]));
    expect((await other.unsequenced(2)).map(({ entry: id }) => id)).toEqual(sorted.slice(0, 2).map(({ id }) => id));
    expect((await other.unsequenced(1)).map(({ leaf }) => Buffer.from(leaf))).toEqual([leafOf(written[4]?.text ?? '')]);
  });

  test('law: what is extended is read back by every node: head, tiles, texts and indexes; nothing of it waits any more', async () => {
    await one.log.open(origin);
    let head = await acquired('a');
    let edge = emptyEdge;
    const all: EntryRecord[] = [];
    for (const count of [1, 254, 1, 1, 300, 20]) {
      all.push(...(await write(count)));
      const step = extension(head, edge, await one.log.unsequenced(10_000));
      expect(await one.log.extend(step.extension)).toBe(true);
      head = { ...head, ...step.extension.to };
      edge = step.edge;
      expect(await other.head()).toEqual(head);
    }
    const leaves = all.map(({ text }) => leafOf(text));
    expect(Buffer.from(head.root)).toEqual(treeHash(leaves));
    for (const size of [1, 255, 256, 257, all.length]) expect(Buffer.from(await treeRoot(other, BigInt(size)))).toEqual(treeHash(leaves.slice(0, size)));
    expect(await other.texts(0n, 10_000)).toEqual(all.map(({ text }) => text));
    expect(await other.texts(255n, 3)).toEqual(all.slice(255, 258).map(({ text }) => text));
    expect(await Promise.all([0, 256, 576].map((index) => other.indexOf(all[index]?.entry.id ?? '')))).toEqual([0n, 256n, 576n]);
    expect(await other.indexOf(entry().entry.id)).toBeUndefined();
    expect(await other.unsequenced(10)).toEqual([]);
  });

  test('law: only what was handed over is taken off the queue', async () => {
    await one.log.open(origin);
    const head = await acquired('a');
    await write(3);
    const step = await next(head);
    const late = entry(1);
    await one.commit(late);
    expect(await one.log.extend(step)).toBe(true);
    expect((await other.unsequenced(10)).map(({ entry: id }) => id)).toEqual([late.entry.id]);
  });

  test.each<[string, (head: LogHead) => LogHead]>([
    ['an older epoch', (head) => ({ ...head, epoch: head.epoch - 1n })],
    ['an epoch of the future', (head) => ({ ...head, epoch: head.epoch + 1n })],
    ['an older size', (head) => ({ ...head, size: head.size - 1n })],
    ['a size of the future', (head) => ({ ...head, size: head.size + 1n })],
  ])('abuse 70: who extends from %s writes nothing, not even tiles', async (_case, stale) => {
    await one.log.open(origin);
    await write(5);
    const head = await acquired('a');
    const first = await next(head);
    expect(await one.log.extend(first)).toBe(true);
    await write(3);
    const step = await next({ ...head, ...first.to });
    const before = await seen();
    expect(await one.log.extend({ ...step, from: stale(step.from) })).toBe(false);
    expect(await seen()).toEqual(before);
    expect(await one.log.extend(step)).toBe(true);
  });

  test('abuse 70: who lost the lease writes nothing, also when the successor has written nothing yet', async () => {
    await one.log.open(origin);
    await write(5);
    const mine = await next(await acquired('a', one.log, 0));
    await pause(20);
    const theirs = await next(await acquired('b', other));
    const before = await seen();
    expect(await one.log.extend(mine)).toBe(false);
    expect(await seen()).toEqual(before);
    expect(await other.extend(theirs)).toBe(true);
  });

  test('abuse 70: the same extension from eight at once is written once', async () => {
    await one.log.open(origin);
    await write(40);
    const step = await next(await acquired('a'));
    const won = await Promise.all(Array.from({ length: 8 }, () => house.node(tenant).log.extend(step)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await other.head())?.size).toBe(40n);
    expect(await other.texts(0n, 100)).toHaveLength(40);
  });

  test('attack: an entry that has an index already gets no second one, and nothing beside it is written', async () => {
    await one.log.open(origin);
    await write(3);
    const head = await acquired('a');
    const first = await next(head);
    await one.log.extend(first);
    await write(1);
    const before = await seen();
    const twice = extension({ ...head, ...first.to }, await edgeOf(one.log, 3n), [...first.entries.slice(1), ...(await one.log.unsequenced(9))]).extension;
    expect(await ended(one.log.extend(twice))).not.toBe('ok');
    expect(await seen()).toEqual(before);
  });

  test('law: a checkpoint is kept for the size that the log has, and for no other', async () => {
    await one.log.open(origin);
    await one.log.keepCheckpoint(0n, 'of nothing');
    await write(3);
    await one.log.extend(await next(await acquired('a')));
    expect((await other.head())?.checkpoint).toBe('of nothing');
    await other.keepCheckpoint(3n, 'of three');
    for (const size of [0n, 2n, 4n]) await one.log.keepCheckpoint(size, 'of another size');
    expect((await other.head())?.checkpoint).toBe('of three');
  });

  test('law: a tile that is not there, or not so wide, is refused', async () => {
    await one.log.open(origin);
    await write(3);
    await one.log.extend(await next(await acquired('a')));
    expect(await other.readTile({ level: 0, index: 0n, width: 2 })).toHaveLength(64);
    for (const tile of [{ level: 0, index: 0n, width: 4 }, { level: 0, index: 1n, width: 1 }, { level: 1, index: 0n, width: 1 }]) expect(await ended(other.readTile(tile))).not.toBe('ok');
  });

  test('law: of each witness the newest cosignature is kept, by name', async () => {
    await one.log.open(origin);
    const of = (witness: string, size: bigint) => ({ witness, size, checkpoint: `checkpoint ${size}`, lines: `— ${witness}\n` });
    for (const each of [of('b', 1n), of('a', 1n), of('b', 9_007_199_254_740_993n)]) await one.log.keepCosignature(each);
    expect(await other.cosignatures()).toEqual([of('a', 1n), of('b', 9_007_199_254_740_993n)]);
  });

  test('abuse 93: another tenant\'s log is another log', async () => {
    await one.log.open(origin);
    await write(3);
    await one.log.extend(await next(await acquired('a')));
    await one.log.keepCosignature({ witness: 'w', size: 3n, checkpoint: 'c', lines: 'l' });
    const theirs = house.node(`${tenant}-theirs`);
    expect([await theirs.log.head(), await theirs.log.texts(0n, 9), await theirs.log.unsequenced(9), await theirs.log.cosignatures()]).toEqual([undefined, [], [], []]);
    const [mine] = await one.log.texts(0n, 1);
    expect(await theirs.log.indexOf((JSON.parse(mine ?? '{}') as { id: string }).id)).toBeUndefined();
    expect(await ended(theirs.log.readTile({ level: 0, index: 0n, width: 1 }))).not.toBe('ok');
    await theirs.log.open('theirs.example');
    expect((await acquired('b', theirs.log)).origin).toBe('theirs.example');
    await theirs.commit(entry(++now, `${tenant}-theirs`));
    expect((await theirs.log.unsequenced(9)).length).toBe(1);
    expect((await one.log.head())?.size).toBe(3n);
    await theirs.log.release('a');
    expect(await other.acquire('c', 1)).toBeUndefined();
  });
}));
