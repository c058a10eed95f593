import { hashBytes } from './hash.js';
import type { Tile } from './tile.js';
import { TlogError } from './tlog-error.js';

/** Where tiles come from: a folder, a server, a table. Answers a tile's hashes one after the other, 32 bytes each. */
export interface TileSource {
  readTile(tile: Tile): Promise<Uint8Array>;
}

/** A tile's hashes, a copy that nobody else can change: `unavailable` when the source fails, `bad_tile` when it answers another length. */
export async function readExactly(tiles: TileSource, tile: Tile): Promise<Uint8Array> {
  const hashes = await answerOf(tiles, tile);
  if (!(hashes instanceof Uint8Array) || hashes.length !== tile.width * hashBytes) throw new TlogError('bad_tile', `expected ${tile.width * hashBytes} bytes for tile ${tile.level}/${tile.index}`);
  return new Uint8Array(hashes);
}

async function answerOf(tiles: TileSource, tile: Tile): Promise<unknown> {
  try {
    return await tiles.readTile(tile);
  } catch (cause) {
    throw cause instanceof TlogError ? cause : new TlogError('unavailable', `expected tile ${tile.level}/${tile.index} of width ${tile.width}`, { cause });
  }
}
