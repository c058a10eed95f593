const pointBytes = 32;
const signatureBytes = 64;

/** The field's prime, 2^255 - 19. */
export const fieldPrime = (1n << 255n) - 19n;
/** Order of the base point (RFC 8032, section 5.1). */
export const groupOrder = (1n << 252n) + 27742317777372353535851937790883648493n;

/** A y of the points of order 8; the other is its negative. Those of order 1, 2 and 4 have 1, -1 and 0. */
const orderEightY = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
/** Their y: an x of either sign goes with it. */
export const smallOrderYs: ReadonlySet<bigint> = new Set([0n, 1n, fieldPrime - 1n, orderEightY, fieldPrime - orderEightY]);

/** An encoded point: its y, and the sign of its x. */
export interface Encoded {
  readonly y: bigint;
  readonly negative: boolean;
}

export interface Parts {
  readonly publicPoint: Encoded;
  readonly scalar: bigint;
}

/**
 * What the bytes alone say, the same everywhere (RFC 8032, section 5.1.7, read strictly): S is below the group order, A
 * and R are the one encoding of their point, A is not of small order. Nothing when they do not hold.
 */
export function partsOf(publicKey: Uint8Array, signature: Uint8Array): Parts | undefined {
  if (publicKey.length !== pointBytes || signature.length !== signatureBytes) return undefined;
  const publicPoint = encodedPoint(publicKey);
  const commitment = encodedPoint(signature.subarray(0, pointBytes));
  const scalar = littleEndian(signature.subarray(pointBytes));
  const isStrict = scalar < groupOrder && isCanonical(publicPoint) && isCanonical(commitment) && !smallOrderYs.has(publicPoint.y);
  return isStrict ? { publicPoint, scalar } : undefined;
}

/** A number from its bytes, lowest first. */
export function littleEndian(bytes: Uint8Array): bigint {
  let hex = '0x0';
  for (let at = bytes.length - 1; at >= 0; at--) hex += (bytes[at] ?? 0).toString(16).padStart(2, '0');
  return BigInt(hex);
}

function encodedPoint(bytes: Uint8Array): Encoded {
  const number = littleEndian(bytes);
  return { y: number & ((1n << 255n) - 1n), negative: number >> 255n === 1n };
}

/** Where x is 0 there is no negative one. */
const isCanonical = ({ y, negative }: Encoded): boolean => y < fieldPrime && !(negative && (y === 1n || y === fieldPrime - 1n));
