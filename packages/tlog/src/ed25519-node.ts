import { createPublicKey, verify } from 'node:crypto';
import { partsOf } from './ed25519-rule.js';

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410, section 4). */
const keyPrefix = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/**
 * Whether an Ed25519 signature is valid by one rule (RFC 8032, section 5.1.7, strictly): S below the group order, A and R
 * canonical, A not of small order, the equation without cofactor compared byte for byte. Never throws.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!partsOf(publicKey, signature)) return false;
  const encoded = Buffer.concat([keyPrefix, publicKey]);
  return verify(null, message, createPublicKey({ key: encoded, format: 'der', type: 'spki' }), signature);
}
