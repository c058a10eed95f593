import { createPrivateKey, sign } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add, decompress, encode, tableOf } from './ed25519-curve.js';
import { verifyEd25519 as inNode } from './ed25519-node.js';
import { fieldPrime, groupOrder, littleEndian, smallOrderYs } from './ed25519-rule.js';
import { verifyEd25519 as elsewhere } from './ed25519.js';
import { logKey } from './small-log.kit.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const little = (number: bigint) => Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
const both = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => [inNode(key, message, signature), elsewhere(key, message, signature)];
const key = logKey();
const message = Buffer.from('message');
const signature = key.sign(message);

// RFC 8032, section 7.1, tests 1 and 2.
test.each([
  ['d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', '', 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'],
  ['3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '72', '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'],
])('the RFC 8032 signature by %s is valid, in Node and elsewhere', (publicKey, text, signed) => {
  expect(both(bytes(publicKey), bytes(text), bytes(signed))).toEqual([true, true]);
});

test('law: what Node signs is valid, in Node and elsewhere', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 300 }), (seed, text) => {
    const privateKey = createPrivateKey({ key: Buffer.concat([bytes('302e020100300506032b657004220420'), seed]), format: 'der', type: 'pkcs8' });
    const publicKey = bytes(String(privateKey.export({ format: 'jwk' }).x && Buffer.from(String(privateKey.export({ format: 'jwk' }).x), 'base64url').toString('hex')));
    expect(both(publicKey, text, Uint8Array.from(sign(null, text, privateKey)))).toEqual([true, true]);
  }), { numRuns: 30 });
});

test('attack: a changed bit of key, message or signature is refused, in Node and elsewhere', () => {
  for (let bit = 0; bit < 512; bit++) {
    const flipped = (part: Uint8Array) => part.map((byte, at) => (at === (bit >> 3) % part.length ? byte ^ (1 << (bit & 7)) : byte));
    expect(both(key.publicKey, message, flipped(signature))).toEqual([false, false]);
    if (bit < 256) expect(both(flipped(key.publicKey), message, signature)).toEqual([false, false]);
    if (bit < 56) expect(both(key.publicKey, flipped(message), signature)).toEqual([false, false]);
  }
});

test('law: both say the same of random and of nearly valid input', () => {
  const part = (valid: Uint8Array) => fc.oneof(fc.constant(valid), fc.uint8Array({ minLength: valid.length, maxLength: valid.length }), fc.uint8Array({ maxLength: 70 }), fc.constantFrom(...[...smallOrderYs].map(little)));
  fc.assert(fc.property(part(key.publicKey), part(message), part(signature), (publicKey, text, signed) => {
    const [node, other] = both(publicKey, text, signed);
    expect(node).toBe(other);
  }), { numRuns: 300 });
});

test('attack: a second S for one signature is refused', () => {
  const scalar = littleEndian(signature.subarray(32)) + groupOrder;
  const forged = Uint8Array.from([...signature.subarray(0, 32), ...little(scalar)]);
  expect(both(key.publicKey, message, forged)).toEqual([false, false]);
});

test('the points of small order are just these: eight times each is the neutral point', () => {
  expect(smallOrderYs.size).toBe(5);
  for (const y of smallOrderYs) {
    const point = decompress({ y, negative: false });
    expect(point && littleEndian(encode(tableOf(point)[8] ?? point))).toBe(1n);
  }
});

test('attack: a key of small order signs nothing, in any encoding', () => {
  for (const y of smallOrderYs) {
    for (const encoding of [y, y + (1n << 255n), y + fieldPrime, y + fieldPrime + (1n << 255n)]) {
      if (encoding >> 256n !== 0n) continue;
      for (const commitment of [1n, y]) expect(both(little(encoding), message, Uint8Array.from([...little(commitment), ...little(0n)]))).toEqual([false, false]);
    }
  }
});

test('law: adding is the same in either order, and doubling is adding to itself', () => {
  const point = decompress({ y: littleEndian(key.publicKey) & ((1n << 255n) - 1n), negative: (key.publicKey[31] ?? 0) > 127 });
  if (!point) throw new Error('expected a point');
  const [, one = point, two = point, three = point] = tableOf(point);
  expect(encode(add(one, two))).toEqual(encode(add(two, one)));
  expect(encode(add(two, one))).toEqual(encode(three));
});
