import type { Aggregate, Condition, Pattern } from './condition.js';
import { anchorOf, isSettled, type Shape, shapeOf, shapesOf, type Tally, tallyOf } from './shapes.js';

/** What there is to know of a condition before anything happens, found out once. */
export class Plan {
  readonly shapes: readonly Shape[];
  readonly #shapes = new Map<Pattern, Shape>();
  readonly #summed = new Map<Pattern, Shape>();
  readonly #settled = new Map<Pattern, boolean>();
  readonly #anchors = new Map<Condition, Pattern | undefined>();
  readonly #tallies = new Map<Aggregate, Tally | undefined>();

  constructor(readonly condition: Condition) {
    this.shapes = shapesOf(condition);
  }

  shape(pattern: Pattern, summed?: readonly string[]): Shape {
    return remembered(summed === undefined ? this.#shapes : this.#summed, pattern, () => shapeOf(pattern, summed));
  }

  isSettled(pattern: Pattern): boolean {
    return remembered(this.#settled, pattern, () => isSettled(pattern));
  }

  anchor(condition: Condition): Pattern | undefined {
    return remembered(this.#anchors, condition, () => anchorOf(condition));
  }

  tally(aggregate: Aggregate): Tally | undefined {
    return remembered(this.#tallies, aggregate, () => tallyOf(aggregate));
  }
}

function remembered<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  if (known.has(key)) return known.get(key) as V;
  const found = find();
  known.set(key, found);
  return found;
}
