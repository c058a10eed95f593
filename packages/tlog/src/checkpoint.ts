import { fromBase64, toBase64 } from './base64.js';
import { checkNumber, parseDecimal } from './decimal.js';
import { hashBytes } from './hash.js';
import type { Verifier } from './key.js';
import { checkText } from './note.js';
import { type OpenNote, openNote } from './open-note.js';
import { TlogError } from './tlog-error.js';

/** A tree: how many leaves it has and what they hash to, 32 bytes. */
export interface TreeHead {
  readonly size: bigint;
  readonly root: Uint8Array;
}

export interface Checkpoint extends TreeHead {
  readonly origin: string;
  /** Lines that no monitor can check; mostly there are none. */
  readonly extensions: readonly string[];
}

export interface OpenCheckpoint extends OpenNote, Checkpoint {}

/** A checkpoint from a note's text, unverified (tlog-checkpoint, Note text): a size below 2^63, a root of 32 bytes, one way to write each; `malformed`. */
export function parseCheckpoint(text: string): Checkpoint {
  checkText(text);
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n');
  const checkpoint = { origin, size: parseDecimal(size), root: parseHash(root), extensions };
  checkLines(checkpoint);
  return checkpoint;
}

/** Text of a checkpoint, to be signed as a note (tlog-checkpoint, Note text); `malformed` for an origin or an extension that is not one line. */
export function formatCheckpoint({ origin, size, root, extensions = [] }: TreeHead & { readonly origin: string; readonly extensions?: readonly string[] }): string {
  checkNumber(size);
  checkLines({ origin, extensions });
  const text = [origin, size, formatHash(root), ...extensions].map((line) => `${line}\n`).join('');
  checkText(text);
  return text;
}

/** A log's checkpoint that at least one of the log's keys signed: errors of `openNote`; `wrong_origin` when it is another log's. */
export function openCheckpoint(note: Uint8Array | string, origin: string, verifiers: readonly Verifier[]): OpenCheckpoint {
  const open = openNote(note, verifiers);
  const checkpoint = parseCheckpoint(open.text);
  if (checkpoint.origin !== origin) throw new TlogError('wrong_origin', `expected a checkpoint of ${origin}`);
  return { ...open, ...checkpoint };
}

/** A hash in its one line of base64. */
export function parseHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (hash.length !== hashBytes) throw new TlogError('malformed', 'expected a hash of 32 bytes');
  return hash;
}

/** The line of a hash. */
export function formatHash(hash: Uint8Array): string {
  if (hash.length !== hashBytes) throw new TlogError('malformed', 'expected a hash of 32 bytes');
  return toBase64(hash);
}

function checkLines({ origin, extensions }: Pick<Checkpoint, 'origin' | 'extensions'>): void {
  if ([origin, ...extensions].some((line) => line === '' || line.includes('\n'))) throw new TlogError('malformed', 'expected an origin and extensions of one line each');
}
