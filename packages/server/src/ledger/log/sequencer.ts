import { append, edgeOf, formatCheckpoint, signNote, type Signer, type TreeEdge } from '@flyball/tlog';
import type { LogHead, LogStore } from './log-store.js';
import { broken, type PublishedHead } from './published-head.js';

const batchMost = 5_000;
const leaseMs = 5_000;
/** A lease that is older than this is asked for again before anything is written. */
const renewMs = leaseMs / 3;

interface Held {
  readonly head: LogHead;
  readonly edge: TreeEdge;
}

/**
 * Gives entries their places in the log. Any node may; the store lets one at a time. What it knows of the tree is
 * thrown away after any trouble, and read and verified anew before anything else is signed.
 */
export class Sequencer {
  #held: Held | undefined;
  #askedAt = -Infinity;

  constructor(
    private readonly store: LogStore,
    private readonly published: PublishedHead,
    private readonly signers: () => readonly Signer[],
    private readonly holder: string,
    private readonly monotonicMs: () => number,
  ) {}

  /** Adds what waits to the log, and shows its checkpoint; returns how many entries it was. */
  async round(): Promise<number> {
    const waiting = await this.store.unsequenced(batchMost);
    if (waiting.length === 0) return 0;
    try {
      const held = await this.#hold();
      if (!held) return 0;
      const { edge, tiles } = append(held.edge, waiting.map(({ leaf }) => leaf));
      const to = { size: edge.size, root: edge.root() };
      const checkpoint = signNote(formatCheckpoint({ origin: held.head.origin, ...to }), this.signers());
      const head = { ...held.head, ...to, checkpoint };
      if (!(await this.store.extend({ from: held.head, to: head, entries: waiting, tiles }))) {
        this.#forget();
        return 0;
      }
      this.#held = { head, edge };
      this.published.advance(checkpoint);
      return waiting.length;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Lets another node go on at once. */
  async release(): Promise<void> {
    this.#forget();
    await this.store.release(this.holder);
  }

  async #hold(): Promise<Held | undefined> {
    const now = this.monotonicMs();
    if (this.#held && now - this.#askedAt < renewMs) return this.#held;
    const head = await this.store.acquire(this.holder, leaseMs);
    if (!head) {
      this.#forget();
      return undefined;
    }
    this.#askedAt = now;
    const same = this.#held?.head.epoch === head.epoch && this.#held.head.size === head.size;
    if (!same) this.#held = await this.#load(head);
    return this.#held;
  }

  /** The right edge of the tree as the store has it, which has to be the tree that was signed. */
  async #load(head: LogHead): Promise<Held> {
    const edge = await edgeOf(this.store, head.size);
    if (!Buffer.from(edge.root()).equals(head.root)) throw broken(`its tiles do not add up to its root at ${String(head.size)} entries`);
    const signed = await this.published.verifyContinues(head.checkpoint, this.store);
    if ((signed?.size ?? 0n) !== head.size || (signed && !Buffer.from(signed.root).equals(head.root))) throw broken('its checkpoint is not of its tree');
    if (signed) this.published.advance(head.checkpoint);
    return { head, edge };
  }

  #forget(): void {
    this.#held = undefined;
    this.#askedAt = -Infinity;
  }
}
