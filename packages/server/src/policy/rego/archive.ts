import { gunzipSync } from 'node:zlib';
import { limits } from '../../lib/limits.js';

/** The parts of an archive that `opa build -t wasm` writes. */
export interface RegoArchive {
  readonly wasm: Uint8Array;
  /** JSON text of `data.json`, if there is one. */
  readonly data: Uint8Array | undefined;
}

const block = 512;
const wanted = /^(policy\.wasm|data\.json|\.manifest|(?!.*(?:^|\/)\.\.?(?:\/|$))[^\0]+\.rego)$/;

/**
 * Reads the archive of a compiled bundle. Strict, so that no other reader finds other files in it: plain ustar
 * entries only (POSIX.1-1988), each name once, none that is not expected, checksums right, zeros after the end.
 * Throws an `Error` that says what was expected.
 */
export function readArchive(bytes: Uint8Array): RegoArchive {
  if (bytes.byteLength > limits.regoArchiveBytesMax) throw new Error(`expected an archive of at most ${limits.regoArchiveBytesMax} bytes`);
  const files = readTar(unzip(bytes));
  const wasm = files.get('policy.wasm');
  if (!wasm) throw new Error('expected `policy.wasm` in it, as `opa build -t wasm` writes it');
  return { wasm, data: files.get('data.json') };
}

function unzip(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: limits.regoUnpackedBytesMax });
  } catch (cause) {
    throw new Error(`expected a gzip archive of at most ${limits.regoUnpackedBytesMax} bytes unpacked`, { cause });
  }
}

function readTar(tar: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; ; ) {
    const header = tar.subarray(at, at + block);
    if (header.byteLength < block) throw new Error('expected a whole tar archive, but it is cut off');
    if (header.every((byte) => byte === 0)) return atEnd(tar.subarray(at), files);
    const { name, size } = readHeader(header);
    if (!wanted.test(name)) throw new Error(`expected policy.wasm, data.json, .manifest and .rego files only, got \`${name.slice(0, 100)}\``);
    if (files.has(name)) throw new Error(`expected \`${name.slice(0, 100)}\` once`);
    files.set(name, tar.subarray(at + block, at + block + size));
    at += block + Math.ceil(size / block) * block;
  }
}

/** What stands behind the end is read by some and not by others. */
function atEnd<T>(rest: Uint8Array, files: T): T {
  if (rest.byteLength < 2 * block || !rest.every((byte) => byte === 0)) throw new Error('expected nothing but zeros after the end of the tar archive');
  return files;
}

function readHeader(header: Uint8Array): { readonly name: string; readonly size: number } {
  const field = (from: number, length: number) => Buffer.from(header.subarray(from, from + length)).toString('latin1').replace(/\0.*$/s, '');
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  if (field(257, 6) !== 'ustar' || octal(field(148, 8)) !== sum) throw new Error('expected a ustar header with its checksum');
  // A link, a folder or an extended header may stand for something else than the bytes that follow it.
  if (!['', '0'].includes(field(156, 1))) throw new Error('expected plain files only: keep paths short and in ASCII');
  const prefix = field(345, 155);
  return { name: `${prefix === '' ? '' : `${prefix}/`}${field(0, 100)}`.replace(/^\//, ''), size: octal(field(124, 12)) };
}

function octal(text: string): number {
  if (!/^ *[0-7]{1,11} *$/.test(text)) throw new Error('expected an octal number in a tar header');
  return Number.parseInt(text.trim(), 8);
}
