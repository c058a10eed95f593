import { sizesEnd } from './decimal.js';
import { emptyRoot, hashBytes, nodeHash } from './hash.js';
import { sameBytes } from './octets.js';
import { TlogError } from './tlog-error.js';

export interface Inclusion {
  readonly index: bigint;
  readonly size: bigint;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  /** From the leaf's sibling up to the root's child. */
  readonly proof: readonly Uint8Array[];
}

export interface Consistency {
  readonly oldSize: bigint;
  readonly newSize: bigint;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Refuses with `bad_proof` unless the leaf is at the index of the tree (RFC 6962, section 2.1.1; RFC 9162, section 2.1.3.2). */
export function verifyInclusion(inclusion: Inclusion): void {
  if (!sameBytes(rootFromInclusion(inclusion), inclusion.root)) throw refused('expected an inclusion proof that leads to the root');
}

/** Root, 32 bytes, that an inclusion proof leads to; `bad_proof` when it has not the length that the index and the size demand. */
export function rootFromInclusion({ index, size, leafHash, proof }: Omit<Inclusion, 'root'>): Uint8Array {
  checkSize(size);
  if (index < 0n || index >= size) throw refused('expected an index below the size');
  checkHashes([leafHash, ...proof]);
  let hash = leafHash;
  let node = index;
  let last = size - 1n;
  for (const sibling of proof) {
    if (last === 0n) throw refused('expected a shorter proof');
    // A node without a right neighbour goes up unhashed until it has a left one.
    while (node === last && (node & 1n) === 0n) [node, last] = [node >> 1n, last >> 1n];
    hash = (node & 1n) === 1n ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) throw refused('expected a longer proof');
  return hash;
}

/**
 * Refuses with `bad_proof` unless the new tree begins with the old one (RFC 6962, section 2.1.2; RFC 9162, section
 * 2.1.4.2). Every tree begins with the empty one: from size 0 the proof is empty and the old root is `emptyRoot`
 * (tlog-witness, add-checkpoint); nothing is then known of the new root, unless its size is 0 too and it is `emptyRoot`.
 * Equal sizes have equal roots and an empty proof.
 */
export function verifyConsistency({ oldSize, newSize, oldRoot, newRoot, proof }: Consistency): void {
  checkSize(oldSize);
  checkSize(newSize);
  checkHashes(proof);
  if (oldSize > newSize) throw refused('expected an old size of at most the new one');
  if (oldSize === 0n && !sameBytes(oldRoot, emptyRoot)) throw refused('expected the root of the empty tree');
  if (oldSize === 0n || oldSize === newSize) {
    if (proof.length !== 0) throw refused('expected an empty proof');
    if (oldSize === newSize && !sameBytes(oldRoot, newRoot)) throw refused('expected equal roots for equal sizes');
    return;
  }
  const [oldHash, newHash] = rootsFromConsistency(oldSize, newSize, oldRoot, proof);
  if (!sameBytes(oldHash, oldRoot) || !sameBytes(newHash, newRoot)) throw refused('expected a consistency proof that leads to both roots');
}

function rootsFromConsistency(oldSize: bigint, newSize: bigint, oldRoot: Uint8Array, proof: readonly Uint8Array[]): readonly [Uint8Array, Uint8Array] {
  let node = oldSize - 1n;
  let last = newSize - 1n;
  // Up to the largest perfect subtree that ends where the old tree does: when it is the old tree, its root is the start.
  while ((node & 1n) === 1n) [node, last] = [node >> 1n, last >> 1n];
  const path = node === 0n ? [oldRoot, ...proof] : proof;
  const [start, ...rest] = path;
  if (start === undefined) throw refused('expected a longer proof');
  let [oldHash, newHash] = [start, start];
  for (const sibling of rest) {
    if (last === 0n) throw refused('expected a shorter proof');
    while (node === last && (node & 1n) === 0n) [node, last] = [node >> 1n, last >> 1n];
    if ((node & 1n) === 1n) [oldHash, newHash] = [nodeHash(sibling, oldHash), nodeHash(sibling, newHash)];
    else newHash = nodeHash(newHash, sibling);
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) throw refused('expected a longer proof');
  return [oldHash, newHash];
}

function checkSize(size: bigint): void {
  if (size < 0n || size >= sizesEnd) throw refused('expected a size from 0 to 2^63 - 1');
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some((hash) => hash.length !== hashBytes)) throw refused('expected hashes of 32 bytes');
}

const refused = (message: string) => new TlogError('bad_proof', message);
