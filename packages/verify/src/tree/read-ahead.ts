import type { LogSource } from '../source/source.js';
import { type FromFile, readBundle, readTile } from '../source/log-files.js';

/** Bundles that are asked for before they are needed. */
const aheadMost = 8;
const fullWidth = 256;

/** One bundle and the level 0 tile beside it, as they were answered. */
export interface Chunk {
  /** Index of the first entry. */
  readonly first: number;
  readonly width: number;
  readonly leaves: FromFile<readonly Uint8Array[] | undefined> | Error;
  readonly hashes: FromFile<Uint8Array> | Error;
}

/** All bundles of a tree of a size, in their order; what could not be read is an error in its place. */
export async function* chunks(source: LogSource, size: number): AsyncGenerator<Chunk, void, undefined> {
  const total = Math.ceil(size / fullWidth);
  const reading: Promise<Chunk>[] = [];
  for (let next = 0; reading.length > 0 || next < total; ) {
    while (next < total && reading.length < aheadMost) reading.push(readChunk(source, next++, size));
    const chunk = reading.shift();
    if (chunk) yield await chunk;
  }
}

async function readChunk(source: LogSource, at: number, size: number): Promise<Chunk> {
  const first = at * fullWidth;
  const width = Math.min(fullWidth, size - first);
  const [leaves, hashes] = await Promise.all([
    readBundle(source, { index: BigInt(at), width }).catch(asError),
    readTile(source, { level: 0, index: BigInt(at), width }).catch(asError),
  ]);
  return { first, width, leaves, hashes };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
