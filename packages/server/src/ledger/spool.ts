import { closeSync, existsSync, fdatasyncSync, ftruncateSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Draft } from './draft.js';

const fileName = 'outcomes.jsonl';
const takenName = 'outcomes.taken.jsonl';
const roundsMost = 100;

const draftLine = z.strictObject({ kind: z.literal('outcome'), streams: z.array(z.strictObject({ stream: z.string() })), settles: z.string(), unhurried: z.boolean().optional(), body: z.looseObject({}), payload: z.strictObject({ salt: z.string(), content: z.string() }).optional() });

/** Outcomes that the store could not take yet, kept on this node's disk so that a restart does not lose them. */
export class Spool {
  readonly #file: string;
  readonly #taken: string;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#file = join(directory, fileName);
    this.#taken = join(directory, takenName);
  }

  /** Durable when it returns; when it throws, nothing of it is left. */
  keep(draft: Draft): void {
    const fd = openSync(this.#file, 'a', 0o600);
    const size = fstatSync(fd).size;
    try {
      const line = Buffer.from(`\n${JSON.stringify(draft)}\n`);
      for (let written = 0; written < line.length; ) written += writeSync(fd, line, written);
      fdatasyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, size);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Hands every kept draft to `record`, until none is left. What fails stays kept; recording the same one twice is harmless. */
  async drain(record: (draft: Draft) => Promise<void>): Promise<void> {
    for (let round = 0; round < roundsMost && this.#take(); round++) {
      for (const draft of parseLines(readFileSync(this.#taken, 'utf8'))) await record(draft);
      rmSync(this.#taken, { force: true });
    }
  }

  #take(): boolean {
    if (existsSync(this.#taken)) return true;
    if (!existsSync(this.#file)) return false;
    renameSync(this.#file, this.#taken);
    return true;
  }
}

/** A line that a crash cut short was never acknowledged, so it is passed over; so is what is no outcome. */
function parseLines(text: string): readonly Draft[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [draftLine.parse(JSON.parse(line)) as Draft];
    } catch {
      return [];
    }
  });
}
