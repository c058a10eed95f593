import { parseDecimal, sizesEnd, checkNumber } from './decimal.js';
import { TlogError } from './tlog-error.js';

/** Hashes of a full tile, entries of a full bundle. */
export const tileWidth = 256;
/** A tile is a tree of this height. */
export const tileHeight = 8n;
const levelsMax = 63;

/** A tile of hashes: `level` 0 to 63, `width` 1 to 256 (tlog-tiles, Merkle Tree). */
export interface Tile {
  readonly level: number;
  readonly index: bigint;
  readonly width: number;
}

/** A bundle of entries: `width` 1 to 256 (tlog-tiles, Log entries). */
export interface Bundle {
  readonly index: bigint;
  readonly width: number;
}

export type TreePath = { readonly kind: 'tile'; readonly tile: Tile } | { readonly kind: 'bundle'; readonly bundle: Bundle };

/** Path of a tile below the log's prefix, without leading slash, as `tile/0/x001/067.p/8` (tlog-tiles, Merkle Tree). */
export function tilePath({ level, index, width }: Tile): string {
  if (!Number.isInteger(level) || level < 0 || level > levelsMax) throw new TlogError('out_of_range', 'expected a level from 0 to 63');
  return `tile/${level}/${numbered(index, width)}`;
}

/** Path of a bundle below the log's prefix, without leading slash, as `tile/entries/x001/067.p/8` (tlog-tiles, Log entries). */
export function bundlePath({ index, width }: Bundle): string {
  return `tile/entries/${numbered(index, width)}`;
}

/** What a path of `tilePath` or `bundlePath` names; `malformed` for every other text. */
export function parsePath(text: string): TreePath {
  const { place, digits, width = `${tileWidth}` } = /^tile\/(?<place>entries|\d{1,2})\/(?<digits>(?:x\d{3}\/){0,6}\d{3})(?:\.p\/(?<width>\d{1,3}))?$/.exec(text)?.groups ?? {};
  if (place === undefined || digits === undefined) throw unknownPath();
  const index = BigInt(digits.replaceAll(/[x/]/g, ''));
  const part = { index, width: Number(width) };
  const path: TreePath = place === 'entries' ? { kind: 'bundle', bundle: part } : { kind: 'tile', tile: { level: Number(parseDecimal(place)), ...part } };
  if (index >= sizesEnd || part.width < 1 || part.width > tileWidth || (path.kind === 'tile' && path.tile.level > levelsMax)) throw unknownPath();
  // One tile has one path: leading zeros and a full tile's width are not said.
  if ((path.kind === 'tile' ? tilePath(path.tile) : bundlePath(path.bundle)) !== text) throw unknownPath();
  return path;
}

/** All tiles of a tree of a size, level by level: full ones and the partial one at the right edge (tlog-tiles, Partial Tiles). */
export function* tilesOf(size: bigint): Generator<Tile, void, undefined> {
  checkNumber(size);
  for (let level = 0; size >> (tileHeight * BigInt(level)) > 0n; level++) {
    const hashes = size >> (tileHeight * BigInt(level));
    for (let index = 0n; index < hashes >> tileHeight; index++) yield { level, index, width: tileWidth };
    const edge = edgeTile(size, level);
    if (edge) yield edge;
  }
}

/** The partial tile of a level; nothing where all are full. */
export function edgeTile(size: bigint, level: number): Tile | undefined {
  const hashes = size >> (tileHeight * BigInt(level));
  const width = Number(hashes % BigInt(tileWidth));
  return width === 0 ? undefined : { level, index: hashes >> tileHeight, width };
}

/** The partial tiles of a tree, lowest level first. */
export function edgeTiles(size: bigint): readonly Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; size >> (tileHeight * BigInt(level)) > 0n; level++) {
    const tile = edgeTile(size, level);
    if (tile) tiles.push(tile);
  }
  return tiles;
}

/** The tile at an index of a level, as wide as a tree of the size has it; width 0 when it has none. */
export function tileAt(size: bigint, level: number, index: bigint): Tile {
  const hashes = (size >> (tileHeight * BigInt(level))) - (index << tileHeight);
  return { level, index, width: hashes < 0n ? 0 : hashes > tileWidth ? tileWidth : Number(hashes) };
}

function numbered(index: bigint, width: number): string {
  checkNumber(index);
  if (!Number.isInteger(width) || width < 1 || width > tileWidth) throw new TlogError('out_of_range', 'expected a width from 1 to 256');
  const digits = `${index}`;
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  return `${groups.join('/x').replace(/^(?=.*\/)/, 'x').replace(/x(?=\d{3}$)/, '')}${width === tileWidth ? '' : `.p/${width}`}`;
}

const unknownPath = () => new TlogError('malformed', 'expected the path of a tile or of a bundle');
