import { checkNumber } from './decimal.js';
import { emptyRoot, hashBytes, nodeHash, perfectRoot } from './hash.js';
import { concatenated } from './octets.js';
import { edgeTile, edgeTiles, type Tile, tileHeight, tileWidth } from './tile.js';
import { readExactly, type TileSource } from './tile-source.js';
import { TlogError } from './tlog-error.js';

export interface GrownTile {
  readonly tile: Tile;
  readonly hashes: Uint8Array;
}

export interface Appended {
  readonly edge: TreeEdge;
  readonly tiles: readonly GrownTile[];
}

/** A tree as its partial tiles: all that is needed to append to it and to know its root. It never changes. */
export class TreeEdge {
  #root: Uint8Array | undefined;

  constructor(
    readonly size: bigint,
    /** Hashes of the partial tile of each level; empty where all tiles are full. */
    readonly partials: readonly Uint8Array[],
  ) {}

  /** Root of the tree, 32 bytes (RFC 6962, section 2.1). */
  root(): Uint8Array {
    this.#root ??= rootOf(this.partials);
    return new Uint8Array(this.#root);
  }
}

/** The tree without leaves. */
export const emptyEdge = new TreeEdge(0n, []);

/**
 * The tree with more leaves, and the tiles that are new or have grown, each once and as wide as it then is, lowest
 * level first (tlog-tiles, Partial Tiles); `malformed` when a leaf hash has not 32 bytes.
 */
export function append(edge: TreeEdge, leafHashes: readonly Uint8Array[]): Appended {
  if (leafHashes.some((hash) => hash.length !== hashBytes)) throw new TlogError('malformed', 'expected leaf hashes of 32 bytes');
  const size = edge.size + BigInt(leafHashes.length);
  checkNumber(size);
  const partials = [...edge.partials];
  const tiles: GrownTile[] = [];
  let added = concatenated(leafHashes);
  for (let level = 0; added.length > 0; level++) {
    const hashes = concatenated([partials[level] ?? new Uint8Array(), added]);
    const first = edge.size >> (tileHeight * BigInt(level + 1));
    const full = Math.floor(hashes.length / fullBytes);
    const roots: Uint8Array[] = [];
    for (let at = 0; at < full; at++) {
      const tile = hashes.subarray(at * fullBytes, (at + 1) * fullBytes);
      tiles.push({ tile: { level, index: first + BigInt(at), width: tileWidth }, hashes: tile });
      roots.push(perfectRoot(tile));
    }
    partials[level] = new Uint8Array(hashes.subarray(full * fullBytes));
    const partial = edgeTile(size, level);
    if (partial) tiles.push({ tile: partial, hashes: hashes.subarray(full * fullBytes) });
    added = concatenated(roots);
  }
  return { edge: new TreeEdge(size, partials), tiles };
}

/**
 * A tree of a size, read from its partial tiles. It is what the tiles say: compare `root()` with a signed one before
 * appending. `unavailable` or `bad_tile` when a tile cannot be had.
 */
export async function edgeOf(tiles: TileSource, size: bigint): Promise<TreeEdge> {
  checkNumber(size);
  const partials: Uint8Array[] = [];
  const read = await Promise.all(edgeTiles(size).map(async (tile) => ({ level: tile.level, hashes: await readExactly(tiles, tile) })));
  for (const { level, hashes } of read) {
    while (partials.length < level) partials.push(new Uint8Array());
    partials[level] = hashes;
  }
  return new TreeEdge(size, partials);
}

const fullBytes = tileWidth * hashBytes;

/** From the right and the bottom up: each bit of the size is one perfect subtree. */
function rootOf(partials: readonly Uint8Array[]): Uint8Array {
  let root: Uint8Array | undefined;
  for (const hashes of partials) {
    for (let end = hashes.length / hashBytes, width = 1; end > 0; width *= 2) {
      if ((end & width) === 0) continue;
      const subtree = perfectRoot(hashes.subarray((end - width) * hashBytes, end * hashBytes));
      root = root ? nodeHash(subtree, root) : subtree;
      end -= width;
    }
  }
  return root ?? emptyRoot;
}
