import type { Json, JsonObject } from '@flyball/protocol';
import type { AskedFact, DecisionInputs, Situated } from '../action/states.js';
import { valueAt } from '../lib/json-pointer.js';
import type { FactAnswer, Lookup } from './fact-source.js';

/** Inputs with the facts that are there at their moment. One that grew too old while others were waited for is missing. */
export function withFacts(inputs: DecisionInputs, answers: ReadonlyMap<string, FactAnswer>, nowMs: number): DecisionInputs {
  if (answers.size === 0) return inputs;
  const values: [string, JsonObject][] = [];
  const asked: [string, AskedFact][] = [];
  for (const [name, answer] of answers) {
    const why = answer.kind === 'missing' ? answer.why : answer.goodUntilMs <= nowMs ? 'it grew too old while it was waited for' : undefined;
    if (answer.kind === 'known' && why === undefined) values.push([name, answer.value]);
    asked.push([name, toAsked(answer, why)]);
  }
  return { ...inputs, context: { ...inputs.context, facts: Object.fromEntries(values) }, facts: Object.fromEntries(asked) };
}

function toAsked({ sources, freshForMs, parameters }: FactAnswer, missing: string | undefined): AskedFact {
  return {
    sources: sources.map(({ source, fetchedAtMs }) => ({ source, fetched_at_ms: fetchedAtMs })),
    fresh_for_ms: freshForMs,
    ...(Object.keys(parameters).length > 0 && { parameters }),
    ...(missing !== undefined && { missing }),
  };
}

/** Facts that were asked for and are missing: they may yet arrive. */
export const awaitedFacts = ({ facts }: Pick<DecisionInputs, 'facts'>): ReadonlySet<string> => new Set(Object.entries(facts ?? {}).flatMap(([name, { missing }]) => (missing === undefined ? [] : [name])));

/** What placeholders of sources stand for in an attempt. */
export function lookupOf({ principal, call }: Pick<Situated, 'principal' | 'call'>, { action, resources }: Pick<DecisionInputs, 'action' | 'resources'>): Lookup {
  const [resource, another] = resources;
  // Of several resources none is the one that is meant.
  const one = another === undefined ? resource : undefined;
  return (placeholder) => {
    if (placeholder.startsWith('args.')) return toWord(valueAt(call.args, `/${placeholder.slice('args.'.length).split('.').join('/')}`));
    switch (placeholder) {
      case 'identity':
        return principal.identity.id;
      case 'action':
        return action;
      case 'resource.id':
        return one?.id;
      case 'resource.type':
        return one?.type;
      default:
        return undefined;
    }
  };
}

/** What the sources of a recorded decision's facts were asked with. */
export function recordedLookup({ facts }: Pick<DecisionInputs, 'facts'>): Lookup {
  const all = new Map(Object.values(facts ?? {}).flatMap(({ parameters }) => Object.entries(parameters ?? {})));
  return (placeholder) => all.get(placeholder);
}

/** A text, a number or a boolean as one word; of a number what JavaScript prints, which two numbers never share. */
export const toWord = (value: Json | undefined): string | undefined => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined);
