import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authenticated } from './authenticated.js';
import { emptyRoot } from './hash.js';
import { consistencyProof, inclusionProof } from './prove.js';
import { SmallLog } from './small-log.kit.js';
import { type Tile, tilePath, tilesOf } from './tile.js';
import type { TileSource } from './tile-source.js';
import { TlogError } from './tlog-error.js';

const size = 66_000;
const honest = new SmallLog().grow(300).grow(size);
const other = new SmallLog(size, 'forged');
const older = new SmallLog(65_900);
const head = honest.head();
const tiles = [...tilesOf(head.size)];
const anyTile = fc.oneof(fc.constantFrom(...tiles), fc.constantFrom(...tiles.slice(-6)));

test('law: what an honest server says is handed out as it is, each tile read once', async () => {
  const log = new SmallLog(size);
  const source = authenticated(log, head);
  log.read.length = 0;
  for (const tile of tiles.slice(-120)) expect(Buffer.from(await source.readTile(tile)).equals(honest.files.get(tilePath(tile)) ?? Buffer.of())).toBe(true);
  await Promise.all([inclusionProof(source, 70n, head.size), inclusionProof(source, 71n, head.size), consistencyProof(source, 300n, head.size)]);
  expect(new Set(log.read.map(tilePath)).size).toBe(log.read.length);
});

test('a tile of an earlier tree is the beginning of the present one', async () => {
  const tile = { level: 0, index: 1n, width: 44 };
  expect(Buffer.from(await authenticated(honest, head).readTile(tile)).equals(honest.files.get(tilePath(tile)) ?? Buffer.of())).toBe(true);
});

test.each<Tile>([
  { level: 0, index: 257n, width: 256 }, { level: 0, index: 258n, width: 1 }, { level: 3, index: 0n, width: 1 }, { level: 0, index: -1n, width: 1 }, { level: 64, index: 0n, width: 1 }, { level: 0.5, index: 0n, width: 1 }, { level: 0, index: 0n, width: 0 }, { level: 0, index: 0n, width: 257 },
])('a tile that the tree has not is refused: %s', async (tile) => {
  await expect(authenticated(honest, head).readTile(tile)).rejects.toMatchObject({ code: 'out_of_range' });
});

test('an empty tree has no tiles', async () => {
  await expect(authenticated(honest, { size: 0n, root: emptyRoot }).readTile({ level: 0, index: 0n, width: 1 })).rejects.toMatchObject({ code: 'out_of_range' });
});

test('a failure is not remembered: the next answer may be true', async () => {
  let isDown = true;
  const source = authenticated({ readTile: (tile) => (isDown ? Promise.reject(new Error('down')) : honest.readTile(tile)) }, head);
  const tile = { level: 0, index: 3n, width: 256 };
  await expect(source.readTile(tile)).rejects.toMatchObject({ code: 'unavailable' });
  isDown = false;
  expect(await source.readTile(tile)).toHaveLength(8192);
});

test('attack: bytes that change after they were proved change nothing', async () => {
  const held: Uint8Array[] = [];
  const source = authenticated({
    async readTile(tile) {
      const hashes = Buffer.from(await honest.readTile(tile));
      held.push(hashes);
      return hashes;
    },
  }, head);
  const tile = { level: 0, index: 3n, width: 256 };
  const first = await source.readTile(tile);
  held.forEach((hashes) => hashes.fill(7));
  first.fill(9);
  expect(Buffer.from(await source.readTile(tile)).equals(honest.files.get(tilePath(tile)) ?? Buffer.of())).toBe(true);
});

describe('attack: abuse 77: a server that lies', () => {
  const lies: Readonly<Record<string, (tile: Tile, salt: number) => Promise<unknown>>> = {
    honest: (tile) => honest.readTile(tile),
    another: (tile) => other.readTile(tile),
    older: (tile) => older.readTile(tile),
    truncated: async (tile, salt) => (await honest.readTile(tile)).slice(0, salt % (tile.width * 32)),
    flipped: async (tile, salt) => (await honest.readTile(tile)).map((byte, at) => (at === salt % (tile.width * 32) ? byte ^ (1 << (salt % 8)) : byte)),
    swapped: async (tile, salt) => swapped(await honest.readTile(tile), salt),
    'of another place': (tile, salt) => honest.readTile(tiles[salt % tiles.length] ?? tile),
    empty: () => Promise.resolve(new Uint8Array()),
    huge: () => Promise.resolve(new Uint8Array(1 << 20)),
    zeros: (tile) => Promise.resolve(new Uint8Array(tile.width * 32)),
    nothing: () => Promise.resolve(undefined),
    text: () => Promise.resolve('a'.repeat(8192)),
    failing: () => Promise.reject(new Error('503')),
  };
  const anyAnswers = fc.array(fc.tuple(fc.oneof(fc.constant('honest'), fc.constantFrom(...Object.keys(lies))), fc.nat()), { minLength: 1, maxLength: 12 });

  test('is never believed, whatever each of its answers is', async () => {
    let believed = 0;
    await fc.assert(fc.asyncProperty(anyAnswers, fc.array(anyTile, { minLength: 1, maxLength: 4 }), async (answers, asked) => {
      let next = 0;
      const server = {
        readTile(tile: Tile) {
          const [lie, salt] = answers[next++ % answers.length] ?? ['failing', 0];
          return lies[lie]?.(tile, salt) ?? Promise.reject(new Error('404'));
        },
      } as TileSource;
      const source = authenticated(server, head);
      for (const tile of [...asked, ...asked]) {
        const hashes = await source.readTile(tile).catch((error: unknown) => {
          if (!(error instanceof TlogError)) throw error;
          return undefined;
        });
        if (hashes) expect(Buffer.from(hashes).equals(honest.files.get(tilePath(tile)) ?? Buffer.of())).toBe(true);
        believed += Number(hashes !== undefined);
      }
    }), { numRuns: 500 });
    // An honest answer among the lies is still taken: it is not that everything is refused.
    expect(believed).toBeGreaterThan(0);
  });

  test('another root or another size is never satisfied by honest tiles', async () => {
    for (const wrong of [{ ...head, root: other.head().root }, { ...head, size: head.size - 1n }, { ...head, size: head.size - 256n }, older.head()]) {
      const tile = { level: 0, index: 5n, width: 256 };
      if (wrong.size === older.head().size) expect(await authenticated(honest, wrong).readTile(tile)).toHaveLength(8192);
      else await expect(authenticated(honest, wrong).readTile(tile)).rejects.toBeInstanceOf(TlogError);
    }
  });
});

function swapped(hashes: Uint8Array, salt: number): Uint8Array {
  const width = hashes.length / 32;
  const [left, right] = [salt % width, (salt + 1) % width];
  const changed = new Uint8Array(hashes);
  changed.set(hashes.subarray(left * 32, (left + 1) * 32), right * 32);
  changed.set(hashes.subarray(right * 32, (right + 1) * 32), left * 32);
  return changed;
}
