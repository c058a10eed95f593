import { FlyballError } from '@flyball/protocol';
import type { EntryRecord } from '../ledger/store.js';
import { pause } from '../lib/clock.js';
import { limits } from '../lib/limits.js';

/** Why one entry was not written. */
export type Rejection = 'conflict' | 'already_settled' | 'indigestible';

/** Why a batch was not written. */
export type BatchFailure =
  /** Entries whose place is taken, or that settle what is settled; the others may be tried again. */
  | { readonly kind: 'rejected'; readonly entries: ReadonlyMap<string, Rejection>; readonly written: ReadonlySet<string> }
  /** The database could not do it now (serialisation, deadlock, lost connection); the same batch may be tried again. */
  | { readonly kind: 'again'; readonly cause: unknown }
  /** Something in it is what the database can never take. */
  | { readonly kind: 'indigestible'; readonly cause: unknown }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** Writes a batch in one transaction; durable when it resolves to nothing. */
export type WriteBatch = (records: readonly EntryRecord[]) => Promise<BatchFailure | undefined>;

interface Waiting {
  readonly record: EntryRecord;
  readonly resolve: () => void;
  readonly reject: (error: FlyballError) => void;
}

const batchBytesMax = 4 * 1024 * 1024;
const backOffMs = 20;
const unhurriedMs = 10;

/**
 * Group commit: while one batch is being written, entries of other attempts gather for the next, so one
 * round trip and one flush serve them all. One batch at a time keeps every stream in order.
 */
export class CommitLane {
  readonly #listeners: ((streams: readonly string[]) => void)[] = [];
  #queue: Waiting[] = [];
  #running = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly write: WriteBatch) {}

  onLost(listener: (streams: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  commit(record: EntryRecord): Promise<void> {
    if (this.#queue.length >= limits.commitQueueMax) {
      this.#announce(record);
      return Promise.reject(new FlyballError('overloaded', 'too many actions wait to be recorded; nothing was done, try again later'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, resolve, reject });
      if (this.#running) return;
      if (!record.unhurried) void this.#drain();
      else this.#timer ??= setTimeout(() => void this.#drain(), unhurriedMs);
    });
  }

  async #drain(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One turn of the loop lets everything that is ready now join the first batch.
    await Promise.resolve();
    do await this.#writeBatch(this.#take());
    while (this.#isPressed());
    this.#running = false;
    if (this.#queue.length > 0) this.#timer = setTimeout(() => void this.#drain(), unhurriedMs);
  }

  /** True while somebody waits, or so much has gathered that waiting longer saves nothing. */
  #isPressed(): boolean {
    return this.#queue.length >= limits.commitBatchMax || this.#queue.some((waiting) => !waiting.record.unhurried);
  }

  /** Resolves when everything that was handed in is written or refused. */
  async flush(): Promise<void> {
    while (this.#running || this.#queue.length > 0) {
      if (!this.#running) await this.#drain();
      else await pause(1);
    }
  }

  #take(): Waiting[] {
    let bytes = 0;
    const fits = this.#queue.findIndex((waiting, index) => {
      bytes += waiting.record.text.length;
      return index > 0 && (index >= limits.commitBatchMax || bytes > batchBytesMax);
    });
    return this.#queue.splice(0, fits < 0 ? this.#queue.length : fits);
  }

  async #writeBatch(first: readonly Waiting[]): Promise<void> {
    let batch = first;
    for (let round = 0; batch.length > 0; round++) {
      const failure = await this.#attempt(batch);
      if (!failure) return batch.forEach((waiting) => waiting.resolve());
      if (failure.kind === 'rejected' && failure.entries.size + failure.written.size > 0) batch = this.#reject(batch, failure);
      else if (failure.kind === 'indigestible') batch = this.#narrow(batch);
      else if (failure.kind !== 'unavailable' && round < limits.commitRetriesMax) await pause(backOffMs * 2 ** round);
      else return this.#lose(batch, failure.kind === 'rejected' ? undefined : failure.cause);
    }
  }

  /** One half is tried now, the other is put back; an entry that fails alone is refused alone. */
  #narrow(batch: readonly Waiting[]): readonly Waiting[] {
    const [only, ...others] = batch;
    if (only && others.length === 0) return this.#reject(batch, { kind: 'rejected', entries: new Map([[only.record.entry.id, 'indigestible']]), written: new Set() });
    const middle = batch.length >> 1;
    this.#queue = [...batch.slice(middle), ...this.#queue];
    return batch.slice(0, middle);
  }

  async #attempt(batch: readonly Waiting[]): Promise<BatchFailure | undefined> {
    try {
      return await this.write(batch.map((waiting) => waiting.record));
    } catch (cause) {
      return { kind: 'unavailable', cause };
    }
  }

  /** Takes out what cannot be written and everything that was built on it; returns what is left to try. */
  #reject(batch: readonly Waiting[], failure: Extract<BatchFailure, { kind: 'rejected' }>): Waiting[] {
    const lost = new Set<string>();
    const left: Waiting[] = [];
    const sort = (waiting: Waiting, keep: Waiting[]) => {
      const { entry } = waiting.record;
      const why = failure.entries.get(entry.id) ?? (entry.streams.some(({ stream }) => lost.has(stream)) ? 'conflict' : undefined);
      if (failure.written.has(entry.id)) waiting.resolve();
      else if (!why) keep.push(waiting);
      else {
        entry.streams.forEach(({ stream }) => lost.add(stream));
        waiting.reject(rejection(why));
      }
    };
    batch.forEach((waiting) => sort(waiting, left));
    const queue: Waiting[] = [];
    this.#queue.forEach((waiting) => sort(waiting, queue));
    this.#queue = queue;
    this.#tell([...lost]);
    return left;
  }

  #lose(batch: readonly Waiting[], cause: unknown): void {
    const all = [...batch, ...this.#queue];
    this.#queue = [];
    this.#tell(all.flatMap((waiting) => waiting.record.entry.streams.map(({ stream }) => stream)));
    const error = new FlyballError('store_unavailable', 'the record cannot be written; nothing new is allowed until it can', { cause });
    all.forEach((waiting) => waiting.reject(error));
  }

  #announce(record: EntryRecord): void {
    this.#tell(record.entry.streams.map(({ stream }) => stream));
  }

  #tell(streams: readonly string[]): void {
    this.#listeners.forEach((listener) => listener(streams));
  }
}

function rejection(why: Rejection): FlyballError {
  switch (why) {
    case 'conflict':
      return new FlyballError('conflict', 'another entry took this place in the stream');
    case 'already_settled':
      return new FlyballError('already_settled', 'this was settled before');
    case 'indigestible':
      return new FlyballError('store_unavailable', 'this action cannot be recorded as it is, so it is not allowed');
  }
}
