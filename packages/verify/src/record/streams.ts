import type { Findings } from '../finding.js';
import type { Position } from '../leaf/entry.js';
import { placeOf, type Recorded } from './recorded.js';

/** Entries that may come after one that its stream has before them: several seconds at full load. */
export const disorderMax = 50_000;

interface Stream {
  version: number;
  /** Leaf hash of the newest entry, in base64; nothing behind a gap. */
  head: string | undefined;
  at: number;
}

/**
 * Puts entries into the order of their streams, and checks these: no gap, nothing twice, each chained to the one
 * before, time not running back. What has to wait for an entry before it waits so long, and then there is a gap.
 * Memory: one record for each stream, and at most `disorderMax` entries.
 */
export class Streams {
  readonly #streams = new Map<string, Stream>();
  /** Entries that are not next in a stream, by stream and version. */
  readonly #blocked = new Map<string, Map<number, Recorded>>();
  /** The same, each once, in the order of the log. */
  readonly #waiting = new Set<Recorded>();

  /** @param release is handed every entry once, after those that are before it in its streams */
  constructor(
    private readonly findings: Findings,
    private readonly release: (recorded: Recorded) => void,
  ) {}

  get count(): number {
    return this.#streams.size;
  }

  add(recorded: Recorded): void {
    if (this.#isNext(recorded)) this.#take(recorded);
    else this.#block(recorded);
    for (const oldest of this.#waiting) {
      if (recorded.index - oldest.index < disorderMax) break;
      this.#jumpTo(oldest);
    }
  }

  /** Nothing more comes: what still waits, waits behind a gap. */
  finish(): void {
    while (this.#waiting.size > 0) for (const oldest of this.#waiting) this.#jumpTo(oldest);
  }

  #isNext({ entry }: Recorded): boolean {
    return entry.streams.every(({ stream, version }) => version <= this.#of(stream).version + 1);
  }

  #take(recorded: Recorded): void {
    // A list, not recursion: thousands may have waited for this one.
    const ready = [recorded];
    for (let next = ready.pop(); next; next = ready.pop()) {
      this.#waiting.delete(next);
      for (const position of next.entry.streams) {
        this.#advance(next, position);
        this.#forget(position.stream, position.version);
      }
      this.release(next);
      for (const { stream, version } of next.entry.streams) {
        const follower = this.#blocked.get(stream)?.get(version + 1);
        if (follower && this.#isNext(follower) && this.#waiting.delete(follower)) ready.push(follower);
      }
    }
  }

  #advance(recorded: Recorded, { stream, version, prev }: Position): void {
    const state = this.#of(stream);
    const place = { ...placeOf(recorded), stream };
    if (version <= state.version) {
      this.findings.add('stream_duplicate', `expected version ${state.version + 1}, got ${version} again or too late`, place);
      return;
    }
    if (version > 1 && state.head !== undefined && prev !== state.head) this.findings.add('chain_broken', `expected \`prev\` to be the hash of version ${version - 1}`, place);
    if (recorded.entry.at < state.at) this.findings.add('time_reversed', `expected a time of at least ${state.at}, got ${recorded.entry.at}`, place);
    Object.assign(state, { version, head: recorded.hash, at: Math.max(state.at, recorded.entry.at) });
  }

  #block(recorded: Recorded): void {
    const ahead = recorded.entry.streams.filter(({ stream, version }) => version > this.#of(stream).version + 1);
    const isTwice = ahead.some(({ stream, version }) => this.#blocked.get(stream)?.has(version));
    if (isTwice) {
      this.findings.add('stream_duplicate', 'expected one entry of a version', { ...placeOf(recorded), stream: ahead[0]?.stream ?? '' });
      this.release(recorded);
      return;
    }
    for (const { stream, version } of ahead) {
      const blocked = this.#blocked.get(stream) ?? new Map<number, Recorded>();
      this.#blocked.set(stream, blocked.set(version, recorded));
    }
    this.#waiting.add(recorded);
  }

  /** What was waited for does not come: goes on behind the gap. */
  #jumpTo(waiting: Recorded): void {
    if (!this.#waiting.has(waiting)) return;
    for (const { stream, version } of waiting.entry.streams) {
      const state = this.#of(stream);
      if (version <= state.version + 1) continue;
      this.findings.add('stream_gap', `expected version ${state.version + 1}, got ${version}`, { ...placeOf(waiting), stream });
      Object.assign(state, { version: version - 1, head: undefined });
    }
    this.#take(waiting);
  }

  #forget(stream: string, version: number): void {
    const blocked = this.#blocked.get(stream);
    blocked?.delete(version);
    if (blocked?.size === 0) this.#blocked.delete(stream);
  }

  #of(stream: string): Stream {
    const known = this.#streams.get(stream);
    if (known) return known;
    const made = { version: 0, head: undefined, at: 0 };
    this.#streams.set(stream, made);
    return made;
  }
}
