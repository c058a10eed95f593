import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyRoot, leafHash, nodeHash } from './hash.js';
import { rootBy } from './reference-tree.kit.js';
import { sha256 as nodeSha256 } from './sha256-node.js';
import { sha256 } from './sha256.js';
import { sha512 } from './sha512.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];

test.each([
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'],
])('leaf `%s` has the hash of the RFC 6962 reference tree', (leaf, expected) => {
  expect(hex(leafHash(Buffer.from(leaf, 'hex')))).toBe(expected);
});

test('the reference tree of eight leaves and the empty tree have their published roots', () => {
  expect(hex(rootBy(leaves.map((leaf) => leafHash(Buffer.from(leaf, 'hex')))))).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  expect(hex(emptyRoot)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('a text is hashed as its UTF-8', () => {
  expect(leafHash('é \u{1f600}')).toEqual(leafHash(Buffer.from('é \u{1f600}')));
});

test('attack: a leaf is never taken for a node', () => {
  const [left, right] = [leafHash('a'), leafHash('b')];
  expect(hex(leafHash(Buffer.concat([left, right])))).not.toBe(hex(nodeHash(left, right)));
});

describe('without Node', () => {
  const anyBytes = fc.uint8Array({ maxLength: 400 });

  test('law: SHA-256 and SHA-512 are those of Node', () => {
    fc.assert(fc.property(anyBytes, (bytes) => {
      expect(hex(sha256(bytes))).toBe(hex(nodeSha256(bytes)));
      expect(hex(sha512(bytes))).toBe(createHash('sha512').update(bytes).digest('hex'));
    }));
  });

  test('law: they are at every length around a block', () => {
    for (let length = 0; length < 300; length++) {
      const bytes = new Uint8Array(length).fill(length);
      expect(hex(sha256(bytes))).toBe(hex(nodeSha256(bytes)));
      expect(hex(sha512(bytes))).toBe(createHash('sha512').update(bytes).digest('hex'));
    }
  });
});
