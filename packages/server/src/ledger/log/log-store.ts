import type { GrownTile, TileSource } from '@flyball/tlog';

/** An entry that has no place in the log yet. */
export interface Unsequenced {
  readonly at: number;
  readonly entry: string;
  readonly leaf: Uint8Array;
}

export interface LogHead {
  readonly origin: string;
  /** Grows with every change of who sequences; who has an older one can write nothing. */
  readonly epoch: bigint;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** The newest signed checkpoint; of a smaller size until this one is signed, empty for a log that has none yet. */
  readonly checkpoint: string;
}

/** What one round adds to the log; all of it or nothing. */
export interface Extension {
  readonly from: LogHead;
  readonly to: Pick<LogHead, 'size' | 'root'>;
  /** Entries in the order of their indexes, the first at `from.size`. */
  readonly entries: readonly Unsequenced[];
  readonly tiles: readonly GrownTile[];
}

/** What the log needs of a store: hash tiles, entries by index, and who may extend it. */
export interface LogStore extends TileSource {
  /** The log, made with this origin where there is none yet. */
  open(origin: string): Promise<LogHead>;
  /** Takes or keeps the right to extend the log; nothing while another node has it. */
  acquire(holder: string, leaseMs: number): Promise<LogHead | undefined>;
  release(holder: string): Promise<void>;
  head(): Promise<LogHead | undefined>;
  /** Entries that have no index yet, oldest first. */
  unsequenced(most: number): Promise<readonly Unsequenced[]>;
  /** Durable when it resolves to true; false when somebody else extended the log or may do so now. */
  extend(extension: Extension): Promise<boolean>;
  /** Keeps the checkpoint of a size that was decided on, unless the log is beyond it. It can be signed again, so it need not be durable. */
  keepCheckpoint(size: bigint, checkpoint: string): Promise<void>;
  indexOf(entry: string): Promise<bigint | undefined>;
  /** Texts of entries in the order of their indexes; nothing in the place of one that was archived. */
  texts(first: bigint, count: number): Promise<readonly (string | undefined)[]>;
  /** The newest cosignature lines of each witness. */
  cosignatures(): Promise<readonly Cosigned[]>;
  keepCosignature(cosigned: Cosigned): Promise<void>;
}

export interface Cosigned {
  readonly witness: string;
  readonly size: bigint;
  /** The checkpoint as the log signed it, and the witness's own lines. */
  readonly checkpoint: string;
  readonly lines: string;
}

/** What can be taken out of the store when a folder has it. */
export interface ArchiveStore {
  /** The index of the first entry that is not older than this; nothing when all are. */
  firstSince(atMs: number): Promise<bigint | undefined>;
  /** Bodies of entries below an index, in pages; ids are in order. */
  bodiesBelow(index: bigint, after: string, most: number): Promise<readonly ArchivedBody[]>;
  /** Takes out entries below an index, and their bodies, that nothing which goes on needs; returns how many entries it were. */
  removeBelow(index: bigint): Promise<number>;
}

export interface ArchivedBody {
  readonly entry: string;
  readonly salt: string;
  readonly content: string;
}

/** Where a log's files go: a folder, or an object store by its HTTP API. */
export interface FileStore {
  /** Nothing when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  has(path: string): Promise<boolean>;
  /** The file is there whole or not at all. */
  put(path: string, bytes: Uint8Array, contentType: string): Promise<void>;
}
