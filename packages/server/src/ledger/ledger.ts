import { canonicalText, type Entry, FlyballError } from '@flyball/protocol';
import { leafHash } from '@flyball/tlog';
import type { Clock } from '../lib/clock.js';
import { timeId } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import { type Draft, payloadDigest } from './draft.js';
import type { Past } from './past.js';
import type { Projections } from './projections.js';
import type { EntryRecord, EntryStore } from './store.js';

/** Writes entries. Everything that happened is here, and nothing counts as having happened before it is. */
export class Ledger {
  constructor(
    private readonly tenant: string,
    readonly store: EntryStore,
    readonly projections: Projections,
    private readonly clock: Clock,
    private readonly past?: Pick<Past<unknown>, 'apply'>,
    private readonly written: (entry: Entry) => void = () => undefined,
  ) {}

  /**
   * Appends an entry; durable when it resolves. `undefined`: a stream is no longer at the version that the
   * draft expected, so whatever was decided on it is void. Without expectations it follows the stream.
   */
  async append(draft: Draft): Promise<Entry | undefined> {
    return (await this.write(draft))?.entry;
  }

  /** As `append`; returns the entry as it was written, with its text and its leaf hash. */
  async write(draft: Draft): Promise<EntryRecord | undefined> {
    const conditional = draft.streams.some((place) => place.expected !== undefined);
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const written = await this.#tryWrite(draft);
      if (written || conditional) return written;
    }
    throw new FlyballError('conflict', 'the record moved on faster than an entry could be added; try again');
  }

  /**
   * True when nobody has written to a stream since it was last read here. What another node wrote is read anew
   * the next time: answers that append nothing would otherwise never notice it.
   */
  async isCurrent(stream: string): Promise<boolean> {
    const held = this.projections.peek(stream);
    if (!held) return true;
    const newer = await this.store.readStream(stream, held.version, 1);
    if (newer.length === 0 || this.projections.peek(stream)?.version !== held.version) return true;
    this.projections.forget(stream);
    return false;
  }

  /** A stream's state as the store has it now. */
  async readNow<S>(stream: string): Promise<{ readonly version: number; readonly state: S | undefined }> {
    await this.isCurrent(stream);
    return this.projections.get<S>(stream);
  }

  async #tryWrite(draft: Draft): Promise<EntryRecord | undefined> {
    const missing = draft.streams.filter((place) => !this.projections.peek(place.stream));
    for (const place of missing) await this.projections.get(place.stream);
    // From here to `commit` nothing is awaited: between looking at the versions and taking them, nobody else can.
    const entry = this.#place(draft);
    if (!entry) return undefined;
    const text = canonicalText(entry);
    if (Buffer.byteLength(text) > limits.entryBytesMax) throw new FlyballError('store_unavailable', 'this action cannot be recorded as it is, so it is not allowed');
    const leaf = leafHash(text);
    this.projections.apply(entry, Buffer.from(leaf).toString('base64'), draft.payload);
    this.past?.apply(entry, draft.payload);
    const record: EntryRecord = { entry, text, leaf, ...(draft.payload && { payload: draft.payload }), ...(draft.unhurried && { unhurried: true }) };
    try {
      await this.store.commit(record);
    } catch (error) {
      if (error instanceof FlyballError && error.code === 'conflict') return undefined;
      throw error;
    }
    this.projections.settled(entry);
    this.written(entry);
    return record;
  }

  #place(draft: Draft): Entry | undefined {
    const streams = [];
    let at = this.clock.now();
    for (const { stream, expected } of draft.streams) {
      const held = this.projections.peek(stream);
      if (held === undefined || (expected !== undefined && expected !== held.version)) return undefined;
      streams.push({ stream, version: held.version + 1, ...(held.head !== undefined && { prev: held.head }) });
      // Another node's clock may have been ahead; along a stream time does not go back.
      at = Math.max(at, held.at);
    }
    return {
      v: 1,
      tenant: this.tenant,
      id: draft.id ?? timeId(at),
      kind: draft.kind,
      at,
      streams,
      ...(draft.deadline !== undefined && { deadline: draft.deadline }),
      ...(draft.settles !== undefined && { settles: draft.settles }),
      ...(draft.payload && { payload: payloadDigest(draft.payload) }),
      body: draft.body,
    };
  }
}
