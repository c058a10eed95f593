import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { encodeBundle } from './bundle.js';
import { formatCheckpoint } from './checkpoint.js';
import { cosignedMessage } from './cosignature.js';
import { leafHash } from './hash.js';
import { cosignatureType, ed25519Type, formatVerifierKey, keyIdOf, type Signer } from './key.js';
import { concatenated, encodeText } from './octets.js';
import { signNote } from './open-note.js';
import { bundlePath, type Tile, tileAt, tilePath, tileWidth } from './tile.js';
import type { TileSource } from './tile-source.js';
import { append, emptyEdge, type TreeEdge } from './tree-edge.js';

export const origin = 'log.example/small';
/** 2026-01-01. */
export const cosignTime = 1_767_225_600n;

export interface TestKey extends Signer {
  readonly vkey: string;
  readonly publicKey: Uint8Array;
}

/** A log's key whose seed is one byte, repeated. */
export function logKey(name = origin, seed = 1): TestKey {
  const { privateKey, publicKey } = keyPair(seed);
  return { name, keyId: keyIdOf(name, ed25519Type, publicKey), publicKey, vkey: formatVerifierKey(name, publicKey), sign: (message) => Uint8Array.from(sign(null, message, privateKey)) };
}

/** A witness's key; all it signs is signed at one time. */
export function witnessKey(name = 'witness.example/one', seed = 2, time = cosignTime): TestKey {
  const { privateKey, publicKey } = keyPair(seed);
  const stamp = new Uint8Array(8);
  new DataView(stamp.buffer).setBigUint64(0, time);
  return { name, keyId: keyIdOf(name, cosignatureType, publicKey), publicKey, vkey: formatVerifierKey(name, publicKey, cosignatureType), sign: (text) => concatenated([stamp, Uint8Array.from(sign(null, cosignedMessage(text, time), privateKey))]) };
}

/** The seed of `logKey` as the reference implementations write it. */
export function seedOf(seed: number): Uint8Array {
  return new Uint8Array(32).fill(seed);
}

/** A log in memory: its entries, and all that it serves, by path. It grows as a log does, and keeps every partial tile. */
export class SmallLog implements TileSource {
  readonly files = new Map<string, Uint8Array>();
  readonly entries: Uint8Array[] = [];
  readonly read: Tile[] = [];
  edge: TreeEdge = emptyEdge;

  constructor(
    size = 0,
    private readonly word = 'entry',
  ) {
    this.grow(size);
  }

  grow(size: number): this {
    const first = this.entries.length;
    while (this.entries.length < size) this.entries.push(encodeText(`${this.word} ${this.entries.length}`));
    const { edge, tiles } = append(this.edge, this.entries.slice(first).map(leafHash));
    this.edge = edge;
    for (const { tile, hashes } of tiles) {
      this.files.set(tilePath(tile), new Uint8Array(hashes));
      if (tile.level !== 0) continue;
      const start = Number(tile.index) * tileWidth;
      this.files.set(bundlePath(tile), encodeBundle(this.entries.slice(start, start + tile.width)));
    }
    return this;
  }

  readTile(tile: Tile): Promise<Uint8Array> {
    this.read.push(tile);
    const whole = this.files.get(tilePath(tileAt(this.edge.size, tile.level, tile.index)));
    return whole ? Promise.resolve(whole.slice(0, tile.width * 32)) : Promise.reject(new Error('404'));
  }

  head(): { readonly size: bigint; readonly root: Uint8Array } {
    return { size: this.edge.size, root: this.edge.root() };
  }

  checkpoint(signers: readonly Signer[] = [logKey()]): string {
    return signNote(formatCheckpoint({ origin, ...this.head() }), signers);
  }
}

function keyPair(seed: number) {
  const prefix = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
  const privateKey = createPrivateKey({ key: Buffer.from(concatenated([prefix, seedOf(seed)])), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: Uint8Array.from(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12)) };
}
