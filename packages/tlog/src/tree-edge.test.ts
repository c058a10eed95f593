import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyRoot, leafHash } from './hash.js';
import { consistencyProof, inclusionProof, treeRoot } from './prove.js';
import { pathBy, proofBy, rootBy } from './reference-tree.kit.js';
import { SmallLog } from './small-log.kit.js';
import { tilePath, tilesOf } from './tile.js';
import { append, edgeOf, emptyEdge } from './tree-edge.js';
import { verifyConsistency, verifyInclusion } from './verify-tree.js';

const anySizes = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 5 }).map((sizes) => sizes.sort((left, right) => left - right));
const hashesOf = (log: SmallLog, size = log.entries.length) => log.entries.slice(0, size).map(leafHash);
const edges = [0, 1, 2, 255, 256, 257, 511, 512, 513, 600];

test('law: however a tree grows, it has one root and one set of tiles', () => {
  fc.assert(fc.property(anySizes, (sizes) => {
    const log = new SmallLog();
    for (const size of sizes) {
      const before = new Set(log.files.keys());
      log.grow(size);
      expect(log.head()).toEqual({ size: BigInt(size), root: Uint8Array.from(rootBy(hashesOf(log))) });
      const all = [...tilesOf(BigInt(size))].map(tilePath);
      for (const path of all) expect(log.files.has(path)).toBe(true);
      const grown = [...log.files.keys()].filter((path) => !before.has(path) && !path.startsWith('tile/entries'));
      for (const path of grown) expect(all).toContain(path);
    }
    const whole = new SmallLog(sizes.at(-1));
    for (const [path, bytes] of whole.files) expect(Buffer.from(bytes).equals(log.files.get(path) ?? Buffer.of())).toBe(true);
  }), { numRuns: 30 });
});

test('law: proofs are those of RFC 6962, and verify', async () => {
  const log = new SmallLog(600);
  const hashes = hashesOf(log);
  for (const size of edges.slice(1)) {
    const root = await treeRoot(log, BigInt(size));
    expect(Buffer.from(root).equals(rootBy(hashes.slice(0, size)))).toBe(true);
    for (const index of [0, 1, size >> 1, size - 2, size - 1].filter((at) => at >= 0 && at < size)) {
      const proof = await inclusionProof(log, BigInt(index), BigInt(size));
      expect(proof.map((hash) => Buffer.from(hash))).toEqual(pathBy(index, hashes.slice(0, size)).map((hash) => Buffer.from(hash)));
      verifyInclusion({ index: BigInt(index), size: BigInt(size), leafHash: hashes[index] ?? emptyRoot, root, proof });
    }
    for (const oldSize of edges.filter((other) => other <= size)) {
      const proof = await consistencyProof(log, BigInt(oldSize), BigInt(size));
      if (oldSize > 0) expect(proof.map((hash) => Buffer.from(hash))).toEqual(proofBy(oldSize, hashes.slice(0, size)).map((hash) => Buffer.from(hash)));
      verifyConsistency({ oldSize: BigInt(oldSize), newSize: BigInt(size), oldRoot: rootBy(hashes.slice(0, oldSize)), newRoot: root, proof });
    }
  }
});

test('law: a proof reads no tile twice, and few', async () => {
  const log = new SmallLog(70_000);
  for (const prove of [() => inclusionProof(log, 12_345n, 70_000n), () => consistencyProof(log, 33_333n, 70_000n), () => treeRoot(log, 70_000n)]) {
    log.read.length = 0;
    await prove();
    expect(new Set(log.read.map(tilePath)).size).toBe(log.read.length);
    expect(log.read.length).toBeLessThanOrEqual(5);
  }
});

test('law: a reloaded edge goes on like the one that was kept', async () => {
  for (const size of edges) {
    const log = new SmallLog(size);
    const reloaded = await edgeOf(log, BigInt(size));
    expect(Buffer.from(reloaded.root()).equals(log.edge.root())).toBe(true);
    const more = [leafHash('a'), leafHash('b')];
    expect(append(reloaded, more).tiles.map(({ tile, hashes }) => [tilePath(tile), Buffer.from(hashes).toString('hex')])).toEqual(append(log.edge, more).tiles.map(({ tile, hashes }) => [tilePath(tile), Buffer.from(hashes).toString('hex')]));
  }
});

test('an edge never changes, whatever is done with what it gave', () => {
  const hashes = [leafHash('a'), leafHash('b')];
  const { edge, tiles } = append(emptyEdge, hashes);
  tiles.forEach((tile) => tile.hashes.fill(0));
  edge.root().fill(0);
  append(edge, [leafHash('c')]);
  expect(Buffer.from(edge.root()).equals(rootBy(hashes))).toBe(true);
  expect(Buffer.from(append(edge, []).edge.root()).equals(rootBy(hashes))).toBe(true);
});

test('a leaf hash of another length, an index that is not there and a tile that cannot be read are refused', async () => {
  expect(() => append(emptyEdge, [new Uint8Array(31)])).toThrow(expect.objectContaining({ code: 'malformed' }));
  await expect(inclusionProof(new SmallLog(3), 3n, 3n)).rejects.toMatchObject({ code: 'out_of_range' });
  await expect(consistencyProof(new SmallLog(3), 4n, 3n)).rejects.toMatchObject({ code: 'out_of_range' });
  await expect(treeRoot({ readTile: () => Promise.reject(new Error('404')) }, 300n)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(treeRoot({ readTile: () => Promise.resolve(new Uint8Array(31)) }, 1n)).rejects.toMatchObject({ code: 'bad_tile' });
});
