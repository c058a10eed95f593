import type { Entry } from '@flyball/protocol';
import type { Payload } from '../../packages/server/src/ledger/draft.js';
import type { EntryRecord, EntryStore, ListQuery, Logged } from '../../packages/server/src/ledger/store.js';
import { type BatchFailure, CommitLane } from '../../packages/server/src/store/lane.js';

/** The rows of a store in memory; several nodes may share them. */
export class MemoryTables {
  readonly entries = new Map<string, EntryRecord>();
  readonly settling = new Map<string, string>();
  readonly places = new Map<string, string>();
  readonly meta = new Map<string, string>();

  /** What one transaction does: all of the batch or nothing. */
  write(records: readonly EntryRecord[]): BatchFailure | undefined {
    const rejected = new Map<string, 'conflict' | 'already_settled'>();
    const written = new Set<string>();
    const places = new Set(this.places.keys());
    const settling = new Set(this.settling.keys());
    for (const { entry } of records) {
      const keys = entry.streams.map(({ stream, version }) => `${stream}@${version}`);
      if (this.entries.has(entry.id)) written.add(entry.id);
      else if (entry.settles !== undefined && settling.has(entry.settles)) rejected.set(entry.id, 'already_settled');
      else if (keys.some((key) => places.has(key))) rejected.set(entry.id, 'conflict');
      else {
        keys.forEach((key) => places.add(key));
        if (entry.settles !== undefined) settling.add(entry.settles);
      }
    }
    if (rejected.size + written.size > 0) return { kind: 'rejected', entries: rejected, written };
    for (const record of records) {
      this.entries.set(record.entry.id, record);
      if (record.entry.settles !== undefined) this.settling.set(record.entry.settles, record.entry.id);
      for (const { stream, version } of record.entry.streams) this.places.set(`${stream}@${version}`, record.entry.id);
    }
    return undefined;
  }

  stream(stream: string): readonly Entry[] {
    const versioned = [...this.entries.values()].flatMap(({ text, entry: written }) => {
      if (!written.streams.some((position) => position.stream === stream)) return [];
      const entry = JSON.parse(text) as Entry;
      const at = entry.streams.find((position) => position.stream === stream);
      return at ? [{ version: at.version, entry }] : [];
    });
    return versioned.sort((a, b) => a.version - b.version).map(({ entry }) => entry);
  }
}

/** Lets a test decide when each read and each write happens; `before` may also fail it. */
export type Gate = (what: 'read' | 'written' | 'write') => Promise<void>;

/** A store in memory over shared tables: it passes the same contract suite as PostgreSQL. */
export class MemoryStore implements EntryStore {
  readonly #lane: CommitLane;

  constructor(
    private readonly tables: MemoryTables,
    private readonly gate: Gate = () => new Promise((resolve) => setImmediate(resolve)),
  ) {
    this.#lane = new CommitLane(async (records) => {
      await gate('write');
      const failure = tables.write(records);
      await gate('written');
      return failure;
    });
  }

  commit(record: EntryRecord): Promise<void> {
    return this.#lane.commit(record);
  }

  flush(): Promise<void> {
    return this.#lane.flush();
  }

  onLost(listener: (streams: readonly string[]) => void): void {
    this.#lane.onLost(listener);
  }

  async readStream(stream: string, afterVersion: number, most: number): Promise<readonly Entry[]> {
    await this.gate('read');
    const read = this.tables.stream(stream).filter((entry) => (entry.streams.find((position) => position.stream === stream)?.version ?? 0) > afterVersion).slice(0, most);
    await this.gate('read');
    return read;
  }

  async find(id: string): Promise<Entry | undefined> {
    await this.gate('read');
    return this.#entry(id);
  }

  async findSettling(id: string): Promise<Entry | undefined> {
    await this.gate('read');
    return this.#entry(this.tables.settling.get(id));
  }

  async payload(id: string): Promise<Payload | undefined> {
    await this.gate('read');
    return this.tables.entries.get(id)?.payload;
  }

  async overdue(afterMs: number, beforeMs: number, most: number): Promise<readonly Entry[]> {
    await this.gate('read');
    const waiting = this.#all().filter(({ id, deadline }) => deadline !== undefined && deadline > afterMs && deadline <= beforeMs && !this.tables.settling.has(id));
    return waiting.sort((a, b) => (a.deadline ?? 0) - (b.deadline ?? 0)).slice(0, most);
  }

  async unsettled(kind: 'hold' | 'request.opened' | 'grant.opened', after: string | undefined, most: number): Promise<readonly Entry[]> {
    await this.gate('read');
    const open = this.#all().filter((entry) => entry.kind === kind && entry.id > (after ?? '') && !this.tables.settling.has(entry.id));
    return open.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, most);
  }

  async list({ kinds, stream, before, most }: ListQuery): Promise<readonly Entry[]> {
    await this.gate('read');
    const all = stream === undefined ? this.#all() : [...this.tables.stream(stream)];
    return all.sort((a, b) => (a.id < b.id ? 1 : -1)).filter(({ id, kind }) => kinds.includes(kind) && (before === undefined || id < before)).slice(0, most);
  }

  /** Everything that was written is in its log at once. */
  async history(after: bigint | undefined, most: number): Promise<readonly Logged[]> {
    await this.gate('read');
    const first = after === undefined ? 0 : Number(after) + 1;
    const ordered = this.#all().sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    return ordered.slice(first, first + most).map((entry, offset) => {
      const payload = this.tables.entries.get(entry.id)?.payload;
      return { index: BigInt(first + offset), entry, ...(payload && { payload }) };
    });
  }

  async getMeta(key: string): Promise<string | undefined> {
    await this.gate('read');
    return this.tables.meta.get(key);
  }

  async setMeta(key: string, value: string): Promise<void> {
    await this.gate('read');
    this.tables.meta.set(key, value);
  }

  async swapMeta(key: string, before: string | undefined, after: string): Promise<boolean> {
    await this.gate('read');
    if (this.tables.meta.get(key) !== before) return false;
    this.tables.meta.set(key, after);
    await this.gate('read');
    return true;
  }

  #all(): Entry[] {
    return [...this.tables.entries.values()].map(({ text }) => JSON.parse(text) as Entry);
  }

  #entry(id: string | undefined): Entry | undefined {
    const text = id === undefined ? undefined : this.tables.entries.get(id)?.text;
    return text === undefined ? undefined : (JSON.parse(text) as Entry);
  }
}
