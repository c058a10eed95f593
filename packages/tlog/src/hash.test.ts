import { expect, test } from 'vitest';
import { leafHash } from './hash.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test.each([
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'],
])('leaf `%s` has the hash of the RFC 6962 reference tree', (leaf, expected) => {
  expect(hex(leafHash(Buffer.from(leaf, 'hex')))).toBe(expected);
});
