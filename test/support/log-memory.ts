import { emptyRoot, type Tile } from '@flyball/tlog';
import type { EntryRecord } from '../../packages/server/src/ledger/store.js';
import type { Cosigned, Extension, LogHead, LogStore, Unsequenced } from '../../packages/server/src/ledger/log/log-store.js';

const hashBytes = 32;

/** One tenant's log in memory, with the entries that wait for it; several nodes may share it. */
export class MemoryLogTables {
  head: LogHead | undefined;
  holder = '';
  leaseUntil = 0;
  readonly texts = new Map<string, string>();
  readonly waiting = new Map<string, Unsequenced>();
  readonly leaves: string[] = [];
  readonly tiles = new Map<string, Uint8Array>();
  readonly cosigned = new Map<string, Cosigned>();

  /** @param now milliseconds by which leases end */
  constructor(readonly now: () => number = Date.now) {}

  commit({ entry, text, leaf }: EntryRecord): void {
    this.texts.set(entry.id, text);
    this.waiting.set(entry.id, { at: entry.at, entry: entry.id, leaf });
  }
}

/** Lets a test decide when each step happens; it may also fail it. `before` comes before the step is done, `after` when it is. */
export type LogGate = (when: 'before' | 'after', what: string) => Promise<void>;

/** A log's store in memory over shared tables: it passes the same contract suite as PostgreSQL. */
export class MemoryLog implements LogStore {
  /** @param alone nobody's lease is waited for */
  constructor(
    readonly tables: MemoryLogTables,
    private readonly gate: LogGate = () => Promise.resolve(),
    private readonly alone = false,
  ) {}

  open(origin: string): Promise<LogHead> {
    return this.#step('open', () => (this.tables.head ??= { origin, epoch: 0n, size: 0n, root: emptyRoot, checkpoint: '' }));
  }

  acquire(holder: string, leaseMs: number): Promise<LogHead | undefined> {
    return this.#step('acquire', () => {
      const { tables } = this;
      if (!tables.head || (tables.holder !== holder && tables.leaseUntil >= tables.now() && !this.alone)) return undefined;
      if (tables.holder !== holder) tables.head = { ...tables.head, epoch: tables.head.epoch + 1n };
      tables.holder = holder;
      tables.leaseUntil = tables.now() + leaseMs;
      return tables.head;
    });
  }

  release(holder: string): Promise<void> {
    return this.#step('release', () => {
      if (this.tables.holder === holder) this.tables.leaseUntil = 0;
    });
  }

  head(): Promise<LogHead | undefined> {
    return this.#step('head', () => this.tables.head);
  }

  unsequenced(most: number): Promise<readonly Unsequenced[]> {
    return this.#step('unsequenced', () => [...this.tables.waiting.values()].sort((a, b) => a.at - b.at || (a.entry < b.entry ? -1 : 1)).slice(0, most));
  }

  extend({ from, to, entries, tiles }: Extension): Promise<boolean> {
    return this.#step('extend', () => {
      const { head, leaves, waiting } = this.tables;
      if (head?.epoch !== from.epoch || head.size !== from.size) return false;
      if (entries.some(({ entry }) => leaves.includes(entry))) throw new Error('an entry has an index already');
      entries.forEach(({ entry }) => leaves.push(entry));
      entries.forEach(({ entry }) => waiting.delete(entry));
      tiles.forEach(({ tile: { level, index }, hashes }) => this.tables.tiles.set(`${level}/${index}`, new Uint8Array(hashes)));
      this.tables.head = { ...head, size: to.size, root: to.root };
      return true;
    });
  }

  keepCheckpoint(size: bigint, checkpoint: string): Promise<void> {
    return this.#step('keepCheckpoint', () => {
      if (this.tables.head?.size === size) this.tables.head = { ...this.tables.head, checkpoint };
    });
  }

  readTile({ level, index, width }: Tile): Promise<Uint8Array> {
    return this.#step('readTile', () => {
      const hashes = this.tables.tiles.get(`${level}/${index}`);
      if (!hashes || hashes.length < width * hashBytes) throw new Error('the log has no such tile');
      return hashes.slice(0, width * hashBytes);
    });
  }

  indexOf(entry: string): Promise<bigint | undefined> {
    return this.#step('indexOf', () => {
      const index = this.tables.leaves.indexOf(entry);
      return index < 0 ? undefined : BigInt(index);
    });
  }

  texts(first: bigint, count: number): Promise<readonly (string | undefined)[]> {
    return this.#step('texts', () => this.tables.leaves.slice(Number(first), Number(first) + count).map((entry) => this.tables.texts.get(entry)));
  }

  cosignatures(): Promise<readonly Cosigned[]> {
    return this.#step('cosignatures', () => [...this.tables.cosigned.values()].sort((a, b) => (a.witness < b.witness ? -1 : 1)));
  }

  keepCosignature(cosigned: Cosigned): Promise<void> {
    return this.#step('keepCosignature', () => void this.tables.cosigned.set(cosigned.witness, cosigned));
  }

  async #step<T>(what: string, step: () => T): Promise<T> {
    await this.gate('before', what);
    const result = step();
    await this.gate('after', what);
    return result;
  }
}
