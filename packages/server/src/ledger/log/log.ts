import { type Bundle, encodeBundle, parsePath } from '@flyball/tlog';
import { type Entry, FlyballError } from '@flyball/protocol';
import { pause } from '../../lib/clock.js';
import type { EntryRecord, EntryStore } from '../store.js';
import { activeKeysIn, type LogKeys } from './log-keys.js';
import type { LogStore } from './log-store.js';
import { promiseOf } from './promise.js';
import type { PublishedHead } from './published-head.js';
import { receiptOf, type SizedCheckpoint, threadOf } from './receipts.js';
import type { Sequencer } from './sequencer.js';
import type { Witnesses } from './witnesses.js';

export interface LogParts {
  readonly origin: string;
  readonly store: LogStore;
  readonly entries: EntryStore;
  readonly keys: LogKeys;
  readonly published: PublishedHead;
  readonly sequencer: Sequencer;
  readonly witnesses: Witnesses;
  /** Other nodes may write to the same record, so it is looked at also when nothing was written here. */
  readonly shared: boolean;
}

/** Told what the log could not do, once each time it begins to fail. */
export interface LogTrouble {
  (message: string, error: unknown): void;
}

const roundMs = 500;
/** What witnesses have left when this node stops. */
const lastWordMs = 1_000;

/** The record as others can verify it: tiles, checkpoints, promises and receipts in C2SP formats. */
export class TransparencyLog {
  #written = true;
  #failing = '';
  #cosigning: Promise<void> | undefined;

  constructor(
    private readonly parts: LogParts,
    private readonly trouble: LogTrouble,
  ) {}

  /** Publishes keys that are new, and finds what was shown before. Throws `config_invalid` when this node has no key of the log. */
  async open(): Promise<void> {
    await this.parts.keys.publish();
    this.parts.published.load();
  }

  get origin(): string {
    return this.parts.origin;
  }

  /** C2SP verifier keys that checkpoints are signed with now. */
  get activeKeys(): readonly string[] {
    return activeKeysIn(this.parts.keys.history);
  }

  /** Entries that the newest checkpoint covers. */
  get size(): bigint {
    return this.parts.published.head?.size ?? 0n;
  }

  get keys(): LogKeys {
    return this.parts.keys;
  }

  /** Something was written here: the next round looks for it. */
  wake(): void {
    this.#written = true;
  }

  /** Signed at once; the entry has to be durable. */
  promise(written: EntryRecord): string {
    const [signer] = this.parts.keys.active;
    if (!signer) throw new FlyballError('config_invalid', 'expected a key of the log');
    return promiseOf(written, this.parts.origin, signer);
  }

  /** Throws when this node has no key left to promise with: then nothing is begun. */
  verifyCanPromise(): void {
    void this.parts.keys.active;
  }

  /** The newest checkpoint that was shown, with what witnesses have signed of the same size. */
  async checkpoint(): Promise<string> {
    const { published, witnesses } = this.parts;
    const cosigned = witnesses.isEmpty ? undefined : await witnesses.cosigned();
    return cosigned && cosigned.size === published.head?.size ? cosigned.checkpoint : published.checkpoint;
  }

  /** One tile or entry bundle by its C2SP path (`tile/0/000`). Throws `not_found` for what no checkpoint that was shown has. */
  async file(path: string): Promise<Uint8Array> {
    const parsed = readPath(path);
    const size = this.parts.published.head?.size ?? 0n;
    const { level, index, width } = parsed.kind === 'tile' ? parsed.tile : { level: 0, ...parsed.bundle };
    const span = 256n ** BigInt(level);
    if ((index * 256n + BigInt(width)) * span > size) throw notFound();
    return parsed.kind === 'tile' ? this.parts.store.readTile(parsed.tile) : this.#bundle(parsed.bundle);
  }

