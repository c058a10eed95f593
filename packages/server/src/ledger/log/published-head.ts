import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { type Checkpoint, openCheckpoint, type TileSource, type TreeHead, treeRoot, type Verifier } from '@flyball/tlog';

/**
 * The newest checkpoint that this node has shown to anybody, kept outside the database: a database that was set back
 * to an older state, or another one, is recognised by it, and nothing is signed that contradicts what was shown.
 */
export class PublishedHead {
  #checkpoint = '';
  #head: Checkpoint | undefined;

  constructor(
    private readonly file: string,
    private readonly origin: string,
    private readonly verifiers: () => readonly Verifier[],
  ) {}

  /** The signed checkpoint; empty while there is none. */
  get checkpoint(): string {
    return this.#checkpoint;
  }

  get head(): Checkpoint | undefined {
    return this.#head;
  }

  load(): void {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    this.#head = openCheckpoint(text, this.origin, this.verifiers());
    this.#checkpoint = text;
  }

  /** A checkpoint of this log, signed by one of its keys; nothing for a log that has none yet. */
  open(checkpoint: string): Checkpoint | undefined {
    return checkpoint === '' ? undefined : openCheckpoint(checkpoint, this.origin, this.verifiers());
  }

  /** Throws `log_broken` unless a tree of the store continues the one that was shown. */
  async verifyContinues(next: TreeHead, tiles: TileSource): Promise<void> {
    const shown = this.#head;
    if (!shown) return;
    if (next.size < shown.size) throw broken(`the store has ${String(next.size)} entries, ${String(shown.size)} were shown before`);
    const then = next.size === shown.size ? next.root : await treeRoot(tiles, shown.size);
    if (!Buffer.from(then).equals(shown.root)) throw broken(`the store's first ${String(shown.size)} entries are not those that were shown before`);
  }

  /** Remembers a checkpoint, durably, and shows it from now on. One that is not newer changes nothing. */
  advance(checkpoint: string): void {
    const next = openCheckpoint(checkpoint, this.origin, this.verifiers());
    if (this.#head && next.size <= this.#head.size) return;
    mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
    const beside = `${this.file}.new`;
    writeFileSync(beside, checkpoint, { mode: 0o600 });
    syncFile(beside);
    renameSync(beside, this.file);
    syncFile(dirname(this.file));
    this.#head = next;
    this.#checkpoint = checkpoint;
  }
}

export const broken = (what: string): FlyballError => new FlyballError('log_broken', `the log cannot go on: ${what}; nothing is signed until somebody has looked at it`);

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
