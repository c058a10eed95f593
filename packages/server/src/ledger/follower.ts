import type { Entry } from '@flyball/protocol';
import type { LogStore } from './log/index.js';
import type { Projections } from './projections.js';

const pageSize = 1_000;
/** Further behind than this it is cheaper to read again what is asked for. */
const behindMost = 20_000n;

/**
 * Follows what other nodes add to the log. A stream that they wrote to is let go here, so that a session knows within
 * a second what its identity learnt on another node: of its own stream a version tells, of the others nothing would.
 */
export class Follower {
  #seen: bigint | undefined;

  constructor(
    private readonly log: Pick<LogStore, 'head' | 'texts'>,
    private readonly projections: Pick<Projections, 'noticed' | 'forgetAll'>,
    private readonly noticed: (entry: Entry) => void = () => undefined,
    /** What was recorded until now is not noticed one by one. */
    private readonly skipped: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** One look at what is new in the log. */
  async look(): Promise<void> {
    const size = (await this.log.head())?.size ?? 0n;
    const from = this.#seen;
    if (from === undefined || size - from > behindMost) {
      this.#seen = size;
      this.projections.forgetAll();
      await this.skipped();
      return;
    }
    for (let first = from; first < size; first += BigInt(pageSize)) {
      const count = Number(size - first < BigInt(pageSize) ? size - first : BigInt(pageSize));
      for (const text of await this.log.texts(first, count)) if (text !== undefined) this.#notice(JSON.parse(text) as Entry);
      this.#seen = first + BigInt(count);
    }
  }

  #notice(entry: Entry): void {
    for (const { stream, version } of entry.streams) this.projections.noticed(stream, version);
    this.noticed(entry);
  }
}
