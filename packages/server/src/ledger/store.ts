import type { Entry } from '@flyball/protocol';
import type { Payload } from './draft.js';

/** What the ledger needs of a store. Fulfilled by `store/`; one contract suite runs on every store. */
export interface EntryStore {
  /**
   * Durable when it resolves. Throws `conflict` when another entry has one of its places, `already_settled`
   * when another entry settled the same one, `store_unavailable` when nothing can be said or written.
   * Entries are written in the order in which they were handed in.
   */
  commit(record: EntryRecord): Promise<void>;
  /** Resolves when everything that was handed in is written or refused. */
  flush(): Promise<void>;
  /** Called in the same tick in which an entry is found not to be written, before anyone can build on it. */
  onLost(listener: (streams: readonly string[]) => void): void;
  readStream(stream: string, afterVersion: number, most: number): Promise<readonly Entry[]>;
  find(id: string): Promise<Entry | undefined>;
  findSettling(id: string): Promise<Entry | undefined>;
  payload(id: string): Promise<Payload | undefined>;
  /** Entries whose deadline passed between the two moments and that nothing settled, oldest first. */
  overdue(afterMs: number, beforeMs: number, most: number): Promise<readonly Entry[]>;
  /** Entries of a kind that nothing has settled, in the order of their ids, after one of them. */
  unsettled(kind: 'hold' | 'request.opened' | 'grant.opened', after: string | undefined, most: number): Promise<readonly Entry[]>;
  list(query: ListQuery): Promise<readonly Entry[]>;
  /**
   * Entries that have a place in the log, in its order, after a place or from the beginning, with what can be erased of
   * them. A place that is left out is of an entry that was archived.
   */
  history(after: bigint | undefined, most: number): Promise<readonly Logged[]>;
  getMeta(key: string): Promise<string | undefined>;
  setMeta(key: string, value: string): Promise<void>;
  /** Replaces a value if it still is the one that was read (nothing: there is none yet); false when another node was first. */
  swapMeta(key: string, before: string | undefined, after: string): Promise<boolean>;
}

export interface EntryRecord {
  readonly entry: Entry;
  /** Canonical text of the entry: what was hashed. */
  readonly text: string;
  readonly leaf: Uint8Array;
  readonly payload?: Payload;
  /** Nobody waits for this one: it may go with the next batch, within some milliseconds. */
  readonly unhurried?: boolean;
}

/** An entry at its place in the log. */
export interface Logged {
  readonly index: bigint;
  readonly entry: Entry;
  readonly payload?: Payload;
}

export interface ListQuery {
  readonly kinds: readonly string[];
  readonly stream?: string;
  /** Only entries older than this one. */
  readonly before?: string;
  readonly most: number;
}

/** Where names of people are kept. */
export interface NameStore {
  /** Keeps a name under a reference, durably, unless it has one already; returns the one that it has. */
  keepName(name: string, ref: string, salt: string): Promise<string>;
  findName(ref: string): Promise<string | undefined>;
  findRef(name: string): Promise<string | undefined>;
  /** Forgets a name; what the record says of its reference can no longer be said of anybody. */
  eraseName(name: string): Promise<string | undefined>;
}

/** Bodies of entries, which can be erased. Bundles are no bodies: decisions are evaluated again with them. */
export interface BodyStore {
  /** Ids of entries that have a body and match; those that name the person, whose session it is, or whose body has the text in it. */
  findBodies(wish: { readonly ref?: string | undefined; readonly stream?: string | undefined; readonly entries?: readonly string[] | undefined; readonly containing?: string | undefined }): Promise<readonly string[]>;
  /** Erases them, durably. */
  eraseBodies(entries: readonly string[]): Promise<void>;
}
