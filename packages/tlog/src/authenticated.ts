import { hashBytes, perfectRoot } from './hash.js';
import { sameBytes } from './octets.js';
import { type Tile, tileAt, tilePath, tileWidth } from './tile.js';
import { readExactly, type TileSource } from './tile-source.js';
import { TlogError } from './tlog-error.js';
import { edgeOf, type TreeEdge } from './tree-edge.js';

/** Proved tiles that are kept: 2 MiB of them. */
const tilesMax = 256;

/**
 * The tiles of the tree of a size and a root, whoever delivers them: the partial ones at the right edge have to give the
 * root, every full one its hash in the tile above. `bad_tile` for anything else, `out_of_range` for tiles that the tree
 * does not have. A tile that was narrower in an earlier tree is the beginning of the present one.
 */
export function authenticated(tiles: TileSource, head: { readonly size: bigint; readonly root: Uint8Array }): TileSource {
  const proved = new Map<string, Promise<Uint8Array>>();
  const root = new Uint8Array(head.root);

  async function proveEdge(): Promise<TreeEdge> {
    const edge = await edgeOf(tiles, head.size);
    if (!sameBytes(edge.root(), root)) throw new TlogError('bad_tile', 'expected tiles that lead to the root');
    return edge;
  }

  async function proveFull(tile: Tile): Promise<Uint8Array> {
    const above = tileAt(head.size, tile.level + 1, tile.index >> 8n);
    const parent = await provedTile(above);
    const at = Number(tile.index % BigInt(tileWidth)) * hashBytes;
    const hashes = await readExactly(tiles, tile);
    if (!sameBytes(perfectRoot(hashes), parent.subarray(at, at + hashBytes))) throw new TlogError('bad_tile', `expected tile ${tile.level}/${tile.index} to lead to the root`);
    return hashes;
  }

  let edge: Promise<TreeEdge> | undefined;
  async function provedTile(tile: Tile): Promise<Uint8Array> {
    if (tile.width === tileWidth) return remembered(proved, tilePath(tile), () => proveFull(tile));
    // A failure is not kept: the next answer may be the true one.
    edge ??= proveEdge().catch((error: unknown) => {
      edge = undefined;
      throw error;
    });
    return (await edge).partials[tile.level] ?? new Uint8Array();
  }

  return {
    async readTile(tile) {
      tilePath(tile);
      const whole = tileAt(head.size, tile.level, tile.index);
      if (tile.width > whole.width) throw new TlogError('out_of_range', `expected a tile of the tree of size ${head.size}`);
      return new Uint8Array((await provedTile(whole)).subarray(0, tile.width * hashBytes));
    },
  };
}

function remembered(proved: Map<string, Promise<Uint8Array>>, key: string, prove: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const known = proved.get(key);
  if (known) return known;
  const made = prove().catch((error: unknown) => {
    proved.delete(key);
    throw error;
  });
  proved.set(key, made);
  const [oldest] = proved.keys();
  if (proved.size > tilesMax && oldest !== undefined) proved.delete(oldest);
  return made;
}
