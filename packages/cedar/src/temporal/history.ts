import { identityOf, type Value } from '../values/value.js';
import { type PastEvent, valueAt } from './event.js';
import { tenThousandthsOf } from './numbers.js';
import { lowest, Series } from './series.js';
import type { Shape } from './shapes.js';

/**
 * The events of one key, such as one identity, in order, with a series for each kind of question that the
 * clauses ask: an answer costs what the events cost that can matter, however many there were.
 */
export class History {
  readonly #events: PastEvent[] = [];
  readonly #times: number[] = [];
  readonly #series = new Map<string, Map<string, Series>>();
  readonly #byEvent = new Map<string, readonly Shape[]>();
  /** Point in time of the first event that is still known. */
  #first = 0;

  constructor(shapes: readonly Shape[]) {
    const distinct = [...new Map(shapes.map((shape) => [shape.id, shape])).values()];
    for (const shape of distinct) {
      const event = `${shape.event} ${shape.action}`;
      this.#byEvent.set(event, [...(this.#byEvent.get(event) ?? []), shape]);
      this.#series.set(shape.id, new Map());
    }
  }

  /** The point in time that the next event will have. */
  get length(): number {
    return this.#first + this.#events.length;
  }

  get first(): number {
    return this.#first;
  }

  event(point: number): PastEvent | undefined {
    return this.#events[point - this.#first];
  }

  atMs(point: number): number {
    return this.#times[point - this.#first] ?? 0;
  }

  /** Adds an event. One that claims to be older than the last one counts as being as old. */
  add(event: PastEvent): void {
    const atMs = Math.max(event.atMs, this.#times.at(-1) ?? event.atMs);
    const point = this.length;
    this.#events.push(event);
    this.#times.push(atMs);
    this.#touch(event, (series, shape) => series.add(point, atMs, summandOf(event, shape)));
  }

  /** Takes the last event away again: a request that was asked about and never made. */
  removeLast(): void {
    const event = this.#events.pop();
    this.#times.pop();
    if (event) this.#touch(event, (series) => series.removeLast());
  }

  /** Forgets events that no clause can reach any more. */
  forgetBefore(atMs: number): void {
    const gone = lowest(this.#times, atMs);
    if (gone === 0) return;
    this.#events.splice(0, gone);
    this.#times.splice(0, gone);
    this.#first += gone;
    for (const byKey of this.#series.values()) {
      for (const [key, series] of byKey) {
        series.forgetBefore(atMs);
        if (series.isEmpty) byKey.delete(key);
      }
    }
  }

  /** First point in time that is not older. */
  pointFrom(atMs: number): number {
    return this.#first + lowest(this.#times, atMs);
  }

  /** The series of a shape's events with these values in its keyed fields. */
  series(shape: Shape, values: readonly Value[]): Series | undefined {
    return this.#series.get(shape.id)?.get(keyOf(values));
  }

  #touch(event: PastEvent, use: (series: Series, shape: Shape) => void): void {
    for (const shape of this.#byEvent.get(`${event.event} ${event.action.key}`) ?? []) {
      const values = shape.keyed.map((path) => valueAt(event.record, path));
      if (!values.every((value) => value !== undefined) || !shape.present.every((path) => valueAt(event.record, path) !== undefined)) continue;
      const byKey = this.#series.get(shape.id) ?? new Map<string, Series>();
      const key = keyOf(values);
      const series = byKey.get(key) ?? new Series();
      byKey.set(key, series);
      use(series, shape);
    }
  }
}

const keyOf = (values: readonly Value[]): string => values.map(identityOf).join(' ');

/** What an event adds to a sum, in ten-thousandths: nothing, if the field is no number. */
const summandOf = ({ record }: PastEvent, { summed }: Shape): bigint | undefined => (summed === undefined ? undefined : (tenThousandthsOf(valueAt(record, summed)) ?? 0n));
