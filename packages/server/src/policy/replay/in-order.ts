import type { Entry } from '@flyball/protocol';
import type { Row } from './record.js';

interface Waiting {
  readonly row: Row;
  readonly since: number;
}

/** How many entries may come between two that are in the wrong order; after that, what is missing is a gap. */
const patience = 10_000;

/**
 * Entries in the order of each of their streams. The log has them by time, and those of one millisecond as their ids
 * fall, so one can come before its predecessor; it waits here until that one is there.
 */
export class InOrder {
  readonly #last = new Map<string, number>();
  /** By the place that they wait for. */
  readonly #waiting = new Map<string, Waiting>();
  #taken = 0;
  #gaps = 0;

  /** Entries whose predecessors are not in the record. */
  get gaps(): number {
    return this.#gaps;
  }

  take(row: Row): readonly Row[] {
    this.#taken++;
    const ready: Row[] = [];
    this.#offer(row, ready);
    const [oldest] = this.#waiting.values();
    if (oldest && this.#taken - oldest.since > patience) this.#give(oldest.row, ready);
    return ready;
  }

  /** What still waits at the end. */
  rest(): readonly Row[] {
    const ready: Row[] = [];
    for (let [oldest] = this.#waiting.values(); oldest; [oldest] = this.#waiting.values()) this.#give(oldest.row, ready);
    return ready;
  }

  /** A stream that nothing comes to any more. */
  forget(stream: string): void {
    this.#last.delete(stream);
  }

  #offer(row: Row, ready: Row[]): void {
    const missing = this.#missing(row.entry);
    if (missing === undefined) this.#release(row, ready);
    else this.#waiting.set(missing, { row, since: this.#taken });
  }

  #missing({ streams }: Entry): string | undefined {
    const place = streams.find(({ stream, version }) => version > (this.#last.get(stream) ?? 0) + 1);
    return place && placeKey(place.stream, place.version - 1);
  }

  #release(row: Row, ready: Row[]): void {
    ready.push(row);
    for (const { stream, version } of row.entry.streams) {
      this.#last.set(stream, Math.max(version, this.#last.get(stream) ?? 0));
      const key = placeKey(stream, version);
      const next = this.#waiting.get(key);
      if (!next) continue;
      this.#waiting.delete(key);
      this.#offer(next.row, ready);
    }
  }

  /** Gives up on a predecessor. Others of the same stream may wait with an earlier place: those go first. */
  #give(row: Row, ready: Row[]): void {
    const [place] = row.entry.streams.filter(({ stream, version }) => version > (this.#last.get(stream) ?? 0) + 1);
    if (!place) return;
    const earliest = [...this.#waiting.keys()].filter((key) => key.endsWith(` ${place.stream}`)).reduce((least, key) => Math.min(least, Number.parseInt(key, 10)), place.version - 1);
    const key = placeKey(place.stream, earliest);
    const first = this.#waiting.get(key);
    if (!first) return;
    this.#waiting.delete(key);
    this.#gaps++;
    this.#last.set(place.stream, earliest);
    this.#offer(first.row, ready);
  }
}

const placeKey = (stream: string, version: number): string => `${version} ${stream}`;