  async #bundle({ index, width }: Bundle): Promise<Uint8Array> {
    const texts = await this.parts.store.texts(index * 256n, width);
    const present = texts.filter((text) => text !== undefined);
    if (present.length < width) throw new FlyballError('not_found', 'these entries were archived; the archive has them');
    return encodeBundle(present.map((text) => new TextEncoder().encode(text)));
  }

  receipt(id: string, withBody: boolean): Promise<string | undefined> {
    return receiptOf(id, withBody, { log: this.parts.store, entries: this.parts.entries, checkpoints: () => this.#checkpoints() });
  }

  /** Receipts of everything that belongs to an attempt, and the ids of what is not in the log yet. */
  async thread(entry: Entry, withBody: boolean): Promise<{ readonly receipts: readonly string[]; readonly pending: readonly string[] }> {
    const ids = await threadOf(entry, this.parts.entries);
    const found = await Promise.all(ids.map(async (id) => ({ id, receipt: await this.receipt(id, withBody) })));
    return { receipts: found.flatMap(({ receipt }) => receipt ?? []), pending: found.flatMap(({ id, receipt }) => (receipt === undefined ? [id] : [])) };
  }

  async #checkpoints(): Promise<readonly SizedCheckpoint[]> {
    const { published, witnesses } = this.parts;
    const cosigned = witnesses.isEmpty ? undefined : await witnesses.cosigned();
    const shown = published.head && { size: published.head.size, checkpoint: published.checkpoint };
    return [cosigned, shown].filter((one) => one !== undefined);
  }

  /** Goes on until it is told to stop: at least two rounds a second while something is written. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.look();
      await pause(roundMs, stop);
    }
    // Whoever stops in good order leaves nothing that waits.
    await this.look();
    await Promise.race([this.#cosigning, pause(lastWordMs)]);
    await this.#safely(() => this.parts.sequencer.release());
  }

  /** One look at what waits, at what others have added, and at what witnesses have not seen, who are not waited for. */
  async look(): Promise<void> {
    if (this.#written || this.parts.shared) {
      this.#written = false;
      const done = await this.#safely(async () => {
        // A key that was retired on another node signs nothing here either, also while nobody but this node adds to the log.
        if (this.parts.shared) await this.parts.keys.refresh();
        while ((await this.parts.sequencer.round()) > 0);
        await this.#observe();
      });
      if (!done) this.#written = true;
    }
    // Beside the rounds: a witness that does not answer keeps nothing from being added.
    this.#cosigning ??= this.#cosign().finally(() => (this.#cosigning = undefined));
  }

  /** What another node has added; also how a node notices that its database was set back. */
  async #observe(): Promise<void> {
    const { store, published, sequencer, shared } = this.parts;
    const head = shared ? await store.head() : undefined;
    if (!head || (head.checkpoint === published.checkpoint && head.size === (published.head?.size ?? 0n))) return;
    await published.verifyContinues(head, store);
    const signed = published.open(head.checkpoint);
    // Whoever added this ended before it was signed.
    if (head.size > (signed?.size ?? 0n)) sequencer.doubt();
    if (!signed || signed.size <= (published.head?.size ?? 0n)) return;
    await published.verifyContinues(signed, store);
    published.advance(head.checkpoint);
  }

  async #cosign(): Promise<void> {
    const { witnesses, published } = this.parts;
    const { head, checkpoint } = published;
    if (!head || witnesses.due(head.size).length === 0) return;
    for (const { witness, error } of await witnesses.cosign(checkpoint, head)) this.trouble(`the witness ${witness} did not cosign; the log goes on without it`, error);
  }

  async #safely(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      this.#failing = '';
      return true;
    } catch (error) {
      const message = error instanceof FlyballError ? error.message : 'the log could not be extended';
      const what = `${message} ${error instanceof Error ? error.message : ''}`;
      if (this.#failing !== what) this.trouble(message, error);
      this.#failing = what;
      return false;
    }
  }
}

const notFound = () => new FlyballError('not_found', 'the log has no such file');

function readPath(path: string) {
  try {
    return parsePath(path);
  } catch {
    throw notFound();
  }
}

