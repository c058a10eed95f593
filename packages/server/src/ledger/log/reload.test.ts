import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatCheckpoint, signNote } from '@flyball/tlog';
import { afterAll, expect, test } from 'vitest';
import { place, record } from '../../../../../test/support/entries.js';
import { faultsOf, keyOf, logOn, origin, Signed } from '../../../../../test/support/log-kit.js';
import { MemoryLog, MemoryLogTables } from '../../../../../test/support/log-memory.js';
import { MemoryStore, MemoryTables } from '../../../../../test/support/memory-store.js';

const folder = mkdtempSync(join(tmpdir(), 'flyball-reload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

const shownSize = 300n;

/** A log of 300 entries that a node has shown, and the node as it starts again. */
async function restarted(remembers: boolean, shared = false) {
  const tables = new MemoryLogTables();
  const broken = { extend: false };
  const store = new MemoryLog(tables, (when, what) => (broken.extend && what === 'extend' && when === 'before' ? Promise.reject(new Error('the storage is gone')) : Promise.resolve()), true);
  const signed = new Signed();
  await store.open(origin);
  const ids: string[] = [];
  const write = (n = 1) => {
    for (let left = n; left > 0; left--) {
      const one = record([place('session:a', 1)]);
      tables.commit(one);
      ids.push(one.entry.id);
    }
  };
  write(Number(shownSize));
  const entries = new MemoryStore(new MemoryTables());
  const file = join(folder, `${++count}`, 'log', 'checkpoint');
  const before = logOn({ store, entries, file, holder: 'before', signed });
  await before.log.look();
  expect(before.log.size).toBe(shownSize);
  const after = logOn({ store, entries, file: remembers ? file : join(folder, `${++count}`, 'log', 'checkpoint'), holder: 'after', signed, shared });
  return { ...after, before, tables, store, signed, ids, write, broken };
}

type Tables = MemoryLogTables;
const signedOf = (size: bigint, root: Uint8Array, seed = 1) => signNote(formatCheckpoint({ origin, size, root }), [keyOf(seed)]);
const changed = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, index) => (index === 7 ? byte ^ 1 : byte));
const withHead = (tables: Tables, change: Partial<NonNullable<Tables['head']>>) => void (tables.head && (tables.head = { ...tables.head, ...change }));
const emptyRootOf = (tables: Tables) => tables.head?.root ?? new Uint8Array(32);

const spoilings: readonly (readonly [string, (tables: Tables) => void])[] = [
  ['a tile of the right edge is missing', (tables) => void tables.tiles.delete('0/1')],
  ['a tile of a higher level is missing', (tables) => void tables.tiles.delete('1/0')],
  ['a tile is too short', (tables) => void tables.tiles.set('0/1', (tables.tiles.get('0/1') ?? new Uint8Array()).slice(0, 32))],
  ['a tile of the right edge was altered', (tables) => void tables.tiles.set('0/1', changed(tables.tiles.get('0/1') ?? new Uint8Array()))],
  ['the root was altered', (tables) => withHead(tables, { root: changed(emptyRootOf(tables)) })],
  ['the size is a smaller one', (tables) => withHead(tables, { size: 299n })],
  ['the size is a larger one', (tables) => withHead(tables, { size: 301n })],
  ['the checkpoint was altered', (tables) => withHead(tables, { checkpoint: (tables.head?.checkpoint ?? '').replace('\n300\n', '\n299\n') })],
  ['the checkpoint was cut short', (tables) => withHead(tables, { checkpoint: (tables.head?.checkpoint ?? '').slice(0, 50) })],
  ['the checkpoint is a stranger\'s', (tables) => withHead(tables, { checkpoint: signedOf(300n, emptyRootOf(tables), 9) })],
  ['the checkpoint is of another tree of that size', (tables) => withHead(tables, { checkpoint: signedOf(300n, changed(emptyRootOf(tables))) })],
  ['the checkpoint is of another tree, an older one', (tables) => withHead(tables, { checkpoint: signedOf(200n, changed(emptyRootOf(tables))) })],
  ['the checkpoint is of a tree that is not there yet', (tables) => withHead(tables, { checkpoint: signedOf(400n, emptyRootOf(tables)) })],
];

