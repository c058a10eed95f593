import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyRoot, leafHash } from './hash.js';
import { pathBy, proofBy, rootBy } from './reference-tree.kit.js';
import { TlogError } from './tlog-error.js';
import { rootFromInclusion, verifyConsistency, verifyInclusion } from './verify-tree.js';

const sizesMax = 40;
const leaves = Array.from({ length: sizesMax }, (_, at) => leafHash(`leaf ${at}`));
const leafOf = (index: number) => leaves[index] ?? emptyRoot;
const refused = (verify: () => unknown) => {
  try {
    verify();
  } catch (error) {
    return error instanceof TlogError && error.code === 'bad_proof';
  }
  return false;
};
const flipped = (hash: Uint8Array) => hash.map((byte, at) => (at === 5 ? byte ^ 4 : byte));

const inclusionOf = (index: number, size: number) => ({ index: BigInt(index), size: BigInt(size), leafHash: leafOf(index), root: rootBy(leaves.slice(0, size)), proof: pathBy(index, leaves.slice(0, size)) });
const consistencyOf = (oldSize: number, newSize: number) => ({ oldSize: BigInt(oldSize), newSize: BigInt(newSize), oldRoot: rootBy(leaves.slice(0, oldSize)), newRoot: rootBy(leaves.slice(0, newSize)), proof: oldSize === 0 ? [] : proofBy(oldSize, leaves.slice(0, newSize)) });

test('law: every leaf of every small tree is in it, and nowhere else', () => {
  for (let size = 1; size <= sizesMax; size++) {
    for (let index = 0; index < size; index++) {
      const inclusion = inclusionOf(index, size);
      verifyInclusion(inclusion);
      expect(rootFromInclusion(inclusion)).toEqual(inclusion.root);
      for (const other of [index - 1, index + 1, index ^ 1, index + 8]) expect(other === index || refused(() => verifyInclusion({ ...inclusion, index: BigInt(other) }))).toBe(true);
      expect(refused(() => verifyInclusion({ ...inclusion, leafHash: flipped(inclusion.leafHash) }))).toBe(true);
      expect(refused(() => verifyInclusion({ ...inclusion, root: flipped(inclusion.root) }))).toBe(true);
    }
  }
});

test('law: every small tree begins with every smaller one', () => {
  for (let newSize = 0; newSize <= sizesMax; newSize++) {
    for (let oldSize = 0; oldSize <= newSize; oldSize++) {
      const consistency = consistencyOf(oldSize, newSize);
      verifyConsistency(consistency);
      expect(refused(() => verifyConsistency({ ...consistency, oldRoot: flipped(consistency.oldRoot) }))).toBe(true);
      if (oldSize > 0) expect(refused(() => verifyConsistency({ ...consistency, newRoot: flipped(consistency.newRoot) }))).toBe(true);
      expect(refused(() => verifyConsistency({ ...consistency, proof: [...consistency.proof, emptyRoot] }))).toBe(true);
    }
  }
});

describe('attack: abuse 76: a proof has one form', () => {
  const anySizes = fc.integer({ min: 1, max: sizesMax }).chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }));

  test('a proof with a hash more, less, changed or elsewhere is refused', () => {
    fc.assert(fc.property(anySizes, fc.nat(), ({ size, index }, at) => {
      const inclusion = inclusionOf(index, size);
      const { proof } = inclusion;
      const place = proof.length === 0 ? 0 : at % proof.length;
      const wrong = [
        [...proof, emptyRoot], [emptyRoot, ...proof], [...proof, ...proof.slice(-1), emptyRoot],
        ...(proof.length > 0 ? [proof.slice(1), proof.slice(0, -1), proof.map((hash, other) => (other === place ? flipped(hash) : hash)), proof.map((hash) => hash.subarray(1))] : []),
        ...(proof.length > 1 ? [[...proof].reverse()] : []),
      ];
      for (const other of wrong) expect(refused(() => verifyInclusion({ ...inclusion, proof: other }))).toBe(true);
    }));
  });

  test.each([
    ['an index that is the size', { index: 8n }],
    ['an index below 0', { index: -1n }],
    ['a size of 0', { size: 0n, index: 0n }],
    ['a size of 2^63', { size: 1n << 63n }],
    ['a size that goes round 2^64', { size: (1n << 64n) + 8n }],
    ['an index that goes round 2^64', { index: (1n << 64n) + 3n }],
  ])('%s is refused', (_, change) => {
    expect(refused(() => verifyInclusion({ ...inclusionOf(3, 8), ...change }))).toBe(true);
  });

  test('sizes of consistency that are swapped, negative or beyond 2^63 are refused', () => {
    const consistency = consistencyOf(3, 7);
    for (const change of [{ oldSize: 7n, newSize: 3n }, { oldSize: -1n }, { newSize: 1n << 63n }, { oldSize: 4n }, { newSize: 4n }, { newSize: 9n }, { oldSize: 0n }]) expect(refused(() => verifyConsistency({ ...consistency, ...change }))).toBe(true);
  });
});

test('from size 0 the old root is the empty one, and there is no proof', () => {
  const any = leafHash('any');
  verifyConsistency({ oldSize: 0n, newSize: 5n, oldRoot: emptyRoot, newRoot: any, proof: [] });
  expect(refused(() => verifyConsistency({ oldSize: 0n, newSize: 5n, oldRoot: any, newRoot: any, proof: [] }))).toBe(true);
  expect(refused(() => verifyConsistency({ oldSize: 0n, newSize: 5n, oldRoot: emptyRoot, newRoot: any, proof: [any] }))).toBe(true);
  expect(refused(() => verifyConsistency({ oldSize: 0n, newSize: 0n, oldRoot: emptyRoot, newRoot: any, proof: [] }))).toBe(true);
});

test('sizes up to 2^63 - 1 have proofs of 63 hashes, and no more', () => {
  const size = (1n << 63n) - 1n;
  const proof = Array.from({ length: 63 }, (_, at) => leafHash(`${at}`));
  const root = rootFromInclusion({ index: 0n, size, leafHash: leafOf(0), proof });
  verifyInclusion({ index: 0n, size, leafHash: leafOf(0), root, proof });
  expect(refused(() => verifyInclusion({ index: 0n, size, leafHash: leafOf(0), root, proof: [...proof, root] }))).toBe(true);
});
