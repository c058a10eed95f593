import { append, bundlePath, emptyEdge, encodeBundle, formatCheckpoint, formatProof, inclusionProof, leafHash, signNote, type Signer, tilePath, type TileSource } from '@flyball/tlog';
import { type LogSource, VerifyError } from '../src/index.js';
import { logKey, testOrigin } from './keys.js';
import { canonical, hashOf, type TestBody, type TestEntry } from './writer.js';

/** A log as files by their paths. */
export type LogFiles = Map<string, Uint8Array>;

export interface Publishing {
  readonly origin?: string;
  readonly signers?: readonly Signer[];
}

export const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** All files of the log of these leaves, signed. */
export function publish(leaves: readonly (TestEntry | Uint8Array)[], { origin = testOrigin, signers = [logKey('first')] }: Publishing = {}): LogFiles {
  const bytes = leaves.map((leaf) => (leaf instanceof Uint8Array ? leaf : utf8(canonical(leaf))));
  const { edge, tiles } = append(emptyEdge, bytes.map((leaf) => leafHash(leaf)));
  const files: LogFiles = new Map(tiles.map(({ tile, hashes }) => [tilePath(tile), new Uint8Array(hashes)]));
  for (let first = 0; first < bytes.length; first += 256) {
    const part = bytes.slice(first, first + 256);
    files.set(bundlePath({ index: BigInt(first / 256), width: part.length }), encodeBundle(part));
  }
  return files.set('checkpoint', utf8(signNote(formatCheckpoint({ origin, size: edge.size, root: edge.root() }), signers)));
}

/** The log's checkpoint as text. */
export const checkpointOf = (files: LogFiles): string => Buffer.from(files.get('checkpoint') ?? []).toString('utf8');

/** Serves files from memory. */
export function memory(files: ReadonlyMap<string, Uint8Array>): LogSource {
  return {
    name: 'memory',
    read(path) {
      const bytes = files.get(path);
      return bytes ? Promise.resolve(bytes) : Promise.reject(new VerifyError('unavailable', `expected ${path}: there is no such file`));
    },
  };
}

const tilesIn = (files: LogFiles): TileSource => ({ readTile: (tile) => Promise.resolve(files.get(tilePath(tile)) ?? new Uint8Array()) });

/** A receipt as the server writes it. */
export async function receiptOf(files: LogFiles, entries: readonly TestEntry[], index: number, body?: Omit<TestBody, 'entry'>): Promise<string> {
  const extra = utf8(canonical({ entry: canonical(entries[index]), body: body && { salt: body.salt, content: body.content } }));
  return formatProof({ extra, index: BigInt(index), proof: await inclusionProof(tilesIn(files), BigInt(index), BigInt(entries.length)), checkpoint: checkpointOf(files) });
}

/** A promise as the server writes it. */
export function promiseOf(entry: TestEntry, { origin = testOrigin, signers = [logKey('first')] }: Publishing = {}, at = entry.at): string {
  return signNote(`flyball/promise@v1\n${origin}\n${entry.id}\n${hashOf(entry)}\n${at}\n`, signers);
}
