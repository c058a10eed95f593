import { primes, rootBits } from './sha-constants.js';

const blockBytes = 128;
const rounds = 80;
const wordMask = (1n << 64n) - 1n;

/** First 64 bits of the fractional parts of the cube roots of the first 80 primes (FIPS 180-4, section 4.2.3). */
const constants = primes(rounds).map((prime) => rootBits(prime, 3n, 64n));
/** The same of the square roots of the first eight (section 5.3.5). */
const start = primes(8).map((prime) => rootBits(prime, 2n, 64n));

/** SHA-512, 64 bytes (FIPS 180-4), where there is no Node; written to be read, for Ed25519 only. */
export function sha512(bytes: Uint8Array): Uint8Array {
  const message = padded(bytes);
  const view = new DataView(message.buffer);
  let state: readonly bigint[] = start;
  for (let at = 0; at < message.length; at += blockBytes) state = compressed(state, scheduleOf(view, at));
  const digest = new DataView(new ArrayBuffer(64));
  state.forEach((word, at) => digest.setBigUint64(8 * at, word));
  return new Uint8Array(digest.buffer);
}

function padded(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(Math.ceil((bytes.length + 17) / blockBytes) * blockBytes);
  message.set(bytes);
  message[bytes.length] = 0x80;
  new DataView(message.buffer).setBigUint64(message.length - 8, BigInt(bytes.length) * 8n);
  return message;
}

const rotate = (word: bigint, by: bigint): bigint => (word >> by) | ((word << (64n - by)) & wordMask);

function scheduleOf(view: DataView, from: number): readonly bigint[] {
  const words = Array.from({ length: 16 }, (_, word) => view.getBigUint64(from + 8 * word));
  for (let word = 16; word < rounds; word++) {
    const [near = 0n, far = 0n, middle = 0n, first = 0n] = [words[word - 2], words[word - 15], words[word - 7], words[word - 16]];
    const mixed = (rotate(near, 19n) ^ rotate(near, 61n) ^ (near >> 6n)) + (rotate(far, 1n) ^ rotate(far, 8n) ^ (far >> 7n));
    words.push((mixed + middle + first) & wordMask);
  }
  return words;
}

function compressed(state: readonly bigint[], schedule: readonly bigint[]): readonly bigint[] {
  let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state;
  schedule.forEach((word, round) => {
    const first = h + (rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n)) + ((e & f) ^ (~e & wordMask & g)) + (constants[round] ?? 0n) + word;
    const second = (rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) & wordMask, c, b, a, (first + second) & wordMask];
  });
  return [a, b, c, d, e, f, g, h].map((word, at) => (word + (state[at] ?? 0n)) & wordMask);
}
