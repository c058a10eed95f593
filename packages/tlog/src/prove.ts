import { checkNumber } from './decimal.js';
import { emptyRoot, hashBytes, nodeHash, perfectRoot } from './hash.js';
import { type Tile, tileAt, tileHeight } from './tile.js';
import { readExactly, type TileSource } from './tile-source.js';
import { TlogError } from './tlog-error.js';

/** Leaves from `start` to before `end`. */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** The perfect subtree of 2^height leaves that begins at leaf index * 2^height. */
interface Node {
  readonly height: bigint;
  readonly index: bigint;
}

/** Inclusion proof of a leaf in the tree of a size, from its sibling up (RFC 6962, section 2.1.1); `out_of_range` unless the index is below the size. */
export async function inclusionProof(tiles: TileSource, index: bigint, size: bigint): Promise<readonly Uint8Array[]> {
  checkNumber(size);
  if (index < 0n || index >= size) throw new TlogError('out_of_range', 'expected an index below the size');
  const path: Range[] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const middle = start + splitOf(end - start);
    path.push(index < middle ? { start: middle, end } : { start, end: middle });
    [start, end] = index < middle ? [start, middle] : [middle, end];
  }
  return rangeHashes(tiles, size, path.reverse());
}

/** Consistency proof between two sizes of a tree (RFC 6962, section 2.1.2); empty from size 0; `out_of_range` unless the old size is at most the new one. */
export async function consistencyProof(tiles: TileSource, oldSize: bigint, newSize: bigint): Promise<readonly Uint8Array[]> {
  checkNumber(newSize);
  if (oldSize < 0n || oldSize > newSize) throw new TlogError('out_of_range', 'expected an old size of at most the new one');
  if (oldSize === 0n || oldSize === newSize) return [];
  const path: Range[] = [];
  let [start, end] = [0n, newSize];
  while (end !== oldSize) {
    const middle = start + splitOf(end - start);
    path.push(oldSize <= middle ? { start: middle, end } : { start, end: middle });
    [start, end] = oldSize <= middle ? [start, middle] : [middle, end];
  }
  // The verifier knows the old root: where the old tree is one whole subtree, it is left out.
  if (start !== 0n) path.push({ start, end });
  return rangeHashes(tiles, newSize, path.reverse());
}

/** Root, 32 bytes, of the tree of a size (RFC 6962, section 2.1), read from the tiles of its right edge. */
export async function treeRoot(tiles: TileSource, size: bigint): Promise<Uint8Array> {
  checkNumber(size);
  const [root = emptyRoot] = size === 0n ? [] : await rangeHashes(tiles, size, [{ start: 0n, end: size }]);
  return root;
}

/** Where RFC 6962 splits a tree: the largest power of two below its size. */
const splitOf = (size: bigint): bigint => 1n << BigInt((size - 1n).toString(2).length - 1);

async function rangeHashes(tiles: TileSource, size: bigint, ranges: readonly Range[]): Promise<readonly Uint8Array[]> {
  const nodes = ranges.map(nodesOf);
  const needed = new Map(nodes.flat().map((node) => [keyOf(tileOf(node, size)), tileOf(node, size)]));
  const read = new Map(await Promise.all([...needed].map(async ([key, tile]) => [key, await readExactly(tiles, tile)] as const)));
  const hashOf = (node: Node) => nodeOf(node, read.get(keyOf(tileOf(node, size))) ?? new Uint8Array());
  return nodes.map((parts) => parts.map(hashOf).reduceRight((right, left) => nodeHash(left, right)));
}

/** The perfect subtrees of a range, left to right: its tree is their hashes folded from the right. */
function nodesOf({ start, end }: Range): readonly Node[] {
  const nodes: Node[] = [];
  for (let at = start; at < end; ) {
    const height = BigInt((end - at).toString(2).length - 1);
    nodes.push({ height, index: at >> height });
    at += 1n << height;
  }
  return nodes;
}

function tileOf({ height, index }: Node, size: bigint): Tile {
  return tileAt(size, Number(height / tileHeight), index >> (tileHeight - (height % tileHeight)));
}

function nodeOf({ height, index }: Node, hashes: Uint8Array): Uint8Array {
  const width = 1 << Number(height % tileHeight);
  const first = Number(index % (1n << (tileHeight - (height % tileHeight)))) * width;
  return perfectRoot(hashes.subarray(first * hashBytes, (first + width) * hashBytes));
}

const keyOf = ({ level, index }: Tile): string => `${level}/${index}`;
