import { FlyballError, type Json, type JsonObject, type Modification } from '@flyball/protocol';
import type { Narrowing, Vote } from '../action/states.js';

/** The modification of a decision with every cap that somebody who agreed made: the smallest counts. */
export function narrowed(modification: Modification | undefined, votes: readonly Vote[]): Modification | undefined {
  const caps = votes.flatMap(({ narrow }) => Object.entries(narrow?.caps ?? {}));
  if (caps.length === 0) return modification;
  const all = new Map(Object.entries(modification?.caps ?? {}));
  for (const [name, most] of caps) all.set(name, Math.min(most, all.get(name) ?? Infinity));
  return { caps: Object.fromEntries(all), sets: modification?.sets ?? {}, redact: modification?.redact ?? [] };
}

/** Throws `request_malformed` for what would not make the question smaller. */
export function verifyNarrowing({ caps, untilMs }: Narrowing, args: JsonObject, sets: Readonly<Record<string, Json>>, { nowMs, deadlineMs }: { readonly nowMs: number; readonly deadlineMs: number }): void {
  for (const [name, most] of Object.entries(caps ?? {})) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (typeof value !== 'number' || Object.hasOwn(sets, name)) throw malformed(`\`${name.slice(0, 80)}\` to be a number of this question that can be capped`);
    // Below zero, less is more.
    if (!(most >= 0 && most <= value)) throw malformed(`a cap of \`${name.slice(0, 80)}\` from 0 to ${value}: an answer narrows, it never widens`);
  }
  if (untilMs !== undefined && (untilMs <= nowMs || untilMs > deadlineMs)) throw malformed(`an end between now and ${new Date(deadlineMs).toISOString()}: an answer narrows, it never widens`);
}

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
