import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { cosignedMessage, emptyRoot, formatVerifierKey, keyIdOf, openCheckpoint, parseHash, parseVerifierKey, type PostAnswer, TlogError, verifyConsistency } from './log-tlog.js';

const cosignatureType = 0x04;

/** A witness in memory, by the letter of tlog-witness: it signs no tree that does not continue the last one. */
export class MemoryWitness {
  readonly #logs = new Map<string, { readonly vkey: string; size: bigint; root: Uint8Array }>();
  readonly #key;
  readonly #name: string;
  readonly vkey: string;

  constructor(name = 'witness.example/memory', seed = 7) {
    this.#key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' });
    this.#name = name;
    this.vkey = formatVerifierKey(name, this.#public, cosignatureType);
  }

  get #public(): Uint8Array {
    return new Uint8Array(createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(12));
  }

  know(origin: string, vkey: string): void {
    this.#logs.set(origin, { vkey, size: 0n, root: emptyRoot });
  }

  size(origin: string): bigint {
    return this.#logs.get(origin)?.size ?? 0n;
  }

  answer(body: string): Promise<PostAnswer> {
    const end = body.indexOf('\n\n');
    const [old = '', ...proof] = body.slice(0, end).split('\n');
    const checkpoint = body.slice(end + 2);
    const log = this.#logs.get(checkpoint.split('\n')[0] ?? '');
    const answer = (status: number, text = '', contentType = 'text/plain') => Promise.resolve({ status, contentType, body: text });
    if (!log) return answer(404);
    try {
      const { size, root, text, origin } = openCheckpoint(checkpoint, checkpoint.split('\n')[0] ?? '', [parseVerifierKey(log.vkey)]);
      const oldSize = BigInt(old.slice('old '.length));
      if (oldSize > size) return answer(400);
      if (oldSize !== log.size) return answer(409, `${log.size}\n`, 'text/x.tlog.size');
      verifyConsistency({ oldSize, newSize: size, oldRoot: log.root, newRoot: root, proof: proof.map(parseHash) });
      this.#logs.set(origin, { ...log, size, root });
      return answer(200, this.#cosign(text));
    } catch (error) {
      return answer(error instanceof TlogError && error.code !== 'bad_proof' ? 403 : 422);
    }
  }

  #cosign(text: string): string {
    const time = BigInt(Math.floor(Date.now() / 1_000));
    const stamp = Buffer.alloc(8);
    stamp.writeBigUInt64BE(time);
    const id = Buffer.alloc(4);
    id.writeUInt32BE(keyIdOf(this.#name, cosignatureType, this.#public));
    return `— ${this.#name} ${Buffer.concat([id, stamp, sign(null, cosignedMessage(Buffer.from(text), time), this.#key)]).toString('base64')}\n`;
  }
}
