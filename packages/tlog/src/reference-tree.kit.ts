import { emptyRoot, nodeHash } from './hash.js';

/** MTH, PATH and PROOF word for word as RFC 6962, sections 2.1, 2.1.1 and 2.1.2, define them: slow, and easy to believe. */
export function rootBy(leaves: readonly Uint8Array[]): Uint8Array {
  const [only = emptyRoot] = leaves;
  if (leaves.length <= 1) return only;
  const split = splitOf(leaves.length);
  return nodeHash(rootBy(leaves.slice(0, split)), rootBy(leaves.slice(split)));
}

export function pathBy(index: number, leaves: readonly Uint8Array[]): readonly Uint8Array[] {
  if (leaves.length <= 1) return [];
  const split = splitOf(leaves.length);
  return index < split ? [...pathBy(index, leaves.slice(0, split)), rootBy(leaves.slice(split))] : [...pathBy(index - split, leaves.slice(split)), rootBy(leaves.slice(0, split))];
}

export function proofBy(oldSize: number, leaves: readonly Uint8Array[], isWhole = true): readonly Uint8Array[] {
  if (oldSize === leaves.length) return isWhole ? [] : [rootBy(leaves)];
  const split = splitOf(leaves.length);
  return oldSize <= split ? [...proofBy(oldSize, leaves.slice(0, split), isWhole), rootBy(leaves.slice(split))] : [...proofBy(oldSize - split, leaves.slice(split), false), rootBy(leaves.slice(0, split))];
}

function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}
