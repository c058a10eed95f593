import { append, authenticated, bundlePath, emptyEdge, type GrownTile, leafHash, type Tile, tilePath, type TileSource, type TreeEdge, type TreeHead } from '@flyball/tlog';
import type { Findings } from '../finding.js';
import { type FromFile, readTile } from '../source/log-files.js';
import type { LogSource } from '../source/source.js';
import type { Chunk } from './read-ahead.js';

const hashBytes = 32;

/** A leaf in its place of the tree. One that was altered is not what the tree has there, whose hash it comes with. */
export interface Placed {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly hash: Uint8Array;
  readonly isAltered: boolean;
}

/** Builds the tree again from the entries, and compares every tile that is served with what the entries give. */
export class TreeCheck {
  #edge: TreeEdge = emptyEdge;
  readonly #roots = new Map<bigint, Uint8Array>();
  readonly #proved: TileSource;
  readonly #wanted: readonly bigint[];
  #wantedAt = 0;
  /** Tiles that were compared. */
  tiles = 0;

  /** @param sizes at which the root is wanted */
  constructor(
    private readonly source: LogSource,
    head: TreeHead,
    sizes: Iterable<bigint>,
    private readonly findings: Findings,
  ) {
    this.#wanted = [...new Set(sizes)].filter((size) => size > 0n).sort((left, right) => (left < right ? -1 : 1));
    this.#proved = authenticated({ readTile: async (tile) => (await readTile(source, tile)).value }, head);
    this.#roots.set(0n, emptyEdge.root());
  }

  get size(): bigint {
    return this.#edge.size;
  }

  /** Root of the tree when it had a wanted size; nothing when it never had. */
  rootAt(size: bigint): Uint8Array | undefined {
    return size === this.#edge.size ? this.#edge.root() : this.#roots.get(size);
  }

  /** The leaves of the next bundle in their places; nothing when neither it nor its tile can be read, so the tree ends here. */
  async add(chunk: Chunk): Promise<readonly Placed[] | undefined> {
    const { first, leaves } = chunk;
    const own = leavesOf(leaves);
    if (leaves instanceof Error) this.findings.add('unavailable', leaves.message, { file: bundlePath(bundleOf(chunk)), index: first });
    else if (!own) this.findings.add('bundle_malformed', `expected a bundle of ${chunk.width} entries`, { file: leaves.file, index: first });
    if (chunk.hashes instanceof Error) this.findings.add('unavailable', chunk.hashes.message, { file: tilePath(tileOf(chunk)), index: first });
    const served = chunk.hashes instanceof Error ? undefined : chunk.hashes;
    const hashes = own?.map((leaf) => leafHash(leaf)) ?? (served && split(served.value));
    if (!hashes) return undefined;
    const settled = own && served ? await this.#settle(chunk, hashes, served) : hashes;
    await this.#grow(settled);
    return own?.map((leaf, at) => ({ index: first + at, leaf, hash: settled[at] ?? new Uint8Array(), isAltered: settled[at] !== hashes[at] && settled !== hashes && Buffer.compare(settled[at] ?? leaf, hashes[at] ?? leaf) !== 0 })) ?? [];
  }

  /** The partial tiles at the right edge, which only the last bundle completes. */
  async finish(): Promise<void> {
    const { size, partials } = this.#edge;
    for (const [level, hashes] of partials.entries()) {
      const width = hashes.length / hashBytes;
      if (level > 0 && width > 0) await this.#compare({ tile: { level, index: size >> BigInt(8 * (level + 1)), width }, hashes });
    }
  }

  /**
   * Where a bundle and its tile disagree, the tile is right if it leads to the signed root; then the entries are not
   * those that were signed. Otherwise the tile is wrong, and the root tells about the entries.
   */
  async #settle(chunk: Chunk, own: readonly Uint8Array[], served: FromFile<Uint8Array>): Promise<readonly Uint8Array[]> {
    const theirs = split(served.value);
    this.tiles++;
    const different = own.flatMap((hash, at) => (Buffer.compare(hash, theirs[at] ?? hash) === 0 ? [] : [at]));
    if (different.length === 0) return own;
    if (!(await this.#isProved(tileOf(chunk), served.value))) {
      this.findings.add('tile_altered', 'expected the hashes of the entries', { file: served.file, index: chunk.first + (different[0] ?? 0) });
      return own;
    }
    const file = chunk.leaves instanceof Error ? '' : chunk.leaves.file;
    different.forEach((at) => this.findings.add('entry_altered', 'expected the entry that was hashed into the tree', { file, index: chunk.first + at }));
    return theirs;
  }

  async #isProved(tile: Tile, hashes: Uint8Array): Promise<boolean> {
    try {
      return Buffer.compare(await this.#proved.readTile(tile), hashes) === 0;
    } catch {
      return false;
    }
  }

  async #grow(hashes: readonly Uint8Array[]): Promise<void> {
    const before = this.#edge;
    const { edge, tiles } = append(before, hashes);
    this.#edge = edge;
    for (let size = this.#wanted[this.#wantedAt]; size !== undefined && size <= edge.size; size = this.#wanted[++this.#wantedAt]) {
      this.#roots.set(size, size === edge.size ? edge.root() : append(before, hashes.slice(0, Number(size - before.size))).edge.root());
    }
    for (const grown of tiles) if (grown.tile.level > 0 && grown.tile.width === 256) await this.#compare(grown);
  }

  async #compare({ tile, hashes }: GrownTile): Promise<void> {
    try {
      const { file, value } = await readTile(this.source, tile);
      this.tiles++;
      if (Buffer.compare(value, hashes) !== 0) this.findings.add('tile_altered', 'expected the hashes of the tiles below', { file });
    } catch (error) {
      this.findings.add('unavailable', error instanceof Error ? error.message : 'no answer', { file: tilePath(tile) });
    }
  }
}

const bundleOf = ({ first, width }: Chunk) => ({ index: BigInt(first / 256), width });
const tileOf = ({ first, width }: Chunk): Tile => ({ level: 0, index: BigInt(first / 256), width });
const leavesOf = (leaves: Chunk['leaves']) => (leaves instanceof Error ? undefined : leaves.value);

function split(hashes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: hashes.length / hashBytes }, (_, at) => hashes.subarray(at * hashBytes, (at + 1) * hashBytes));
}
