import type { Entry } from '@flyball/protocol';
import { limits } from '../lib/limits.js';
import type { EntryStore } from './store.js';

/** How entries of one kind of stream add up to a state. Pure. */
export type Fold<S> = (state: S | undefined, entry: Entry) => S | undefined;

export interface Projected<S> {
  readonly stream: string;
  readonly version: number;
  readonly state: S | undefined;
}

interface Held extends Projected<unknown> {
  /** Entries applied here that are not durable yet; until then this copy must not be let go. */
  readonly pending: number;
}

const pageSize = 500;

/**
 * States of streams as folds over their entries, kept in memory and rebuilt from the store when missing.
 * A stream's name begins with its kind: `session:…`.
 */
export class Projections {
  readonly #held = new Map<string, Held>();
  readonly #loading = new Map<string, Promise<Held>>();

  constructor(
    private readonly store: EntryStore,
    private readonly folds: Readonly<Record<string, Fold<unknown>>>,
    private readonly most: number = limits.projectionsMax,
  ) {
    store.onLost((streams) => streams.forEach((stream) => this.forget(stream)));
  }

  async get<S>(stream: string): Promise<Projected<S>> {
    return (this.#held.get(stream) ?? (await this.#load(stream))) as Projected<S>;
  }

  /** What is in memory now, without asking the store. */
  peek<S>(stream: string): Projected<S> | undefined {
    return this.#held.get(stream) as Projected<S> | undefined;
  }

  /** Applies an entry that is on its way into the store. */
  apply(entry: Entry): void {
    for (const { stream, version } of entry.streams) {
      const held = this.#held.get(stream);
      if (!held) continue;
      const state = this.#fold(stream)(held.state, entry);
      this.#held.delete(stream);
      this.#held.set(stream, { stream, version, state, pending: held.pending + 1 });
    }
    this.#trim();
  }

  /** The entry is durable: its streams may leave memory again. */
  settled(entry: Entry): void {
    for (const { stream } of entry.streams) {
      const held = this.#held.get(stream);
      if (held && held.pending > 0) this.#held.set(stream, { ...held, pending: held.pending - 1 });
    }
  }

  forget(stream: string): void {
    this.#held.delete(stream);
    this.#loading.delete(stream);
  }

  async #load(stream: string): Promise<Held> {
    const known = this.#loading.get(stream);
    if (known) return known;
    const loading = this.#rebuild(stream);
    this.#loading.set(stream, loading);
    try {
      const held = await loading;
      // A stream that was forgotten meanwhile is stale already: whoever asked reads it, nobody keeps it.
      if (this.#loading.get(stream) === loading) this.#keep(held);
      return held;
    } finally {
      if (this.#loading.get(stream) === loading) this.#loading.delete(stream);
    }
  }

  #keep(held: Held): void {
    this.#trim();
    this.#held.set(held.stream, held);
  }

  async #rebuild(stream: string): Promise<Held> {
    const fold = this.#fold(stream);
    let version = 0;
    let state: unknown;
    for (;;) {
      const page = await this.store.readStream(stream, version, pageSize);
      for (const entry of page) {
        state = fold(state, entry);
        version = entry.streams.find((place) => place.stream === stream)?.version ?? version;
      }
      if (page.length < pageSize) return { stream, version, state, pending: 0 };
    }
  }

  #fold(stream: string): Fold<unknown> {
    const kind = stream.slice(0, stream.indexOf(':'));
    const fold = this.folds[kind];
    if (!fold) throw new Error(`no fold for streams of kind ${kind}`);
    return fold;
  }

  /** Lets go of what was used longest ago; a Map keeps the order of insertion. */
  #trim(): void {
    if (this.#held.size <= this.most) return;
    for (const [stream, held] of this.#held) {
      if (this.#held.size <= this.most) return;
      if (held.pending === 0) this.#held.delete(stream);
    }
  }
}
