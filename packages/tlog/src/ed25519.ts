import { baseTable, decompress, type Encoding, encode, negate, sumOfProducts, tableOf } from './ed25519-curve.js';
import { groupOrder, littleEndian, partsOf } from './ed25519-rule.js';
import { concatenated, sameBytes } from './octets.js';
import { sha512 } from './sha512.js';

/**
 * Whether an Ed25519 signature is valid by one rule (RFC 8032, section 5.1.7, strictly): S below the group order, A and R
 * canonical, A not of small order, the equation without cofactor compared byte for byte. Never throws.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const parts = partsOf(publicKey, signature);
  const point = parts && decompress(parts.publicPoint);
  if (!point) return false;
  const commitment: Encoding = signature.subarray(0, 32);
  const challenge = littleEndian(sha512(concatenated([commitment, publicKey, message]))) % groupOrder;
  // R = [S]B - [k]A, so R is not decoded: it is what comes out, or it is wrong.
  return sameBytes(encode(sumOfProducts(parts.scalar, baseTable, challenge, tableOf(negate(point)))), commitment);
}
