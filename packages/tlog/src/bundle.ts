import { hashBytes, leafHash } from './hash.js';
import { sameBytes } from './octets.js';
import { tileWidth } from './tile.js';
import { TlogError } from './tlog-error.js';

/** Longest entry, in bytes: its length is written in 16 bits. */
const entryBytesMax = 65_535;
const lengthBytes = 2;

/** Bytes of a bundle of 1 to 256 entries (tlog-tiles, Log entries); `too_large` for an entry of over 65,535 bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkWidth(entries.length);
  if (entries.some((entry) => entry.length > entryBytesMax)) throw new TlogError('too_large', 'expected an entry of at most 65,535 bytes');
  const bytes = new Uint8Array(entries.reduce((length, entry) => length + lengthBytes + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    bytes.set([entry.length >> 8, entry.length & 255], at);
    bytes.set(entry, at + lengthBytes);
    at += lengthBytes + entry.length;
  }
  return bytes;
}

/** Entries of a bundle of a width, 1 to 256 (tlog-tiles, Log entries); `malformed` unless it is exactly that many. */
export function decodeBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  checkWidth(width);
  const entries: Uint8Array[] = [];
  let at = 0;
  for (let entry = 0; entry < width; entry++) {
    const [high, low] = bytes.subarray(at, at + lengthBytes);
    if (high === undefined || low === undefined) throw wrongWidth(width);
    const end = at + lengthBytes + high * 256 + low;
    if (end > bytes.length) throw wrongWidth(width);
    entries.push(new Uint8Array(bytes.subarray(at + lengthBytes, end)));
    at = end;
  }
  if (at !== bytes.length) throw wrongWidth(width);
  return entries;
}

/** Entries of a bundle that hash to the level 0 tile beside it (tlog-tiles, Log entries); `bad_tile` when one does not. */
export function openBundle(bytes: Uint8Array, hashes: Uint8Array): readonly Uint8Array[] {
  const entries = decodeBundle(bytes, hashes.length / hashBytes);
  entries.forEach((entry, at) => {
    if (!sameBytes(leafHash(entry), hashes.subarray(at * hashBytes, (at + 1) * hashBytes))) throw new TlogError('bad_tile', 'expected entries that hash to the tile');
  });
  return entries;
}

function checkWidth(width: number): void {
  if (!Number.isInteger(width) || width < 1 || width > tileWidth) throw new TlogError('out_of_range', 'expected 1 to 256 entries');
}

const wrongWidth = (width: number) => new TlogError('malformed', `expected a bundle of ${width} entries`);
