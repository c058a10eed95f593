import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { faultsOf, logOn, origin, Signed } from '../../../../../test/support/log-kit.js';
import { MemoryLog, MemoryLogTables } from '../../../../../test/support/log-memory.js';
import { MemoryStore, MemoryTables } from '../../../../../test/support/memory-store.js';
import { StoreClock } from '../../lib/clock.js';
import { Ledger } from '../ledger.js';
import { Projections } from '../projections.js';
import type { EntryRecord } from '../store.js';

const folder = mkdtempSync(join(tmpdir(), 'flyball-clock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hourMs = 3_600_000;

/** Entries go to the log as they are written. */
class LoggedStore extends MemoryStore {
  constructor(private readonly waiting: MemoryLogTables) {
    super(new MemoryTables());
  }

  override async commit(record: EntryRecord): Promise<void> {
    await super.commit(record);
    this.waiting.commit(record);
  }
}

test.each([['an hour back', [-hourMs]], ['a year ahead', [365 * 24 * hourMs]], ['ahead, back and ahead', [hourMs, -5 * hourMs, 2 * hourMs]]])('abuse 81: the store\'s clock is set %s between entries: along a stream time never goes back, and the log goes on in one order', async (name, jumps) => {
  const tables = new MemoryLogTables();
  const store = new MemoryLog(tables);
  await store.open(origin);
  const entries = new LoggedStore(tables);
  const clock = new StoreClock();
  const ledger = new Ledger('default', entries, new Projections(entries, { session: (_state, entry) => entry.id }), clock);
  const signed = new Signed();
  const { log, troubles } = logOn({ store, entries, file: join(folder, name, 'checkpoint'), holder: 'node', signed });
  const ids: string[] = [];
  const write = async () => {
    for (const stream of ['session:a', 'session:b']) ids.push((await ledger.append({ kind: 'intent', streams: [{ stream }], body: {} }))?.id ?? '');
    // What has lost its memory reads the times from the store.
    if (ids.length % 3 === 0) ledger.projections.forget('session:a');
    log.wake();
    await log.look();
  };
  for (let n = 0; n < 3; n++) await write();
  for (const jump of jumps) {
    clock.set(clock.now() + jump);
    for (let n = 0; n < 3; n++) await write();
  }
  for (const stream of ['session:a', 'session:b']) {
    const times = (await entries.readStream(stream, 0, 100)).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times).toHaveLength(ids.length / 2);
  }
  expect(troubles).toEqual([]);
  expect(log.size).toBe(BigInt(ids.length));
  expect(await faultsOf(store, signed.signed, ids)).toEqual([]);
});
