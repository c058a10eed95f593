import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { ended, place, record } from '../../../../../test/support/entries.js';
import { FaultyFiles, type FileFault } from '../../../../../test/support/log-faulty-files.js';
import { faultsOf, keyOf, logOn, origin, sequencerOn, Signed } from '../../../../../test/support/log-kit.js';
import { MemoryLog, MemoryLogTables } from '../../../../../test/support/log-memory.js';
import { MemoryStore, MemoryTables } from '../../../../../test/support/memory-store.js';
import { FolderFiles } from '../../store/folder-files.js';

const folder = mkdtempSync(join(tmpdir(), 'flyball-file-faults-'));
const files = new FaultyFiles(folder);
afterEach(() => files.heal());
afterAll(() => {
  files.restore();
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
const faults: readonly FileFault[] = ['EIO', 'ENOSPC', 'cut', 'short'];

/** A node with a log of three entries that it has shown. */
async function running() {
  const tables = new MemoryLogTables();
  const store = new MemoryLog(tables);
  const signed = new Signed();
  await store.open(origin);
  const file = join(folder, String(++count), 'log', 'default.checkpoint');
  const ids: string[] = [];
  const write = () => {
    const one = record([place('session:a', 1)]);
    tables.commit(one);
    ids.push(one.entry.id);
  };
  for (let n = 0; n < 3; n++) write();
  const node = logOn({ store, entries: new MemoryStore(new MemoryTables()), file, holder: 'node', signed });
  await node.log.look();
  expect(node.log.size).toBe(3n);
  return { ...node, store, signed, file, ids, write, remembered: () => sequencerOn({ store, file, holder: 'reader', signed }).published.head?.size };
}

/** What showing a checkpoint does to files. */
async function operations(): Promise<readonly string[]> {
  const { log, write } = await running();
  write();
  log.wake();
  files.heal();
  await log.look();
  return [...files.done];
}

test('law: a checkpoint is in a file of its own, made durable, before it has its name, and the name is durable before it is shown', async () => {
  expect(await operations()).toEqual(['mkdirSync', 'writeFileSync', 'openSync', 'fsyncSync', 'closeSync', 'renameSync', 'openSync', 'fsyncSync', 'closeSync']);
});

const cases = (await operations()).flatMap((name, index) => faults.filter((fault) => fault !== 'short' && (fault !== 'cut' || name === 'writeFileSync')).map((fault) => [fault, name, index] as const));

test.each(cases)('abuse 71: %s at %s (%i) while a checkpoint is remembered: it is not shown, trouble is told once, the file is whole, and the next look shows it without anything new', async (fault, _name, index) => {
  const { log, troubles, write, remembered, store, ids, signed } = await running();
  write();
  log.wake();
  files.failAt(index, fault);
  await log.look();
  expect(log.size).toBe(3n);
  expect(troubles).toHaveLength(1);
  files.heal();
  expect([3n, 4n]).toContain(remembered());
  await log.look();
  expect(log.size).toBe(4n);
  expect(remembered()).toBe(4n);
  write();
  log.wake();
  await log.look();
  expect([log.size, remembered(), troubles.length]).toEqual([5n, 5n, 1]);
  expect(await faultsOf(store, signed.signed, ids)).toEqual([]);
});

test('abuse 71: as long as the disk refuses, nothing new is shown and trouble is told once; the log in the store goes on', async () => {
  const { log, troubles, write, store, ids, signed } = await running();
  for (let n = 0; n < 5; n++) {
    write();
    log.wake();
    files.failAt(1, 'ENOSPC');
    await log.look();
  }
  expect([log.size, troubles.length]).toEqual([3n, 1]);
  files.heal();
  await log.look();
  expect(log.size).toBe(8n);
  expect(await faultsOf(store, signed.signed, ids)).toEqual([]);
});

test.each(['EIO', 'ENOSPC'] as const)('abuse 71: a remembered checkpoint that cannot be read (%s) is no checkpoint that was never shown: the node does not start', async (fault) => {
  const { file, store, signed } = await running();
  files.failAt(0, fault);
  expect(() => sequencerOn({ store, file, holder: 'again', signed })).toThrow(fault);
});

test.each<[string, (text: string) => string]>([
  ['empty', () => ''],
  ['cut short', (text) => text.slice(0, 40)],
  ['of another log', (text) => text.replace(origin, 'other.example')],
  ['of another size', (text) => text.replace('\n3\n', '\n2\n')],
])('attack: a remembered checkpoint that is %s is refused', async (_case, spoil) => {
  const { file, store, signed } = await running();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(file, spoil(readFileSync(file, 'utf8')));
  expect(() => sequencerOn({ store, file, holder: 'again', signed })).toThrow();
});

test('abuse 71: a key that cannot sign: nothing is shown, and the tree that was decided on is signed later, the same one', async () => {
  const { store, file, signed, ids, write } = await running();
  const broken = { ...keyOf(1), sign: () => { throw new Error('the key is not there'); } };
  const unable = sequencerOn({ store, file, holder: 'unable', signed, signer: broken, now: () => 0 });
  await store.release('node');
  write();
  await expect(unable.round()).rejects.toThrow('the key is not there');
  expect(unable.published.head?.size).toBe(3n);
  await store.release('unable');
  const able = sequencerOn({ store, file, holder: 'able', signed });
  await able.round();
  expect(able.published.head?.size).toBe(4n);
  expect(await faultsOf(store, signed.signed, ids)).toEqual([]);
});

const exported = new Uint8Array(8_192).map((_, index) => index % 251);

test('abuse 71: whatever goes wrong while a file of an export is written, it has its name whole or not at all, and a second try writes it', async () => {
  const trial = new FolderFiles(join(folder, 'trial'));
  files.heal();
  await trial.put('tile/0/000', exported);
  const all = [...files.done];
  for (const fault of faults) for (const [index, name] of all.entries()) {
    const place = join(folder, `export-${++count}`);
    const target = new FolderFiles(place);
    files.failAt(index, fault);
    const result = await ended((async () => target.put('tile/0/000', exported))());
    files.heal();
    if (fault === 'short') expect(result).toBe('ok');
    const whole = (await target.has('tile/0/000')) && Buffer.from(readFileSync(join(place, 'tile/0/000'))).equals(exported);
    expect([fault, name, whole || !(await target.has('tile/0/000'))]).toEqual([fault, name, true]);
    if (result === 'ok') expect(whole).toBe(true);
    await target.put('tile/0/000', exported);
    expect(readdirSync(join(place, 'tile/0'))).toEqual(['000']);
  }
  expect(all).toContain('fsyncSync');
});
