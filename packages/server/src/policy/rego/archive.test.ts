import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type TarEntry, tarball, tarEnd, tarEntry } from '../../../../../test/support/rego-kit.js';
import { limits } from '../../lib/limits.js';
import { readArchive } from './archive.js';

const wasm: TarEntry = { name: '/policy.wasm', content: 'module' };
const data: TarEntry = { name: '/data.json', content: '{"a":1}' };
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

test('story: the module and the data of an archive as OPA writes it, with a slash before each name or without', () => {
  const read = readArchive(tarball([data, { name: '/a/b.rego', content: 'package flyball' }, wasm, { name: '/.manifest', content: '{}' }]));
  expect([text(read.wasm), text(read.data)]).toEqual(['module', '{"a":1}']);
  expect(text(readArchive(tarball([{ name: 'policy.wasm', content: 'x'.repeat(512) }])).wasm)).toBe('x'.repeat(512));
  expect(readArchive(tarball([wasm])).data).toBeUndefined();
});

describe('hostile archives', () => {
  test.each<[string, readonly TarEntry[], RegExp]>([
    ['no module', [data], /expected `policy.wasm`/],
    ['the module twice', [wasm, { ...wasm, content: 'other' }], /`policy\.wasm` once/],
    ['the module twice, once with a slash', [wasm, { ...wasm, name: 'policy.wasm' }], /`policy\.wasm` once/],
    ['a file that would count elsewhere', [wasm, { name: '/roles/data.json', content: '{}' }], /got `roles\/data\.json`/],
    ['data in YAML', [wasm, { name: '/data.yaml', content: '' }], /got `data\.yaml`/],
    ['a signature that nobody checks', [wasm, { name: '/.signatures.json', content: '{}' }], /got `\.signatures\.json`/],
    ['another module', [wasm, { name: '/other/policy.wasm', content: '' }], /got `other\/policy\.wasm`/],
    ['a way out', [wasm, { name: '../x.rego', content: '' }], /got `\.\.\/x\.rego`/],
    ['a way out in the middle', [wasm, { name: 'a/../../x.rego', content: '' }], /got `a\/\.\.\/\.\.\/x\.rego`/],
    ['a module named in two parts', [{ name: 'policy.wasm', content: '', prefix: 'a' }], /got `a\/policy\.wasm`/],
    ['a link', [{ ...wasm, type: '1' }], /plain files only/],
    ['a symbolic link', [{ ...wasm, type: '2' }], /plain files only/],
    ['a folder', [{ name: 'a.rego', content: '', type: '5' }, wasm], /plain files only/],
    ['an extended header, which may rename what follows', [{ name: 'PaxHeader', content: '20 path=policy.wasm\n', type: 'x' }, { name: 'a.rego', content: 'evil' }], /plain files only/],
    ['a global extended header', [{ name: 'pax_global', content: '', type: 'g' }, wasm], /plain files only/],
    ['a long name of GNU', [{ name: '././@LongLink', content: 'policy.wasm', type: 'L' }, wasm], /plain files only/],
    ['a sparse file', [{ ...wasm, type: 'S' }], /plain files only/],
    ['another kind of tar', [{ ...wasm, magic: 'ustar  ' }], /ustar header/],
    ['a wrong checksum', [{ ...wasm, checksum: '000001\0 ' }], /checksum/],
    ['a size in base 256', [{ ...wasm, size: '\x80\0\0\0\0\0\0\0\0\0\0\x06' }], /octal|checksum/],
    ['a negative size', [{ ...wasm, size: '-0000000006\0' }], /octal/],
    ['no size', [{ ...wasm, size: '            ' }], /octal/],
    ['a size beyond the archive', [{ ...wasm, size: '00077777777\0' }], /cut off/],
    ['a size beyond every number', [{ ...wasm, size: '77777777777\0' }], /cut off/],
  ])('attack: %s', (_name, entries, expected) => {
    expect(() => readArchive(tarball(entries))).toThrow(expected);
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['no gzip', Buffer.from('policy.wasm')],
    ['gzip that is cut off', tarball([wasm]).subarray(0, 60)],
    ['gzip of nothing', gzipSync('')],
    ['no end', gzipSync(tarEntry(wasm))],
    ['half an end', gzipSync(Buffer.concat([tarEntry(wasm), tarEnd.subarray(0, 512)]))],
    ['half a block', gzipSync(tarEntry(wasm).subarray(0, 700))],
    ['a second archive behind the end', gzipSync(Buffer.concat([tarEntry(wasm), tarEnd, tarEntry(data), tarEnd]))],
    ['random bytes', gzipSync(Buffer.from(Array.from({ length: 2_048 }, (_, i) => (i * 7919) % 256)))],
  ])('attack: %s is no archive', (_name, bytes) => {
    expect(() => readArchive(bytes)).toThrow(/^expected /);
  });

  test('attack: what unpacks to more than the bound is not unpacked, and an archive beyond the bound is not looked at', () => {
    const start = performance.now();
    const bomb = gzipSync(Buffer.alloc(limits.regoUnpackedBytesMax + 1));
    expect(bomb.byteLength).toBeLessThan(limits.regoArchiveBytesMax);
    expect(() => readArchive(bomb)).toThrow(/at most \d+ bytes unpacked/);
    expect(() => readArchive(new Uint8Array(limits.regoArchiveBytesMax + 1))).toThrow(/an archive of at most/);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
