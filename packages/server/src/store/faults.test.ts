import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { ended, place, record } from '../../../../test/support/entries.js';
import { limits } from '../lib/limits.js';
import { lockDirectory } from './directory-lock.js';
import { type BatchFailure, CommitLane, type WriteBatch } from './lane.js';
import { DurableWriter } from './durable-writer.js';
import { openEmbedded } from './open.js';
import { SqlStore } from './sql-store.js';
import { batchWriter } from './write-batch.js';

const folders: string[] = [];
const newFolder = () => folders[folders.push(mkdtempSync(join(tmpdir(), 'flyball-faults-'))) - 1] ?? '';
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const one = (stream = 'session:a', version = 1) => record([place(stream, version)]);

test('abuse 71: after a failed flush nothing more is acknowledged: a second flush would not tell that the first one lost pages', async () => {
  const opened = await openEmbedded(newFolder(), 'default');
  let failures = 1;
  const flush = () => (failures-- > 0 ? Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })) : Promise.resolve());
  const store = new SqlStore(opened.pool, 'default', batchWriter(opened.pool, new DurableWriter(opened.pool, flush)));
  expect(await ended(store.commit(one()))).toBe('store_unavailable');
  expect(await ended(store.commit(one('session:b')))).toBe('store_unavailable');
  await opened.close();
});

test.each([
  ['a serialisation failure', { kind: 'again', cause: { code: '40001' } }],
  ['a place that was taken by an entry of the batch that was meanwhile written', { kind: 'rejected', entries: new Map(), written: new Set() }],
] satisfies [string, BatchFailure][])('abuse 85: %s is tried again, and given up after a bounded number of times', async (_name, failure) => {
  let calls = 0;
  const until = (times: number): WriteBatch => () => Promise.resolve(++calls < times ? failure : undefined);
  expect(await ended(new CommitLane(until(3)).commit(one()))).toBe('ok');
  calls = 0;
  expect(await ended(new CommitLane(until(Infinity)).commit(one()))).toBe('store_unavailable');
  expect(calls).toBe(limits.commitRetriesMax + 1);
});

test('law: what cannot be written rejects everything that waits, and the next entry finds an empty queue', async () => {
  let down = true;
  const lane = new CommitLane(() => (down ? Promise.reject(new Error('gone')) : Promise.resolve(undefined)));
  const told: string[] = [];
  lane.onLost((streams) => told.push(...streams));
  const results = await Promise.all(Array.from({ length: 600 }, (_, index) => ended(lane.commit(one(`session:${index}`)))));
  expect(new Set(results)).toEqual(new Set(['store_unavailable']));
  expect(new Set(told).size).toBe(600);
  down = false;
  expect(await ended(lane.commit(one()))).toBe('ok');
});

test('law: a batch is bounded in entries and in bytes, and one entry beyond the bytes goes alone', async () => {
  const sizes: { entries: number; bytes: number }[] = [];
  const lane = new CommitLane((records) => {
    sizes.push({ entries: records.length, bytes: records.reduce((sum, { text }) => sum + text.length, 0) });
    return new Promise((resolve) => setImmediate(() => resolve(undefined)));
  });
  const big = record([place('session:big', 1)], { body: 'x'.repeat(5 * 1024 * 1024) });
  await Promise.all([...Array.from({ length: 1_000 }, (_, index) => one(`session:${index}`)), big, one('session:last')].map((each) => lane.commit(each)));
  expect(sizes.reduce((sum, { entries }) => sum + entries, 0)).toBe(1_002);
  expect(Math.max(...sizes.map(({ entries }) => entries))).toBeLessThanOrEqual(limits.commitBatchMax);
  expect(sizes.filter(({ bytes }) => bytes > 4 * 1024 * 1024).map(({ entries }) => entries)).toEqual([1]);
});

test('attack: a flood is refused with `overloaded` at the bound, and what was queued before it is still written', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const lane = new CommitLane(async () => void (await gate));
  const queued = Array.from({ length: limits.commitQueueMax + 300 }, (_, index) => ended(lane.commit(one(`session:${index}`))));
  open();
  const results = await Promise.all(queued);
  expect(results.filter((result) => result === 'overloaded').length).toBeGreaterThan(0);
  expect(results.slice(0, limits.commitQueueMax).every((result) => result === 'ok')).toBe(true);
  expect(await ended(lane.commit(one()))).toBe('ok');
});

const lockScript = (directory: string) => `
  import { lockDirectory } from ${JSON.stringify(join(import.meta.dirname, '../../dist/store/directory-lock.js'))};
  lockDirectory(${JSON.stringify(directory)}).then(() => console.log('locked'), (error) => console.log(error.code));
`;
const lockElsewhere = async (directory: string, wrap: readonly string[] = []) => {
  const [file = '', ...args] = [...wrap, process.execPath, '--input-type=module', '-e', lockScript(directory)];
  return (await promisify(execFile)(file, args)).stdout.trim();
};

test('abuse 70: a data directory is one process\'s: through a link, from another process, until it is let go', async () => {
  const folder = newFolder();
  const link = join(newFolder(), 'link');
  symlinkSync(folder, link);
  const unlock = await lockDirectory(folder);
  expect(await ended(lockDirectory(link))).toBe('store_locked');
  expect(await lockElsewhere(folder)).toBe('store_locked');
  await unlock();
  expect(await lockElsewhere(folder)).toBe('locked');
  await (await lockDirectory(link))();
});

const canUnshare = process.platform === 'linux' && (await promisify(execFile)('unshare', ['-n', 'true']).then(() => true, () => false));

test.skipIf(!canUnshare)('attack: a process in another network namespace (a second container on the same volume) does not get the data directory', async () => {
  const folder = newFolder();
  const unlock = await lockDirectory(folder);
  expect(await lockElsewhere(folder, ['unshare', '-n'])).toBe('store_locked');
  await unlock();
});

test('attack: a lock file that a crash or a stranger left behind does not keep anyone out', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'lock.sock'), 'not a socket');
  await (await lockDirectory(folder))();
});
