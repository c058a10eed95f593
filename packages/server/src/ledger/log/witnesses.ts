import { addCheckpoint, type Checkpoint, consistencyProof, openCosigned, parseCosignerKey, type Post } from '@flyball/tlog';
import { limits } from '../../lib/limits.js';
import type { LogStore } from './log-store.js';
import type { SizedCheckpoint } from './receipts.js';

export interface Witness {
  /** C2SP verifier key of the cosigner. */
  readonly key: string;
  readonly post: Post;
}

const roundsMost = 3;
const retryFirstMs = 1_000;

interface Failure {
  readonly atMs: number;
  readonly waitMs: number;
}

/** Asks witnesses to cosign the log's checkpoints. Without them the log goes on; what they signed is kept with the log. */
export class Witnesses {
  readonly #sizes = new Map<string, bigint>();
  readonly #failures = new Map<string, Failure>();

  constructor(
    private readonly witnesses: readonly Witness[],
    private readonly store: LogStore,
    private readonly monotonicMs: () => number,
  ) {}

  get isEmpty(): boolean {
    return this.witnesses.length === 0;
  }

  /** Witnesses that are to be asked for this size now: one that failed is left alone for a while. */
  due(size: bigint): readonly Witness[] {
    const now = this.monotonicMs();
    return this.witnesses.filter(({ key }) => {
      const failure = this.#failures.get(key);
      return this.#sizes.get(key) !== size && (!failure || now >= failure.atMs + failure.waitMs);
    });
  }

  /** Asks each witness that is due; returns what went wrong with which. */
  async cosign(checkpoint: string, { size }: Checkpoint): Promise<readonly { readonly witness: string; readonly error: unknown }[]> {
    const failed = await Promise.all(this.due(size).map(async (witness) => {
      try {
        await this.#ask(witness, checkpoint, size);
        this.#failures.delete(witness.key);
        return [];
      } catch (error) {
        const waitMs = Math.min(limits.witnessRetryMs, 2 * (this.#failures.get(witness.key)?.waitMs ?? retryFirstMs / 2));
        this.#failures.set(witness.key, { atMs: this.monotonicMs(), waitMs });
        return [{ witness: witness.key, error }];
      }
    }));
    return failed.flat();
  }

  /** The checkpoint with the most cosignatures, the newest of several, cosignatures included; nothing while there is none. */
  async cosigned(): Promise<SizedCheckpoint | undefined> {
    const kept = (await this.store.cosignatures()).filter(({ witness }) => this.witnesses.some(({ key }) => key === witness));
    const count = (size: bigint) => kept.filter((one) => one.size === size).length;
    const [best] = [...kept].sort((left, right) => count(right.size) - count(left.size) || Number(right.size - left.size));
    return best && { size: best.size, checkpoint: best.checkpoint + kept.filter(({ size }) => size === best.size).map(({ lines }) => lines).join('') };
  }

  async #ask({ key, post }: Witness, checkpoint: string, size: bigint): Promise<void> {
    let oldSize = this.#sizes.get(key) ?? (await this.store.cosignatures()).find(({ witness }) => witness === key)?.size ?? 0n;
    for (let round = 0; round < roundsMost && oldSize <= size; round++) {
      const proof = oldSize === 0n || oldSize === size ? [] : await consistencyProof(this.store, oldSize, size);
      const answer = await addCheckpoint(post, { oldSize, proof, checkpoint });
      if (answer.kind === 'behind') {
        oldSize = answer.size;
        continue;
      }
      const lines = answer.lines.join('');
      // Only what verifies is kept: a witness that signs anything else has not signed this.
      if (openCosigned(checkpoint + lines, [parseCosignerKey(key)]).length === 0) throw new Error('expected a cosignature by the configured key');
      await this.store.keepCosignature({ witness: key, size, checkpoint, lines });
      this.#sizes.set(key, size);
      return;
    }
    throw new Error(`it has cosigned ${String(oldSize)} entries already, more than there are`);
  }
}
