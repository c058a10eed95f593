import { type Bundle, bundlePath, decodeBundle, type Tile, tilePath } from '@flyball/tlog';
import { bundleBytesMax, type LogSource, tileBytesMax, unavailable } from './source.js';

const hashBytes = 32;
const fullWidth = 256;

/** What a file of the log said, and which one it was. */
export interface FromFile<T> {
  readonly file: string;
  readonly value: T;
}

/**
 * The hashes of a tile. Once a tile is full its partial ones may be gone (tlog-tiles, Partial Tiles), so the beginning
 * of the full one does as well. Throws `unavailable` for what has not the length of a tile, too.
 */
export async function readTile(source: LogSource, tile: Tile): Promise<FromFile<Uint8Array>> {
  const { file, value } = await partialOrFull(source, tile.width, (width) => tilePath({ ...tile, width }), tileBytesMax);
  const isWhole = value.length === tile.width * hashBytes || (file !== tilePath(tile) && value.length === tileBytesMax);
  if (!isWhole) throw unavailable(file, `it has ${value.length} bytes, which is no tile of ${tile.width} hashes`);
  return { file, value: value.subarray(0, tile.width * hashBytes) };
}

/** The leaves of a bundle; `value` is nothing when the file is no bundle of that many. */
export async function readBundle(source: LogSource, bundle: Bundle): Promise<FromFile<readonly Uint8Array[] | undefined>> {
  const { file, value } = await partialOrFull(source, bundle.width, (width) => bundlePath({ ...bundle, width }), bundleBytesMax);
  const isPartial = file === bundlePath(bundle);
  return { file, value: decoded(value, isPartial ? bundle.width : fullWidth)?.slice(0, bundle.width) };
}

async function partialOrFull(source: LogSource, width: number, pathOf: (width: number) => string, bytesMax: number): Promise<FromFile<Uint8Array>> {
  const file = pathOf(width);
  try {
    return { file, value: await source.read(file, bytesMax) };
  } catch (error) {
    if (width === fullWidth) throw error;
    const full = pathOf(fullWidth);
    try {
      return { file: full, value: await source.read(full, bytesMax) };
    } catch {
      throw error;
    }
  }
}

function decoded(bytes: Uint8Array, width: number): readonly Uint8Array[] | undefined {
  try {
    return decodeBundle(bytes, width);
  } catch {
    return undefined;
  }
}
