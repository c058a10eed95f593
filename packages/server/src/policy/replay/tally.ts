import type { EntryRef } from './record.js';

/** Counts by name; names come from the record, so they are bounded. */
export type Counts = Readonly<Record<string, number>>;

const namesMost = 1_000;

/** A growing count by name. */
export class Counter {
  readonly #counts = new Map<string, number>();

  add(name: string, by = 1): void {
    const key = this.#counts.has(name) || this.#counts.size < namesMost ? name : '(others)';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  get all(): Counts {
    return Object.fromEntries([...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1)));
  }
}

/** The first ones of a list, and how many there were. */
export interface Listed<T> {
  readonly count: number;
  readonly first: readonly T[];
}

export class Listing<T> implements Listed<T> {
  readonly #first: T[] = [];
  #count = 0;

  constructor(private readonly most: number) {}

  get count(): number {
    return this.#count;
  }

  get first(): readonly T[] {
    return this.#first;
  }

  get hasRoom(): boolean {
    return this.#first.length < this.most;
  }

  /** @param make made only where it is kept */
  add(make: () => T): void {
    this.#count++;
    if (this.hasRoom) this.#first.push(make());
  }
}

/** What of the record could not be asked again, and why. */
export class Left {
  /** Refusals before any decision, by their error. */
  readonly undecided = new Counter();
  /** Decisions that were made before policy was asked, and that the record alone cannot make again, by kind. */
  readonly beforePolicy = new Counter();
  /** Decisions of bundles that are not in the record, or that can be compiled no longer, by digest. */
  readonly bundles = new Counter();
  readonly erased: Listing<EntryRef>;
  /** Inputs that were too large to be kept. */
  readonly tooLarge: Listing<EntryRef>;
  /** Decisions in sessions whose beginning is not in the record. */
  readonly strays: Listing<EntryRef>;

  constructor(most: number) {
    this.erased = new Listing(most);
    this.tooLarge = new Listing(most);
    this.strays = new Listing(most);
  }

  toReport() {
    const { undecided, beforePolicy, bundles, erased, tooLarge, strays } = this;
    const listed = ({ count, first }: Listing<EntryRef>): Listed<EntryRef> => ({ count, first });
    return { undecided: undecided.all, beforePolicy: beforePolicy.all, bundles: bundles.all, erased: listed(erased), tooLarge: listed(tooLarge), strays: listed(strays) };
  }
}

export type LeftReport = ReturnType<Left['toReport']>;
