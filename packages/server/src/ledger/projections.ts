import { canonicalText, type Entry } from '@flyball/protocol';
import { leafHash } from '@flyball/tlog';
import { limits } from '../lib/limits.js';
import type { Payload } from './draft.js';
import type { EntryStore } from './store.js';

/** How entries of one kind of stream add up to a state. Pure. The payload is there for the kinds in `payloadKinds`, unless it was erased. */
export type Fold<S> = (state: S | undefined, entry: Entry, payload?: Payload) => S | undefined;

export interface Projected<S> {
  readonly stream: string;
  readonly version: number;
  readonly state: S | undefined;
  /** Leaf hash (base64) of the newest entry: it commits to the whole stream, and so to the state. */
  readonly head?: string;
  /** When the newest entry was written, in milliseconds since 1970. */
  readonly at: number;
}

interface Held extends Projected<unknown> {
  /** Entries applied here that are not durable yet; until then this copy must not be let go. */
  readonly pending: number;
}

const pageSize = 500;

/** Kinds of stream, and of their entries, whose folds see the payload. */
const payloadKinds: Readonly<Record<string, string>> = { session: 'session.opened', authenticator: 'authenticator.added', standing: 'standing.granted' };

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

  /** Whether something that was applied here may still turn out not to be written. */
  isPending(stream: string): boolean {
    return (this.#held.get(stream)?.pending ?? 0) > 0;
  }

  /** Applies an entry that is on its way into the store. */
  apply(entry: Entry, head: string, payload?: Payload): void {
    for (const { stream, version } of entry.streams) {
      const held = this.#held.get(stream);
      if (!held) continue;
      const state = this.#fold(stream)(held.state, entry, payload);
      this.#held.delete(stream);
      this.#held.set(stream, { stream, version, state, head, at: entry.at, pending: held.pending + 1 });
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

  /** Somebody wrote this version of a stream; whoever knows an older one reads it again. */
  noticed(stream: string, version: number): void {
    const held = this.#held.get(stream);
    if (held && held.version < version && held.pending === 0) this.forget(stream);
  }

  /** Everything but what is on its way into the store is read again. */
  forgetAll(): void {
    for (const [stream, { pending }] of this.#held) if (pending === 0) this.forget(stream);
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
    let last: Entry | undefined;
    for (;;) {
      const page = await this.store.readStream(stream, version, pageSize);
      for (const entry of page) {
        state = fold(state, entry, payloadKinds[kindOf(stream)] === entry.kind ? await this.store.payload(entry.id) : undefined);
        version = entry.streams.find((place) => place.stream === stream)?.version ?? version;
      }
      last = page.at(-1) ?? last;
      if (page.length < pageSize) return { stream, version, state, at: last?.at ?? 0, ...(last && { head: headOf(canonicalText(last)) }), pending: 0 };
    }
  }

  #fold(stream: string): Fold<unknown> {
    const fold = this.folds[kindOf(stream)];
    if (!fold) throw new Error(`no fold for streams of kind ${kindOf(stream)}`);
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

const kindOf = (stream: string): string => stream.slice(0, stream.indexOf(':'));

export const headOf = (text: string): string => Buffer.from(leafHash(text)).toString('base64');
