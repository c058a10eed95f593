import { createPublicKey, type KeyObject } from 'node:crypto';

type Value = number | Uint8Array;

/** Members of a COSE_Key (RFC 9052, section 7; RFC 9053, section 7). */
const kty = 1;
const alg = 3;
const curveOrModulus = -1;
const xOrExponent = -2;
const y = -3;

export interface CoseKey {
  readonly key: KeyObject;
  /** Digest that is signed; none for EdDSA, which takes the message itself. */
  readonly digest: 'sha256' | null;
}

/** The public key of a COSE_Key for ES256, EdDSA (Ed25519) or RS256; nothing for every other sequence of bytes. */
export function readCoseKey(bytes: Uint8Array): CoseKey | undefined {
  const members = readMap(bytes);
  const one = members?.get(curveOrModulus);
  const two = members?.get(xOrExponent);
  const three = members?.get(y);
  if (!members || !(two instanceof Uint8Array)) return undefined;
  try {
    switch (`${String(members.get(kty))} ${String(members.get(alg))}`) {
      case '2 -7':
        return one === 1 && three instanceof Uint8Array ? { key: fromJwk({ kty: 'EC', crv: 'P-256', x: text(two), y: text(three) }), digest: 'sha256' } : undefined;
      case '1 -8':
        return one === 6 ? { key: fromJwk({ kty: 'OKP', crv: 'Ed25519', x: text(two) }), digest: null } : undefined;
      case '3 -257':
        return one instanceof Uint8Array ? { key: fromJwk({ kty: 'RSA', n: text(one), e: text(two) }), digest: 'sha256' } : undefined;
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const fromJwk = (key: Record<string, string>): KeyObject => createPublicKey({ key, format: 'jwk' });

const membersMax = 8;

/** A CBOR map of whole numbers to whole numbers and byte strings (RFC 8949, section 3), which is all that such a key is made of. */
function readMap(bytes: Uint8Array): ReadonlyMap<number, Value> | undefined {
  const reader = new Reader(bytes);
  const head = reader.head();
  if (head?.type !== 5 || head.size > membersMax) return undefined;
  const members = new Map<number, Value>();
  for (let i = 0; i < head.size; i++) {
    const name = reader.value();
    const value = reader.value();
    if (typeof name !== 'number' || value === undefined || members.has(name)) return undefined;
    members.set(name, value);
  }
  return reader.isAtEnd ? members : undefined;
}

class Reader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  head(): { readonly type: number; readonly size: number } | undefined {
    const first = this.bytes[this.#at++];
    if (first === undefined) return undefined;
    const short = first & 31;
    const length = short < 24 ? 0 : 1 << (short - 24);
    if (length > 2) return undefined;
    const long = this.bytes.subarray(this.#at, this.#at + length);
    if (long.length < length) return undefined;
    this.#at += length;
    return { type: first >> 5, size: length === 0 ? short : long.reduce((sum, byte) => sum * 256 + byte, 0) };
  }

  value(): Value | undefined {
    const head = this.head();
    if (!head) return undefined;
    if (head.type === 0) return head.size;
    if (head.type === 1) return -1 - head.size;
    const bytes = this.bytes.subarray(this.#at, this.#at + head.size);
    if (head.type !== 2 || bytes.length < head.size) return undefined;
    this.#at += head.size;
    return bytes;
  }
}
