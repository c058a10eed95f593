import type { JsonObject } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';

/** How a task ended: what the request that it stands for would have been answered with. */
export type Finished = { readonly result: JsonObject } | { readonly error: JsonObject };

interface Kept {
  readonly owner: string;
  readonly finished: Finished;
  readonly bytes: number;
  readonly untilMs: number;
}

const resultsMost = 1_000;
const bytesMost = 32 * 1024 * 1024;
const bytesOfOneMost = 4 * 1024 * 1024;

/** Results for those who ask a second time. In memory, for a while, and only so much: the record keeps what happened, not what came back. */
export class KeptResults {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(
    private readonly clock: Clock,
    private readonly keptMs: number,
  ) {}

  keep(hold: string, owner: string, finished: Finished): void {
    const bytes = Buffer.byteLength(JSON.stringify(finished));
    if (bytes > bytesOfOneMost) return;
    this.#drop(hold);
    this.#kept.set(hold, { owner, finished, bytes, untilMs: this.clock.now() + this.keptMs });
    this.#bytes += bytes;
    for (const [oldest, { untilMs }] of this.#kept) {
      if (this.#kept.size <= resultsMost && this.#bytes <= bytesMost && untilMs > this.clock.now()) break;
      this.#drop(oldest);
    }
  }

  find(hold: string, owner: string): Finished | undefined {
    const kept = this.#kept.get(hold);
    return kept?.owner === owner && kept.untilMs > this.clock.now() ? kept.finished : undefined;
  }

  #drop(hold: string): void {
    this.#bytes -= this.#kept.get(hold)?.bytes ?? 0;
    this.#kept.delete(hold);
  }
}
