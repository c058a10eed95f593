import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { afterAll, expect, test } from 'vitest';
import { place, record } from '../../../../../test/support/entries.js';
import { faultsOf, keyOf, origin, sequencerOn, Signed } from '../../../../../test/support/log-kit.js';
import { MemoryLog, MemoryLogTables } from '../../../../../test/support/log-memory.js';

const folder = mkdtempSync(join(tmpdir(), 'flyball-keyless-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('attack: a node whose only key was retired leaves the log to the others at once, however often it looks', async () => {
  const nowMs = 1_700_000_000_000;
  const tables = new MemoryLogTables(() => nowMs);
  await new MemoryLog(tables).open(origin);
  const signed = new Signed();
  let keys = [keyOf(1)];
  const signers = () => {
    if (keys.length === 0) throw new FlyballError('config_invalid', 'expected a key that signs for this log');
    return keys;
  };
  const node = (name: string, own?: typeof signers) => sequencerOn({ store: new MemoryLog(tables), file: join(folder, name), holder: name, signed, now: () => nowMs, ...(own && { signers: own }) });
  const [retired, other] = [node('retired', signers), node('other')];
  const write = () => {
    const one = record([place('session:a', 1)], { at: nowMs });
    tables.commit(one);
    return one.entry.id;
  };
  const ids = [write()];
  expect([await retired.round(), await other.round()]).toEqual([1, 0]);
  keys = [];
  ids.push(write());
  for (let look = 0; look < 3; look++) await expect(retired.round()).rejects.toThrow('expected a key');
  expect(await other.round()).toBe(1);
  ids.push(write());
  await expect(retired.round()).rejects.toThrow('expected a key');
  expect(await other.round()).toBe(1);
  expect(await faultsOf(new MemoryLog(tables), signed.shown, ids)).toEqual([]);
});
