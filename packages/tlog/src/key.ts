import { sha256 } from '#sha256';
import { verifyEd25519 } from '#ed25519';
import { fromBase64, toBase64 } from './base64.js';
import { concatenated, encodeText } from './octets.js';
import { TlogError } from './tlog-error.js';

/** Signature types of signed-note. */
export const ed25519Type = 0x01;
export const cosignatureType = 0x04;
export const mlDsaType = 0x06;

const keyBytes: ReadonlyMap<number, number> = new Map([[ed25519Type, 32], [cosignatureType, 32], [mlDsaType, 1312]]);
const idBytes = 4;
const vkeyLengthMax = 4096;

/** What a signature line calls a key by. */
export interface KeyName {
  readonly name: string;
  readonly keyId: number;
}

export interface Signer extends KeyName {
  sign(message: Uint8Array): Uint8Array;
}

export interface Verifier extends KeyName {
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A verifier key as text says it, whatever its type. */
export interface Vkey extends KeyName {
  readonly type: number;
  readonly publicKey: Uint8Array;
}

/** A verifier that knows its key of 32 bytes. */
export interface VerifierKey extends Verifier {
  readonly publicKey: Uint8Array;
}

/** The verifier of an Ed25519 verifier key, `name+id+base64` (signed-note, Verifier keys); `malformed` for every other, also of another type. */
export function parseVerifierKey(vkey: string): VerifierKey {
  return noteVerifier(parseVkey(vkey));
}

/** The verifier of notes that a key of type 0x01 signs; `malformed` for another type. */
export function noteVerifier({ name, keyId, type, publicKey }: Vkey): VerifierKey {
  if (type !== ed25519Type) throw new TlogError('malformed', 'expected a verifier key of type 0x01');
  return { name, keyId, publicKey, verify: (message, signature) => verifyEd25519(publicKey, message, signature) };
}

/** A key as text, `name+id+base64`: of type 0x01 unless another is given (signed-note, Verifier keys). */
export function formatVerifierKey(name: string, publicKey: Uint8Array, type: number = ed25519Type): string {
  return `${name}+${hexOf(keyIdOf(name, type, publicKey))}+${toBase64(concatenated([Uint8Array.of(type), publicKey]))}`;
}

/** Id of a key, 32 bits: the first of SHA-256 over the name, a newline, the type and the key (signed-note, Signatures); `malformed` for a name that no key can have. */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  checkName(name);
  return readUint32(sha256(concatenated([encodeText(`${name}\n`), Uint8Array.of(type), publicKey])));
}

/** A verifier key of a known type, its id checked against the key. */
export function parseVkey(vkey: string): Vkey {
  const [name = '', id = '', ...rest] = vkey.length > vkeyLengthMax ? [] : vkey.split('+');
  // The base64 has plus signs of its own.
  const [type, ...key] = fromBase64(rest.join('+'));
  if (type === undefined || !vkey.isWellFormed()) throw notKey();
  const publicKey = Uint8Array.from(key);
  if (publicKey.length !== keyBytes.get(type)) throw new TlogError('malformed', 'expected a verifier key of a known type');
  const keyId = keyIdOf(name, type, publicKey);
  if (id !== hexOf(keyId)) throw new TlogError('malformed', 'expected the id of the key');
  return { name, keyId, type, publicKey };
}

/** Refuses a name that a signature line cannot carry: empty, with Unicode spaces, plus or control characters (signed-note, Format). */
export function checkName(name: string): void {
  if (name === '' || /[\p{White_Space}+\u0000-\u001f]/u.test(name) || !name.isWellFormed()) throw new TlogError('malformed', 'expected a key name without spaces and plus');
}

/** Whether two lines are by one key. */
export const sameKey = (left: KeyName, right: KeyName): boolean => left.keyId === right.keyId && left.name === right.name;

/** The key id that a signature begins with. */
export const readUint32 = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, idBytes).getUint32(0);

/** A key id as a signature begins with it. */
export function writeUint32(number: number): Uint8Array {
  const bytes = new Uint8Array(idBytes);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const hexOf = (id: number): string => id.toString(16).padStart(2 * idBytes, '0');

const notKey = () => new TlogError('malformed', 'expected a verifier key, name+id+key');
