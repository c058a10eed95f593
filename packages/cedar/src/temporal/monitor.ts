import type { Condition } from './condition.js';
import type { PastEvent, Present } from './event.js';
import { holdsNow } from './evaluate.js';
import { History } from './history.js';
import { Plan } from './plan.js';
import { horizonMs } from './shapes.js';

/** The temporal clauses of a set of policies, and how they are asked. Histories are one for each key. */
export class TemporalMonitor {
  readonly #plans: ReadonlyMap<string, Plan>;
  /** How far back any clause can look, in milliseconds: older events may be forgotten. */
  readonly horizonMs: number;

  constructor(clauses: Iterable<{ readonly name: string; readonly condition: Condition }>) {
    const named = [...clauses];
    this.#plans = new Map(named.map(({ name, condition }) => [name, new Plan(condition)]));
    this.horizonMs = Math.max(0, ...named.map(({ condition }) => horizonMs(condition)));
  }

  /** An empty history, to which the key's past events are added in their order. */
  newHistory(): History {
    return new History([...this.#plans.values()].flatMap(({ shapes }) => shapes));
  }

  /**
   * What each clause says of a request, which is the last event of its own history (formal specification:
   * an event is appended before it is decided). Afterwards the history is as it was: whoever makes the
   * request adds it.
   */
  ask(history: History, request: PastEvent, present: Present): ReadonlyMap<string, boolean> {
    history.add(request);
    try {
      return new Map([...this.#plans].map(([name, plan]) => [name, holdsNow(plan, history, present)]));
    } finally {
      history.removeLast();
    }
  }
}
