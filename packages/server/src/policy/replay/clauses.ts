import type { Json, JsonObject } from '@flyball/protocol';
import type { TemporalClauses } from '../temporal.js';

/** The clauses of a candidate beside those of the bundles that decided: a clause is the same when its text is. */
export class Clauses {
  readonly #names = new WeakMap<TemporalClauses, ReadonlyMap<string, string>>();

  constructor(private readonly candidate: TemporalClauses) {}

  /** Answers of the candidate's clauses that were given when it was decided, by the candidate's names. */
  answered(then: TemporalClauses, seen: JsonObject): ReadonlyMap<string, Json> {
    const answers = new Map<string, Json>();
    for (const [name, nameThen] of this.#namesThen(then)) {
      const answer = seen[nameThen];
      if (answer !== undefined) answers.set(name, answer);
    }
    return answers;
  }

  #namesThen(then: TemporalClauses): ReadonlyMap<string, string> {
    const known = this.#names.get(then);
    if (known) return known;
    const byText = new Map(then.clauses.map(({ text, name }) => [text, name]));
    const names = new Map(this.candidate.clauses.flatMap(({ name, text }) => {
      const nameThen = byText.get(text);
      return nameThen === undefined ? [] : [[name, nameThen] as const];
    }));
    this.#names.set(then, names);
    return names;
  }
}
