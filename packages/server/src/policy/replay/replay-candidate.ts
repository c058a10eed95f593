import type { Bundle } from '../bundle.js';
import { Candidate } from './candidate.js';
import { type Direction, directionOf } from './direction.js';
import { decisivePolicies, describeFlip, type Flip } from './flips.js';
import { type Asked, type Pass, readDecisions, type ReadOptions, type ReadReport } from './read-decisions.js';
import type { EntryRef } from './record.js';
import { Counter, type Counts, type Listed, Listing } from './tally.js';

const directions = ['same', 'stricter', 'looser', 'other'] as const;

export type Flipped = Readonly<Record<Direction, number>>;

export interface CandidateReport extends ReadReport, Flipped {
  readonly candidate: string;
  readonly byAction: Readonly<Record<string, Flipped>>;
  /** Flips by the policies that they follow from, then or now. */
  readonly byPolicy: Readonly<Record<string, Omit<Flipped, 'same'>>>;
  readonly flips: Listed<Flip>;
  /** Decisions that a running OPA took part in: what it would say of the candidate's inputs nobody knows. */
  readonly opa: number;
  /** Decisions on resources that the candidate would map otherwise; made again on those that were recorded. */
  readonly mappedOtherwise: Counts;
  /** Inputs that could not be made sense of. */
  readonly unreadable: Listed<EntryRef & { readonly why: string }>;
}

/** Makes every recorded decision again by another bundle, on the past as it was recorded. */
export async function replayCandidate(bundle: Bundle, options: Omit<ReadOptions, 'clauses'>): Promise<CandidateReport> {
  const pass = new Trial(new Candidate(bundle, options.rules), options.most);
  const read = await readDecisions({ ...options, clauses: bundle.temporal }, pass);
  return { ...read, ...pass.toReport() };
}

/** How many entries of each session are kept for telling causes. */
const partsMost = 1_000;

class Trial implements Pass {
  readonly options;
  readonly #total = new Counter();
  readonly #byAction = new Map<Direction, Counter>(directions.map((direction) => [direction, new Counter()]));
  readonly #byPolicy = new Map<Direction, Counter>(directions.map((direction) => [direction, new Counter()]));
  readonly #flips: Listing<Flip>;
  readonly #unreadable: Listing<EntryRef & { readonly why: string }>;
  readonly #mappedOtherwise = new Counter();
  #opa = 0;

  constructor(
    private readonly candidate: Candidate,
    most: number,
  ) {
    this.options = { earlierMs: 0, partsMost, rewrite: candidate.rewrite };
    this.#flips = new Listing(most);
    this.#unreadable = new Listing(most);
  }

  decision(asked: Asked): void {
    if (asked.opa) {
      this.#opa++;
      return;
    }
    const { bundle } = this.candidate;
    const again = this.candidate.decide(asked);
    if (again.mappedOtherwise) this.#mappedOtherwise.add(asked.inputs.action);
    const direction = directionOf(asked.recorded, again.decision);
    this.#total.add(direction);
    this.#byAction.get(direction)?.add(asked.inputs.action);
    if (direction === 'same') return;
    const { then, now } = decisivePolicies(asked, again, bundle);
    for (const policy of new Set([...then, ...now])) this.#byPolicy.get(direction)?.add(policy);
    this.#flips.add(() => describeFlip(asked, again, bundle, direction));
  }

  unreadable(ref: EntryRef, why: string): void {
    this.#unreadable.add(() => ({ ...ref, why }));
  }

  toReport(): Omit<CandidateReport, keyof ReadReport> {
    const { count, first } = this.#flips;
    const byDirection = (counters: ReadonlyMap<Direction, Counter>) => {
      const counts = directions.map((direction) => [direction, counters.get(direction)?.all ?? {}] as const);
      const names = [...new Set(counts.flatMap(([, named]) => Object.keys(named)))].sort();
      return Object.fromEntries(names.map((name) => [name, toFlipped((direction) => counts.find(([key]) => key === direction)?.[1][name])]));
    };
    const total = this.#total.all;
    return {
      candidate: this.candidate.bundle.digest,
      ...toFlipped((direction) => total[direction]),
      byAction: byDirection(this.#byAction),
      byPolicy: byDirection(this.#byPolicy),
      flips: { count, first },
      opa: this.#opa,
      mappedOtherwise: this.#mappedOtherwise.all,
      unreadable: { count: this.#unreadable.count, first: this.#unreadable.first },
    };
  }
}

const toFlipped = (of: (direction: Direction) => number | undefined): Flipped => ({ same: of('same') ?? 0, stricter: of('stricter') ?? 0, looser: of('looser') ?? 0, other: of('other') ?? 0 });
