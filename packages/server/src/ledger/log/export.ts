import { FlyballError } from '@flyball/protocol';
import { type Bundle, bundlePath, parseCheckpoint, parseNote, tilePath, tilesOf } from '@flyball/tlog';
import type { FileStore } from './log-store.js';

interface ExportedLog {
  readonly size: bigint;
  readonly written: number;
  readonly present: number;
}

const fullWidth = 256;
const octets = 'application/octet-stream';

/**
 * Writes a log as static files (C2SP tlog-tiles). What is full never changes, so it is written once; the checkpoint
 * comes last, when everything that it speaks of is there.
 *
 * @param read a file of the log by its path, `checkpoint` included
 */
export async function exportLog(read: (path: string) => Promise<Uint8Array>, store: FileStore, progress: (done: number, all: number) => void): Promise<ExportedLog> {
  const checkpoint = await read('checkpoint');
  const { origin, size } = readHead(checkpoint);
  const there = await store.read('checkpoint');
  const before = there && readHead(there);
  if (before && (before.origin !== origin || before.size > size)) throw new FlyballError('usage', `expected an empty place or an earlier export of \`${origin}\`, found ${String(before.size)} entries of \`${before.origin}\`; nothing was written`);
  const files = filesOf(size);
  let written = 0;
  for (const [index, { path, full }] of files.entries()) {
    if (!(full && (await store.has(path)))) {
      await store.put(path, await read(path), octets);
      written++;
    }
    progress(index + 1, files.length);
  }
  await store.put('checkpoint', checkpoint, 'text/plain; charset=utf-8');
  return { size, written: written + 1, present: files.length - written };
}

function readHead(checkpoint: Uint8Array) {
  return parseCheckpoint(parseNote(checkpoint).text);
}

/** Every tile and every entry bundle of a tree of this size. */
function filesOf(size: bigint): readonly { readonly path: string; readonly full: boolean }[] {
  const tiles = [...tilesOf(size)];
  const bundles = tiles.filter(({ level }) => level === 0).map(({ index, width }): Bundle => ({ index, width }));
  return [...tiles.map((tile) => ({ path: tilePath(tile), full: tile.width === fullWidth })), ...bundles.map((bundle) => ({ path: bundlePath(bundle), full: bundle.width === fullWidth }))];
}
