import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge } from '../test-kit/judge.js';
import { logKey, witnessKey } from '../test-kit/keys.js';
import { type LogFiles, publish } from '../test-kit/log-files.js';
import { story } from '../test-kit/story.js';
import type { LogToVerify } from './index.js';

const attack = (name: string, run: () => Promise<void>) => test(`attack: ${name}`, run, 120_000);

const witness = witnessKey('one');
/** A few entries: each of their bytes costs a verification. */
const small = publish(story(1).writer.entries.slice(0, 4), { signers: [logKey('first'), witness] });
const trust = { keys: [logKey('first').vkey], witnesses: [witness.vkey] };

/** Flips one bit of one byte; expects the file to be named, and its entry where it holds one. */
async function expectNamed(files: LogFiles, path: string, at: number, bit: number, more: Partial<LogToVerify>): Promise<void> {
  const bytes = new Uint8Array(files.get(path) ?? []);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  const { integrity } = await judge(new Map(files).set(path, bytes), more);
  const where = `${path} byte ${at} bit ${bit}`;
  expect([where, integrity.holds]).toEqual([where, false]);
  expect([where, [...new Set(integrity.findings.map(({ place }) => place.file))]]).toEqual([where, [path]]);
  const [entry, lengthByte] = path.includes('entries') ? entryAt(files.get(path) ?? new Uint8Array(), at) : [undefined, true];
  if (!lengthByte) expect(integrity.findings.map(({ place }) => (place.index ?? 0) % 256)).toContain(entry);
}

/** Which entry of a bundle a byte belongs to, and whether it is one of its length. */
function entryAt(bundle: Uint8Array, byte: number): readonly [entry: number, isLength: boolean] {
  let entry = 0;
  for (let at = 0; ; entry++) {
    const end = at + 2 + (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0);
    if (byte < end) return [entry, byte < at + 2];
    at = end;
  }
}

for (const path of small.keys()) {
  attack(`abuse 67: each byte of ${path} of a small log, flipped, is found and named`, async () => {
    const { length } = small.get(path) ?? [];
    for (let at = 0; at < (length ?? 0); at++) await expectNamed(small, path, at, at % 8, { trust });
  });
}

attack('abuse 67: any byte of any file of a log with full and partial tiles of two levels, flipped, is found and named', async () => {
  const files = publish(story(60).writer.entries);
  const paths = [...files.keys()];
  expect(paths).toContain('tile/1/000.p/2');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), fc.integer({ min: 0, max: 7 }), async (path, seed, bit) => {
      await expectNamed(files, path, seed % (files.get(path)?.length ?? 1), bit, {});
    }),
    { numRuns: 120 },
  );
});

attack('abuse 67: a file that is longer or shorter by a byte is found and named', async () => {
  for (const [path, bytes] of small) {
    for (const other of [bytes.slice(0, -1), Uint8Array.from([...bytes, 0x0a])]) {
      const { integrity } = await judge(new Map(small).set(path, other), { trust });
      expect([path, integrity.holds, integrity.findings[0]?.place.file]).toEqual([path, false, path]);
    }
  }
});

attack('abuse 67: a file that is not there is named, whichever it is', async () => {
  const large = publish(story(60).writer.entries, { signers: [logKey('first'), witness] });
  for (const [path, whole] of [...[...small.keys()].map((name) => [name, small] as const), ...[...large.keys()].map((name) => [name, large] as const)]) {
    const files = new Map(whole);
    files.delete(path);
    const { integrity } = await judge(files, { trust });
    expect([path, integrity.holds, integrity.findings[0]]).toMatchObject([path, false, { code: 'unavailable', place: { file: path } }]);
  }
});
