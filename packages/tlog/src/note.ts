import { fromBase64, toBase64 } from './base64.js';
import { checkName, type KeyName, readUint32, writeUint32 } from './key.js';
import { boundedText, checkControls } from './lines.js';
import { concatenated } from './octets.js';
import { TlogError } from './tlog-error.js';

/** Most signatures of a note that are read; the specification asks for at least 16. */
const signaturesMax = 100;
const idBytes = 4;
const dash = '\u2014 ';

export interface NoteSignature extends KeyName {
  /** What follows the key id. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends with a newline. Not to be believed before a signature is verified. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note's text and its signatures, unverified (signed-note, Format): at most 1 MiB, 1 to 100 signatures; `malformed` or `too_large`. */
export function parseNote(note: Uint8Array | string): Note {
  const all = boundedText(note);
  checkControls(all);
  const split = all.lastIndexOf('\n\n');
  if (split < 0 || !all.endsWith('\n')) throw notNote();
  return { text: all.slice(0, split + 1), signatures: parseSignatures(all.slice(split + 2)) };
}

/** Signature lines, each with its newline: 1 to 100. */
export function parseSignatures(lines: string): readonly NoteSignature[] {
  const parts = lines.split('\n');
  if (parts.pop() !== '' || parts.length === 0) throw notNote();
  if (parts.length > signaturesMax) throw new TlogError('too_large', `expected at most ${signaturesMax} signatures`);
  return parts.map(parseSignature);
}

/** A signature's line, with its newline. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  checkName(name);
  return `${dash}${name} ${toBase64(concatenated([writeUint32(keyId), signature]))}\n`;
}

/** Refuses a text that cannot be signed: it ends with a newline and has no control characters (signed-note, Format). */
export function checkText(text: string): void {
  boundedText(text);
  checkControls(text);
  if (!text.endsWith('\n')) throw new TlogError('malformed', 'expected a text that ends with a newline');
}

function parseSignature(line: string): NoteSignature {
  const [name = '', base64 = '', ...more] = line.startsWith(dash) ? line.slice(dash.length).split(' ') : [];
  if (more.length > 0) throw notNote();
  checkName(name);
  const bytes = fromBase64(base64);
  if (bytes.length <= idBytes) throw notNote();
  return { name, keyId: readUint32(bytes), signature: bytes.subarray(idBytes) };
}

const notNote = () => new TlogError('malformed', 'expected a signed note');
