import { type Entry, isObject, type JsonObject } from '@flyball/protocol';
import type { Payload } from './draft.js';
import type { EntryStore } from './store.js';

/** What happened on a stream, read one entry after the other; a reader remembers what it needs of earlier ones. */
export type PastReader<T> = (entry: Entry, payload: JsonObject | undefined) => T | undefined;

/** Events of one stream in their order. The list only grows; whoever reads on from where it was misses nothing. */
export interface PastLog<T> {
  readonly events: readonly T[];
}

interface Kept<T> extends PastLog<T> {
  readonly events: T[];
  readonly read: PastReader<T>;
  version: number;
}

const pageSize = 500;
const logsMost = 10_000;

/**
 * What happened on streams, with the inputs that belong to it: read from the store when first asked for, then
 * kept in step with what is appended here. Nothing is read while nobody asks.
 */
export class Past<T> {
  readonly #logs = new Map<string, Kept<T>>();

  constructor(
    private readonly store: EntryStore,
    private readonly newReader: () => PastReader<T>,
  ) {
    store.onLost((streams) => streams.forEach((stream) => this.#logs.delete(stream)));
  }

  /** The log of a stream, at least up to a version. One that is behind is read anew: entries of other nodes are not applied here. */
  async upTo(stream: string, version: number): Promise<PastLog<T>> {
    const kept = this.#logs.get(stream);
    return kept && kept.version >= version ? kept : this.#read(stream);
  }

  /** An entry that is on its way into the store. */
  apply(entry: Entry, payload: Payload | undefined): void {
    for (const { stream, version } of entry.streams) {
      const kept = this.#logs.get(stream);
      if (kept && kept.version === version - 1) take(kept, entry, version, payload);
    }
  }

  async #read(stream: string): Promise<PastLog<T>> {
    const log: Kept<T> = { events: [], read: this.newReader(), version: 0 };
    await this.store.flush();
    for (;;) {
      const page = await this.store.readStream(stream, log.version, pageSize);
      for (const entry of page) {
        const at = entry.streams.find((place) => place.stream === stream)?.version ?? log.version;
        take(log, entry, at, hasInputs(entry) ? await this.store.payload(entry.id) : undefined);
      }
      if (page.length < pageSize) break;
    }
    this.#keep(stream, log);
    return log;
  }

  #keep(stream: string, log: Kept<T>): void {
    if (this.#logs.size >= logsMost) this.#logs.delete(this.#logs.keys().next().value ?? '');
    this.#logs.set(stream, log);
  }
}

const hasInputs = ({ kind }: Entry): boolean => kind === 'intent' || kind === 'evaluation' || kind === 'refusal';

function take<T>(log: Kept<T>, entry: Entry, version: number, payload: Payload | undefined): void {
  log.version = version;
  const event = log.read(entry, contentOf(payload));
  if (event !== undefined) log.events.push(event);
}

function contentOf(payload: Payload | undefined): JsonObject | undefined {
  if (!payload) return undefined;
  const content: unknown = JSON.parse(payload.content);
  return isObject(content) ? content : undefined;
}
