import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBundle, encodeBundle, openBundle } from './bundle.js';
import { leafHash } from './hash.js';
import { bundlePath, parsePath, tilePath, tilesOf } from './tile.js';
import { TlogError } from './tlog-error.js';

const anyIndex = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });
const anyWidth = fc.integer({ min: 1, max: 256 });

test('a tree of 70,000 has the tiles that the specification counts', () => {
  const tiles = [...tilesOf(70_000n)];
  const ofLevel = (level: number) => tiles.filter((tile) => tile.level === level);
  expect(ofLevel(0).filter(({ width }) => width === 256)).toHaveLength(273);
  expect(ofLevel(0).at(-1)).toEqual({ level: 0, index: 273n, width: 112 });
  expect(ofLevel(1)).toEqual([{ level: 1, index: 0n, width: 256 }, { level: 1, index: 1n, width: 17 }]);
  expect(ofLevel(2)).toEqual([{ level: 2, index: 0n, width: 1 }]);
  expect(tiles).toHaveLength(277);
});

test('a tree of 256 has a full tile and one of width 1 above it; an empty one has none', () => {
  expect([...tilesOf(256n)]).toEqual([{ level: 0, index: 0n, width: 256 }, { level: 1, index: 0n, width: 1 }]);
  expect([...tilesOf(0n)]).toEqual([]);
});

test('paths are those of the specification', () => {
  expect(tilePath({ level: 0, index: 1_234_067n, width: 256 })).toBe('tile/0/x001/x234/067');
  expect(tilePath({ level: 12, index: 0n, width: 1 })).toBe('tile/12/000.p/1');
  expect(bundlePath({ index: 1000n, width: 255 })).toBe('tile/entries/x001/000.p/255');
});

test('law: a path names one tile, and a tile has one path', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 63 }), anyIndex, anyWidth, (level, index, width) => {
    expect(parsePath(tilePath({ level, index, width }))).toEqual({ kind: 'tile', tile: { level, index, width } });
    expect(parsePath(bundlePath({ index, width }))).toEqual({ kind: 'bundle', bundle: { index, width } });
  }));
});

test.each(['', 'tile', 'tile/0/', 'tile/0/1', 'tile/0/0001', 'tile/00/000', 'tile/64/000', 'tile/-1/000', 'tile/0/x000/000', 'tile/0/000/000', 'tile/0/x001', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/0/000.p/', 'tile/0/000.p', '/tile/0/000', 'tile/0/000/', 'tile/0/000\n', 'tile/0/../000', 'tile/entries/x999/x999/x999/x999/x999/x999/999', 'tile/0/٠٠٠'])('attack: `%s` is no path', (path) => {
  expect(() => parsePath(path)).toThrow(TlogError);
});

describe('bundles', () => {
  const anyEntries = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });

  test('law: a bundle gives back its entries', () => {
    fc.assert(fc.property(anyEntries, (entries) => {
      expect(decodeBundle(encodeBundle(entries), entries.length)).toEqual(entries);
    }));
  });

  test('law: a bundle has one width, and ends where its last entry does', () => {
    fc.assert(fc.property(anyEntries, (entries) => {
      const bytes = encodeBundle(entries);
      for (const width of [entries.length - 1, entries.length + 1]) expect(() => decodeBundle(bytes, width)).toThrow(TlogError);
      for (const other of [bytes.subarray(0, -1), Uint8Array.from([...bytes, 0])]) expect(() => decodeBundle(other, entries.length)).toThrow(TlogError);
    }));
  });

  test('entries of 65,535 bytes fit, longer ones and more than 256 do not', () => {
    expect(decodeBundle(encodeBundle([new Uint8Array(65_535)]), 1)[0]).toHaveLength(65_535);
    expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(expect.objectContaining({ code: 'too_large' }));
    expect(() => encodeBundle(Array.from({ length: 257 }, () => new Uint8Array()))).toThrow(TlogError);
    expect(() => encodeBundle([])).toThrow(TlogError);
  });

  test('attack: entries that are not those of the tile are refused', () => {
    const entries = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    const hashes = Uint8Array.from(entries.flatMap((entry) => [...leafHash(entry)]));
    expect(openBundle(encodeBundle(entries), hashes)).toEqual(entries);
    expect(() => openBundle(encodeBundle([...entries].reverse()), hashes)).toThrow(expect.objectContaining({ code: 'bad_tile' }));
    expect(() => openBundle(encodeBundle(entries), hashes.subarray(0, 40))).toThrow(TlogError);
  });
});
