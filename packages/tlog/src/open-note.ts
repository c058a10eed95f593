import { checkName, sameKey, type Signer, type Verifier } from './key.js';
import { checkText, formatSignature, type NoteSignature, parseNote } from './note.js';
import { encodeText } from './octets.js';
import { TlogError } from './tlog-error.js';

export interface OpenNote {
  readonly text: string;
  /** One of each known key. */
  readonly verified: readonly NoteSignature[];
  /** Of keys that nobody named: they say nothing. */
  readonly unknown: readonly NoteSignature[];
}

/**
 * A note that at least one known key signed (signed-note, Signatures): `unknown_key` when none did, `bad_signature` when
 * a known key's signature does not verify, whatever the others say. Unknown keys are ignored.
 */
export function openNote(note: Uint8Array | string, verifiers: readonly Verifier[]): OpenNote {
  const { text, signatures } = parseNote(note);
  const { known, unknown } = sortSignatures(text, signatures, verifiers);
  const verified = known.filter((signature, at) => known.findIndex((earlier) => sameKey(earlier, signature)) === at);
  if (verified.length === 0) throw new TlogError('unknown_key', 'expected a signature of a known key');
  return { text, verified, unknown };
}

/** Signatures by whether their key is known; known ones are verified, duplicates too. */
export function sortSignatures(text: string, signatures: readonly NoteSignature[], verifiers: readonly Verifier[]): { readonly known: readonly NoteSignature[]; readonly unknown: readonly NoteSignature[] } {
  const message = encodeText(text);
  const known: NoteSignature[] = [];
  const unknown: NoteSignature[] = [];
  for (const signature of signatures) {
    const named = verifiers.filter((verifier) => sameKey(verifier, signature));
    const [verifier] = named;
    if (named.length > 1) throw new TlogError('conflict', `expected one key of the name ${signature.name} and the id`);
    if (verifier && !verifier.verify(message, signature.signature)) throw new TlogError('bad_signature', `expected a signature by ${signature.name} that verifies`);
    (verifier ? known : unknown).push(signature);
  }
  return { known, unknown };
}

/** A text, signed (signed-note, Format); `malformed` unless it ends with a newline and has no control characters. */
export function signNote(text: string, signers: readonly Signer[]): string {
  checkText(text);
  if (signers.length === 0) throw new TlogError('unknown_key', 'expected a signer');
  signers.forEach(({ name }) => checkName(name));
  const message = encodeText(text);
  const note = `${text}\n${signers.map((signer) => formatSignature({ name: signer.name, keyId: signer.keyId, signature: signer.sign(message) })).join('')}`;
  parseNote(note);
  return note;
}
