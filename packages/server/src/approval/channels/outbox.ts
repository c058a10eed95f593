import type { Clock } from '../../lib/clock.js';
import { type ChannelState, fromText, toText } from './state.js';

/** Small values in the store that outlive the process. */
export interface Marks {
  getMeta(key: string): Promise<string | undefined>;
  /** Replaces a value if it still is the one that was read; none is `undefined`. */
  swapMeta(key: string, before: string | undefined, after: string): Promise<boolean>;
}

export interface OutboxTerms {
  readonly key: string;
  /** Names this process. */
  readonly holder: string;
  readonly leaseMs: number;
  /** Nobody else can have this store, so nobody's lease is waited for. */
  readonly alone: boolean;
  /** Where a channel begins that was never there before. */
  readonly begin: () => Promise<ChannelState>;
}

/**
 * The durable state of one channel. One node at a time holds it. It is written only over what was read, so whoever
 * lost it to another node can write nothing any more: what that one is about to do may happen twice, never not at all.
 */
export class Outbox {
  #text: string | undefined;
  #held: ChannelState | undefined;
  #untilMs = 0;

  constructor(
    private readonly terms: OutboxTerms,
    private readonly marks: Marks,
    private readonly clock: Clock,
  ) {}

  /** True as long as nobody else can have taken it over and written. */
  holds(state: ChannelState): boolean {
    return this.#held === state;
  }

  /** The channel's state, if this node is the one that delivers now. */
  async hold(): Promise<{ readonly state: ChannelState; readonly isNew: boolean } | undefined> {
    const now = this.clock.now();
    if (this.#held && now < this.#untilMs - this.terms.leaseMs / 2) return { state: this.#held, isNew: false };
    if (this.#held) return (await this.save()) ? { state: this.#held, isNew: false } : undefined;
    const text = await this.marks.getMeta(this.terms.key);
    const kept = text === undefined ? undefined : fromText(text);
    if (kept && this.#isOthers(kept.lease, now)) return undefined;
    this.#text = text;
    this.#held = kept?.state ?? (await this.terms.begin());
    return (await this.save()) ? { state: this.#held, isNew: true } : undefined;
  }

  /** Writes the state; false when another node has taken it over. */
  async save(): Promise<boolean> {
    if (!this.#held) return false;
    const untilMs = this.clock.now() + this.terms.leaseMs;
    const text = toText(this.#held, { holder: this.terms.holder, untilMs });
    try {
      if (await this.marks.swapMeta(this.terms.key, this.#text, text)) {
        this.#text = text;
        this.#untilMs = untilMs;
        return true;
      }
    } catch (error) {
      // Nobody knows whether it was written, so it is read again before anything else.
      this.#forget();
      throw error;
    }
    this.#forget();
    return false;
  }

  /** Lets another node go on at once. */
  async release(): Promise<void> {
    if (!this.#held) return;
    const text = toText(this.#held, { holder: '', untilMs: 0 });
    await this.marks.swapMeta(this.terms.key, this.#text, text);
    this.#forget();
  }

  /** A lease longer than one can be is a clock's mistake. */
  #isOthers({ holder, untilMs }: { readonly holder: string; readonly untilMs: number }, nowMs: number): boolean {
    return !this.terms.alone && holder !== this.terms.holder && nowMs < untilMs && untilMs <= nowMs + 2 * this.terms.leaseMs;
  }

  #forget(): void {
    this.#held = undefined;
    this.#text = undefined;
  }
}