test.each(spoilings.flatMap(([name, spoil]) => [true, false].map((remembers) => [name, remembers, spoil] as const)))('abuse 72: %s (this node has shown something: %s): nothing is sequenced or signed, trouble is told once, and all is well when the storage is', async (_name, remembers, spoil) => {
  const { log, troubles, tables, store, signed, ids, write } = await restarted(remembers);
  const sound = { head: tables.head, tiles: new Map(tables.tiles) };
  const before = signed.signed.length;
  spoil(tables);
  const spoilt = tables.head;
  write(3);
  for (let look = 0; look < 3; look++) await log.look();
  expect([tables.head?.size, tables.leaves.length, tables.waiting.size]).toEqual([spoilt?.size, 300, 3]);
  expect(signed.signed).toHaveLength(before);
  expect(troubles).toHaveLength(1);
  tables.head = sound.head;
  sound.tiles.forEach((tile, name) => tables.tiles.set(name, tile));
  await log.look();
  expect([log.size, tables.waiting.size, troubles.length]).toEqual([303n, 0, 1]);
  expect(await faultsOf(store, signed.signed, ids)).toEqual([]);
});

/** Where another one has taken over meanwhile, the first look only finds that out. */
async function lookAgain(log: { wake(): void; look(): Promise<void> }): Promise<void> {
  for (let look = 0; look < 2; look++) {
    log.wake();
    await log.look();
  }
}

test('abuse 72: after a failed extension what is known of the tree is thrown away: a storage that has changed meanwhile is noticed before anything is signed', async () => {
  const { log, troubles, tables, signed, write, broken } = await restarted(true);
  await log.look();
  const before = signed.signed.length;
  write();
  log.wake();
  broken.extend = true;
  await log.look();
  broken.extend = false;
  tables.tiles.delete('0/1');
  for (let look = 0; look < 3; look++) await log.look();
  expect([tables.head?.size, signed.signed.length, tables.waiting.size]).toEqual([300n, before, 1]);
  // One for the extension that failed, one for what was found after it; not one for every look.
  expect(troubles).toHaveLength(2);
});

test.each<[string, (tables: Tables) => void]>([
  ['an older state of the log', (tables) => void tables.leaves.splice(256)],
  ['another log of the same name that is shorter', (tables) => void tables.leaves.splice(0)],
])('abuse 74: the storage is %s: this node signs nothing, however much is added to it', async (_name, shorten) => {
  const { log, troubles, tables, signed, ids } = await restarted(true);
  shorten(tables);
  const other = new MemoryLogTables();
  const kept = ids.slice(0, tables.leaves.length);
  const store = new MemoryLog(other, undefined, true);
  await store.open(origin);
  kept.forEach((id) => {
    const text = tables.texts.get(id) ?? '';
    other.commit({ ...record([place('session:a', 1)], { id }), text });
  });
  const older = logOn({ store, entries: new MemoryStore(new MemoryTables()), file: join(folder, `${++count}`, 'log', 'c'), holder: 'older', signed: new Signed() });
  for (let n = 0; n < 20; n++) other.commit(record([place('session:b', 1)]));
  await older.log.look();
  const swap = () => Object.assign(tables, { head: other.head, leaves: other.leaves, tiles: other.tiles, waiting: other.waiting });
  swap();
  other.commit(record([place('session:b', 1)]));
  const before = signed.signed.length;
  for (let look = 0; look < 3; look++) await log.look();
  expect([signed.signed.length, tables.waiting.size, troubles.length]).toEqual([before, 1, 1]);
  expect(troubles[0]).toMatch(/300 were shown before/);
  for (let n = 0; n < 400; n++) other.commit(record([place('session:b', 1)]));
  await lookAgain(older.log);
  other.commit(record([place('session:b', 1)]));
  swap();
  for (let look = 0; look < 3; look++) await log.look();
  expect(signed.signed).toHaveLength(before);
  expect(troubles.at(-1)).toMatch(/first 300 entries are not those/);
});

test('abuse 74: a node that only watches notices a database that was set back, too', async () => {
  const { log, troubles, before, tables, write } = await restarted(true, true);
  const old = { head: tables.head, leaves: [...tables.leaves], tiles: new Map(tables.tiles) };
  write(5);
  await lookAgain(before.log);
  await log.look();
  expect([log.size, troubles.length]).toEqual([305n, 0]);
  Object.assign(tables, old);
  await log.look();
  expect(troubles.join()).toMatch(/300 entries, 305 were shown before/);
});

test('law: what was added by a node that ended before it was signed is signed by the next one that looks, though nothing is new', async () => {
  const { log, troubles, before, tables, store, signed, ids, write } = await restarted(true, true);
  await log.look();
  write(5);
  const keep = store.keepCheckpoint.bind(store);
  store.keepCheckpoint = () => Promise.reject(new Error('ended'));
  await lookAgain(before.log);
  store.keepCheckpoint = keep;
  expect([tables.head?.size, tables.head?.checkpoint.split('\n')[1]]).toEqual([305n, '300']);
  await log.look();
  await log.look();
  expect([log.size, tables.head?.checkpoint.split('\n')[1], troubles.length]).toEqual([305n, '305', 0]);
  expect(await faultsOf(store, signed.signed, ids)).toEqual([]);
});
