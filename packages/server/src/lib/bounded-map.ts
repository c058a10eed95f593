import type { Clock } from './clock.js';

export interface Bounds<V> {
  readonly perOwnerMost: number;
  readonly allMost: number;
  ownerOf(value: V): string;
  endsAtMs(value: V): number;
}

/** What is kept in memory until its end: only so much of it for one owner, and for all. */
export class BoundedMap<V> {
  /** A Map keeps the order of insertion, so what is first is oldest. */
  readonly #values = new Map<string, V>();

  constructor(
    private readonly clock: Clock,
    private readonly bounds: Bounds<V>,
  ) {}

  /** Makes room first: what is over goes, then the oldest of the same owner, then the oldest of all. */
  add(key: string, value: V): void {
    const { perOwnerMost, allMost, ownerOf } = this.bounds;
    for (const [known, kept] of this.#values) if (this.#isOver(kept)) this.#values.delete(known);
    const own = [...this.#values].filter(([, kept]) => ownerOf(kept) === ownerOf(value));
    own.slice(0, Math.max(0, own.length - perOwnerMost + 1)).forEach(([known]) => this.#values.delete(known));
    const [oldest] = this.#values.keys();
    if (this.#values.size >= allMost && oldest !== undefined) this.#values.delete(oldest);
    this.#values.set(key, value);
  }

  /** The value of a key, unless it is over. */
  find(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined || !this.#isOver(value)) return value;
    this.#values.delete(key);
    return undefined;
  }

  /** Another value for a key that is there; it keeps its age. */
  replace(key: string, value: V): void {
    if (this.#values.has(key)) this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  #isOver(value: V): boolean {
    return this.bounds.endsAtMs(value) <= this.clock.now();
  }
}
