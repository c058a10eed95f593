import { append, edgeOf, formatCheckpoint, signNote, type Signer, treeRoot, type TreeEdge } from '@flyball/tlog';
import type { LogHead, LogStore, Unsequenced } from './log-store.js';
import { broken, type PublishedHead } from './published-head.js';

/** So few that an embedded store is never busy with them for long. */
const batchMost = 1_000;
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
 *
 * A tree is signed when the store has decided on it, never before: of whoever was too late there is no signature, not
 * even one that nobody was shown.
 */
export class Sequencer {
  #held: Held | undefined;
  #askedAt = -Infinity;
  #uncertain = true;

  constructor(
    private readonly store: LogStore,
    private readonly published: PublishedHead,
    private readonly signers: () => readonly Signer[],
    private readonly holder: string,
    private readonly monotonicMs: () => number,
  ) {}

  /** Adds what waits to the log, and shows its checkpoint; returns how many entries it was. */
  async round(): Promise<number> {
    if (!this.#uncertain && (await this.store.unsequenced(1)).length === 0) return 0;
    try {
      await this.#verifyCanSign();
      const held = await this.#hold();
      // What waits is read by who holds the lease: what was read before may have been added by another node.
      const waiting = held ? await this.store.unsequenced(batchMost) : [];
      return held && waiting.length > 0 ? await this.#extend(held, waiting) : 0;
    } catch (error) {
      this.doubt();
      throw error;
    }
  }

  /** The tree is read anew before anything else, also when nothing waits: its newest size may not be signed yet. */
  doubt(): void {
    this.#forget();
    this.#uncertain = true;
  }

  /** Lets another node go on at once. */
  async release(): Promise<void> {
    this.#forget();
    await this.store.release(this.holder);
  }

  async #extend({ head, edge: before }: Held, entries: readonly Unsequenced[]): Promise<number> {
    const { edge, tiles } = append(before, entries.map(({ leaf }) => leaf));
    const to = { ...head, size: edge.size, root: edge.root() };
    if (!(await this.store.extend({ from: head, to, entries, tiles }))) {
      this.#forget();
      return 0;
    }
    this.#held = { head: to, edge };
    await this.#publish(to);
    return entries.length;
  }

  /** Whoever has no key left leaves the log to others: with the lease in its hands nobody would sign. */
  async #verifyCanSign(): Promise<void> {
    try {
      this.signers();
    } catch (error) {
      if (this.#askedAt > -Infinity) await this.release();
      throw error;
    }
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
    await this.published.verifyContinues(head, this.store);
    const signed = this.published.open(head.checkpoint);
    if (signed && (signed.size > head.size || !Buffer.from(await treeRoot(this.store, signed.size)).equals(signed.root))) throw broken('its checkpoint is not of its tree');
    if (signed?.size === head.size) this.published.advance(head.checkpoint);
    else if (head.size > 0n) await this.#publish(head);
    this.#uncertain = false;
    return { head, edge };
  }

  /** Signs what the store has decided on. Whoever comes after a crash in between signs the same. */
  async #publish({ origin, size, root }: LogHead): Promise<void> {
    const checkpoint = signNote(formatCheckpoint({ origin, size, root }), this.signers());
    await this.store.keepCheckpoint(size, checkpoint);
    this.published.advance(checkpoint);
  }

  #forget(): void {
    this.#held = undefined;
    this.#askedAt = -Infinity;
  }
}
