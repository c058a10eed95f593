import { closeSync, existsSync, fdatasyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Draft } from './draft.js';

const fileName = 'outcomes.jsonl';
const takenName = 'outcomes.taken.jsonl';

/** Outcomes that the store could not take yet, kept on this node's disk so that a restart does not lose them. */
export class Spool {
  readonly #file: string;
  readonly #taken: string;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#file = join(directory, fileName);
    this.#taken = join(directory, takenName);
  }

  /** Durable when it returns. */
  keep(draft: Draft): void {
    const fd = openSync(this.#file, 'a', 0o600);
    try {
      writeSync(fd, `${JSON.stringify(draft)}\n`);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Hands every kept draft to `record`; whatever fails is kept again. Recording the same one twice is harmless. */
  async drain(record: (draft: Draft) => Promise<void>): Promise<void> {
    if (!existsSync(this.#taken)) {
      if (!existsSync(this.#file)) return;
      renameSync(this.#file, this.#taken);
    }
    for (const draft of parseLines(readFileSync(this.#taken, 'utf8'))) await record(draft);
    rmSync(this.#taken, { force: true });
  }
}

/** A line that a crash cut short was never acknowledged, so it is passed over. */
function parseLines(text: string): readonly Draft[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Draft];
    } catch {
      return [];
    }
  });
}
