import { primes, rootBits } from './sha-constants.js';

const blockBytes = 64;
const rounds = 64;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2). */
const constants = Uint32Array.from(primes(rounds), (prime) => Number(rootBits(prime, 3n, 32n)));
/** The same of the square roots of the first eight (section 5.3.3). */
const start = Uint32Array.from(primes(8), (prime) => Number(rootBits(prime, 2n, 32n)));

/** SHA-256, 32 bytes (FIPS 180-4), where there is no Node. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const state = Uint32Array.from(start);
  const schedule = new Uint32Array(rounds);
  const whole = bytes.length - (bytes.length % blockBytes);
  for (let at = 0; at < whole; at += blockBytes) compress(state, schedule, bytes, at);
  const rest = padded(bytes, whole);
  for (let at = 0; at < rest.length; at += blockBytes) compress(state, schedule, rest, at);
  const digest = new Uint8Array(32);
  const view = new DataView(digest.buffer);
  state.forEach((word, at) => view.setUint32(4 * at, word));
  return digest;
}

/** What is left after the whole blocks, a one bit, zeros, and the length in bits. */
function padded(bytes: Uint8Array, from: number): Uint8Array {
  const left = bytes.length - from;
  const rest = new Uint8Array(left + 9 > blockBytes ? 2 * blockBytes : blockBytes);
  rest.set(bytes.subarray(from));
  rest[left] = 0x80;
  new DataView(rest.buffer).setBigUint64(rest.length - 8, BigInt(bytes.length) * 8n);
  return rest;
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));
const at32 = (words: Uint32Array, at: number): number => words[at] ?? 0;

function expand(schedule: Uint32Array, bytes: Uint8Array, from: number): void {
  for (let word = 0; word < 16; word++) {
    const at = from + 4 * word;
    schedule[word] = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }
  for (let word = 16; word < rounds; word++) {
    const near = at32(schedule, word - 2);
    const far = at32(schedule, word - 15);
    const mixed = (rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10)) + (rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3));
    schedule[word] = mixed + at32(schedule, word - 7) + at32(schedule, word - 16);
  }
}

function compress(state: Uint32Array, schedule: Uint32Array, bytes: Uint8Array, from: number): void {
  expand(schedule, bytes, from);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let round = 0; round < rounds; round++) {
    const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + at32(constants, round) + at32(schedule, round)) | 0;
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => {
    state[at] = at32(state, at) + word;
  });
}
