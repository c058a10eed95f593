import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { DecisionInputs } from '../action/states.js';
import { momentOf } from './replay/record.js';

/** One fact as a decision saw it. */
export interface ExplainedFact {
  readonly fact: string;
  /** What it said; nothing where it was missing. */
  readonly value?: JsonObject;
  /** Why it was missing. */
  readonly missing?: string;
  readonly sources: readonly { readonly source: string; readonly at: string; readonly age_ms: number }[];
  readonly fresh_for_ms: number;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** The facts that providers were asked for, each with where it came from and how old it was. */
export function explainFacts(inputs: DecisionInputs): readonly ExplainedFact[] {
  const { facts, context } = inputs;
  if (!facts) return [];
  const nowMs = momentOf(inputs);
  const values = isObject(context['facts']) ? context['facts'] : {};
  return Object.entries(facts).map(([fact, { sources, fresh_for_ms, parameters, missing }]) => {
    const value = Object.hasOwn(values, fact) ? values[fact] : undefined;
    return {
      fact,
      ...(isObject(value) && missing === undefined && { value: plain(value) }),
      ...(missing !== undefined && { missing }),
      sources: sources.map(({ source, fetched_at_ms }) => ({ source, at: new Date(fetched_at_ms).toISOString(), age_ms: Math.max(0, nowMs - fetched_at_ms) })),
      fresh_for_ms,
      ...(parameters && { parameters }),
    };
  });
}

/** Attributes without Cedar's escapes. */
function plain(value: JsonObject): JsonObject {
  const word = (item: Json | undefined) => (isObject(item) && isObject(item['__extn']) ? item['__extn']['arg'] : item);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, word(item)]));
}
