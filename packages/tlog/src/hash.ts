import { sha256 } from '#sha256';
import { encodeText } from './octets.js';

/** Bytes of a hash. */
export const hashBytes = 32;

/** Root of the tree without leaves: the hash of nothing (RFC 6962, section 2.1). */
export const emptyRoot: Uint8Array = sha256(new Uint8Array());

/** Hash of one leaf, 32 bytes: SHA-256 over 0x00 and the leaf's bytes, a text's in UTF-8 (RFC 6962, section 2.1). */
export function leafHash(leaf: Uint8Array | string): Uint8Array {
  const bytes = typeof leaf === 'string' ? encodeText(leaf) : leaf;
  const input = new Uint8Array(1 + bytes.length);
  input.set(bytes, 1);
  return sha256(input);
}

/** Hash of two nodes, 32 bytes: SHA-256 over 0x01, the left and the right hash (RFC 6962, section 2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + 2 * hashBytes);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashBytes);
  return sha256(input);
}

/** Root of a perfect tree over hashes that lie one after the other; their number is a power of two. */
export function perfectRoot(hashes: Uint8Array): Uint8Array {
  // One buffer for all nodes: this is where appending spends its time.
  const input = new Uint8Array(1 + 2 * hashBytes);
  input[0] = 1;
  let row = hashes;
  while (row.length > hashBytes) {
    const above = new Uint8Array(row.length / 2);
    for (let at = 0; at < above.length; at += hashBytes) {
      input.set(row.subarray(2 * at, 2 * (at + hashBytes)), 1);
      above.set(sha256(input), at);
    }
    row = above;
  }
  return row;
}
