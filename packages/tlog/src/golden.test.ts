import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { authenticated } from './authenticated.js';
import { openBundle } from './bundle.js';
import { openCheckpoint } from './checkpoint.js';
import { openCosigned, parseCosignerKey } from './cosignature.js';
import { leafHash } from './hash.js';
import { parseVerifierKey } from './key.js';
import { parsePolicy } from './parse-policy.js';
import { formatProof } from './proof-file.js';
import { consistencyProof, inclusionProof } from './prove.js';
import { logKey, origin, SmallLog, witnessKey } from './small-log.kit.js';
import { bundlePath, parsePath, type Tile, tilePath, tilesOf } from './tile.js';
import { TlogError } from './tlog-error.js';
import { verifyProof } from './verify-proof.js';
import { verifyConsistency } from './verify-tree.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../golden');
const sizes = [1, 7, 256, 300];
const proved = 137;
const [key, witness] = [logKey(), witnessKey()];

/** The golden files are written by this when FLYBALL_GOLDEN is `write`; their names are what a server calls them. */
async function goldenFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const log = new SmallLog();
  const files = new Map<string, Uint8Array>([['policy', Buffer.from(`log ${key.vkey}\nwitness one ${witness.vkey}\nquorum one\n`)]]);
  for (const size of sizes) files.set(`checkpoints/${size}`, Buffer.from(log.grow(size).checkpoint([key, witness])));
  const paths = [...tilesOf(300n)].flatMap((tile) => [tilePath(tile), ...(tile.level === 0 ? [bundlePath(tile)] : [])]);
  for (const path of paths) files.set(`log/${path}`, log.files.get(path) ?? new Uint8Array());
  files.set('log/checkpoint', Buffer.from(log.checkpoint([key, witness])));
  const proof = await inclusionProof(log, BigInt(proved), 300n);
  files.set(`entry-${proved}.tlog-proof`, Buffer.from(formatProof({ index: BigInt(proved), proof, checkpoint: log.checkpoint([key, witness]) })));
  return files;
}

const expected = await goldenFiles();
if (process.env['FLYBALL_GOLDEN'] === 'write') {
  for (const [path, bytes] of expected) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
const golden = (path: string) => new Uint8Array(readFileSync(join(folder, path)));
const policy = parsePolicy(golden('policy'));
const verifiers = [parseVerifierKey(key.vkey)];
const cosigners = [parseCosignerKey(witness.vkey)];
const openHead = (path: string) => openCheckpoint(golden(path), origin, verifiers);
const fromFolder = { readTile: (tile: Tile) => Promise.resolve(golden(`log/${tilePath(tile)}`)) };

test.each([...expected.keys()])('what is written today is the golden file %s', (path) => {
  expect(Buffer.from(golden(path)).equals(expected.get(path) ?? Buffer.of())).toBe(true);
});

test('the golden log verifies from its files alone', async () => {
  const head = openHead('log/checkpoint');
  const tiles = authenticated(fromFolder, head);
  for (const { level, index, width } of tilesOf(head.size)) {
    if (level === 0) expect(openBundle(golden(`log/${bundlePath({ index, width })}`), await tiles.readTile({ level, index, width }))).toHaveLength(width);
  }
  for (const size of sizes) {
    const { size: oldSize, root: oldRoot } = openHead(`checkpoints/${size}`);
    verifyConsistency({ oldSize, newSize: head.size, oldRoot, newRoot: head.root, proof: await consistencyProof(tiles, oldSize, head.size) });
  }
  expect(verifyProof(golden(`entry-${proved}.tlog-proof`), leafHash(`entry ${proved}`), policy).checkpoint.size).toBe(300n);
});

/** In texts the bit that changes the case of letters is flipped too. */
const flipsOf = (bytes: Uint8Array) => (bytes.length > 1000 ? [1] : [1, 0x20]);

/** Every byte, flipped in turn, is refused with a TlogError: the number of bytes for which it is not. */
async function survivors(bytes: Uint8Array, verify: (changed: Uint8Array) => unknown): Promise<readonly number[]> {
  const survived: number[] = [];
  for (const flip of flipsOf(bytes)) {
    for (let at = 0; at < bytes.length; at++) {
      const changed = new Uint8Array(bytes);
      changed[at] = (bytes[at] ?? 0) ^ flip;
      try {
        await verify(changed);
        survived.push(at);
      } catch (error) {
        if (!(error instanceof TlogError)) throw error;
      }
    }
  }
  return survived;
}

describe('attack: a changed byte is noticed', () => {
  const head = openHead('log/checkpoint');
  const logFiles = [...expected.keys()].filter((path) => path.startsWith('log/tile/')).map((path) => path.slice('log/'.length));

  test.each(logFiles)('in %s', async (path) => {
    const parsed = parsePath(path);
    const bytes = golden(`log/${path}`);
    const verify = (changed: Uint8Array) => {
      if (parsed.kind === 'bundle') return openBundle(changed, golden(`log/${tilePath({ level: 0, ...parsed.bundle })}`));
      const changedSource = { readTile: (tile: Tile) => (tilePath(tile) === path ? Promise.resolve(changed) : fromFolder.readTile(tile)) };
      return authenticated(changedSource, head).readTile(parsed.tile);
    };
    await verify(bytes);
    expect(await survivors(bytes, verify)).toEqual([]);
  }, 60_000);

  test.each([...sizes.map((size) => `checkpoints/${size}`), 'log/checkpoint'])('in %s', async (path) => {
    const verify = (changed: Uint8Array) => {
      openCheckpoint(changed, origin, verifiers);
      if (openCosigned(changed, cosigners).length === 0) throw new TlogError('unknown_key', 'expected the witness');
    };
    verify(golden(path));
    expect(await survivors(golden(path), verify)).toEqual([]);
  });

  test('in a proof', async () => {
    const verify = (changed: Uint8Array) => verifyProof(changed, leafHash(`entry ${proved}`), policy);
    verify(golden(`entry-${proved}.tlog-proof`));
    expect(await survivors(golden(`entry-${proved}.tlog-proof`), verify)).toEqual([]);
  });
});
