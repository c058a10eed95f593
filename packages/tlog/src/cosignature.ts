import { verifyEd25519 } from '#ed25519';
import { parseCheckpoint } from './checkpoint.js';
import { sizesEnd } from './decimal.js';
import { cosignatureType, type KeyName, parseVkey, sameKey, type Verifier, type VerifierKey, type Vkey } from './key.js';
import { parseNote } from './note.js';
import { concatenated, encodeText } from './octets.js';
import { sortSignatures } from './open-note.js';
import { TlogError } from './tlog-error.js';

const timeBytes = 8;
const signatureBytes = 64;

/** That a cosigner saw the checkpoint; `time` in seconds since 1970, by its own clock. */
export interface Cosignature extends KeyName {
  readonly time: bigint;
}

/** The verifier of a cosigner's Ed25519 key of type 0x04 (tlog-cosignature, Format); `malformed` for every other, also for an ML-DSA-44 key. */
export function parseCosignerKey(vkey: string): VerifierKey {
  return cosignerVerifier(parseVkey(vkey));
}

/** The verifier of cosignatures by a key of type 0x04; `malformed` for another type. */
export function cosignerVerifier({ name, keyId, type, publicKey }: Vkey): VerifierKey {
  if (type !== cosignatureType) throw new TlogError('malformed', 'expected a verifier key of type 0x04');
  return { name, keyId, publicKey, verify: (message, signature) => isCosigned(publicKey, message, signature) };
}

/**
 * Who of the cosigners signed a checkpoint, and when; each once, with its latest time; empty when none did. Says nothing
 * of the log's own signature. `bad_signature` when one does not verify (tlog-cosignature, Format). Lines of other keys,
 * of ML-DSA-44 too, are ignored.
 */
export function openCosigned(note: Uint8Array | string, cosigners: readonly Verifier[]): readonly Cosignature[] {
  const { text, signatures } = parseNote(note);
  parseCheckpoint(text);
  const latest: Cosignature[] = [];
  for (const { name, keyId, signature } of sortSignatures(text, signatures, cosigners).known) {
    const cosignature = { name, keyId, time: timeOf(signature) };
    const at = latest.findIndex((earlier) => sameKey(earlier, cosignature));
    if (at < 0) latest.push(cosignature);
    else if ((latest[at]?.time ?? 0n) < cosignature.time) latest[at] = cosignature;
  }
  return latest;
}

/** What a cosigner signs at a time: the checkpoint's text below two lines (tlog-cosignature, Ed25519 signed message). */
export function cosignedMessage(text: Uint8Array, time: bigint): Uint8Array {
  return concatenated([encodeText(`cosignature/v1\ntime ${time}\n`), text]);
}

function isCosigned(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== timeBytes + signatureBytes || timeOf(signature) >= sizesEnd) return false;
  return verifyEd25519(publicKey, cosignedMessage(text, timeOf(signature)), signature.subarray(timeBytes));
}

const timeOf = (signature: Uint8Array): bigint => new DataView(signature.buffer, signature.byteOffset, timeBytes).getBigUint64(0);
