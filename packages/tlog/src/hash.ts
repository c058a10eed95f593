import { createHash } from 'node:crypto';

const leafPrefix = Uint8Array.of(0);

/** Hash of one leaf, 32 bytes: SHA-256 over 0x00 and the leaf's bytes (RFC 6962, section 2.1). */
export function leafHash(leaf: Uint8Array | string): Uint8Array {
  return createHash('sha256').update(leafPrefix).update(leaf).digest();
}
