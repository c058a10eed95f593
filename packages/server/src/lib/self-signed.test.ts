import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { selfSigned } from './self-signed.js';

test('law: a certificate is for this machine only, verifies by its own key, and ends', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  const { cert } = selfSigned(now, 30);
  const read = new X509Certificate(cert);
  expect(read.verify(read.publicKey)).toBe(true);
  expect([read.checkHost('localhost'), read.checkIP('127.0.0.1'), read.checkIP('::1')]).toEqual(['localhost', '127.0.0.1', '::1']);
  expect([read.checkHost('example.com'), read.checkIP('127.0.0.2')]).toEqual([undefined, undefined]);
  expect(Date.parse(read.validTo)).toBe(now + 30 * 24 * 60 * 60_000);
});
