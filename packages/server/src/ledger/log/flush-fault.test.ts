import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { place, record } from '../../../../../test/support/entries.js';
import { faultsOf, logOn, origin, sequencerOn, Signed } from '../../../../../test/support/log-kit.js';
import { DurableWriter } from '../../store/durable-writer.js';
import { openEmbedded } from '../../store/open.js';
import { SqlLog } from '../../store/sql-log.js';

const folder = mkdtempSync(join(tmpdir(), 'flyball-flush-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['EIO'])('abuse 71: a flush that fails (%s) while the log is extended: nothing is shown that is not durable, the process has to end, no second flush says that all is well; a new one goes on', async (code) => {
  const data = join(folder, code);
  const store = await openEmbedded(data, 'default');
  let failing = false;
  let flushes = 0;
  const writer = new DurableWriter(store.pool, () => {
    flushes++;
    return failing ? Promise.reject(Object.assign(new Error(`${code}: fdatasync`), { code })) : Promise.resolve();
  });
  const log = new SqlLog(store.pool, 'default', writer, true);
  await log.open(origin);
  const signed = new Signed();
  const file = join(folder, `${code}.checkpoint`);
  const node = logOn({ store: log, entries: store.entries, file, holder: 'node', signed });
  const ids: string[] = [];
  const write = async () => {
    const one = record([place(`session:${ids.length}`, 1)]);
    await store.entries.commit(one);
    ids.push(one.entry.id);
    node.log.wake();
  };
  await write();
  await node.log.look();
  expect([node.log.size, writer.broken.aborted]).toEqual([1n, false]);
  await write();
  failing = true;
  await node.log.look();
  expect([node.log.size, signed.signed.length, writer.broken.aborted, node.troubles.length]).toEqual([1n, 1, true, 1]);
  failing = false;
  const before = flushes;
  await write();
  for (let look = 0; look < 3; look++) await node.log.look();
  expect([node.log.size, signed.signed.length, flushes]).toEqual([1n, 1, before]);
  await store.close();

  const again = await openEmbedded(data, 'default');
  const after = sequencerOn({ store: again.log, file, holder: 'after', signed });
  await after.round();
  expect(after.published.head?.size).toBe(3n);
  expect(await faultsOf(again.log, signed.signed, ids)).toEqual([]);
  await again.close();
}, 60_000);
