import type { Decision, JsonObject } from '@flyball/protocol';
import type { DecisionInputs } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { strictest } from '../decide.js';
import { brokenRego, readRegoDecision, type RegoSource, type RegoTerms } from './rego-decision.js';
import { regoInput } from './rego-input.js';

/** Rego that can be asked at once, as it stands in a bundle. */
export interface CompiledRego {
  answers(inputs: readonly JsonObject[]): readonly unknown[];
}

/** Rego that somebody else evaluates. */
export interface RunningRego {
  answers(inputs: readonly JsonObject[]): Promise<readonly unknown[]>;
}

/** What a bundle's Rego decides. Pure; no answer denies. */
export function decideByBundle(inputs: DecisionInputs, rego: CompiledRego, terms: RegoTerms): Decision {
  try {
    const asked = questions(inputs, terms);
    return combined(asked.length, rego.answers(asked), terms, 'rego');
  } catch (error) {
    return brokenRego(reasonOf(error), terms, 'rego');
  }
}

/** What a running OPA decides now. Nothing that it said before stands in for an answer; no answer denies. */
export async function decideByServer(inputs: DecisionInputs, rego: RunningRego, terms: RegoTerms): Promise<Decision> {
  try {
    const asked = questions(inputs, terms);
    return combined(asked.length, await rego.answers(asked), terms, 'opa');
  } catch (error) {
    return brokenRego(reasonOf(error), terms, 'opa');
  }
}

/** One question for each resource, so that a rule that is written for one cannot miss the others. */
function questions(inputs: DecisionInputs, { actionGroups }: RegoTerms): readonly JsonObject[] {
  if (inputs.resources.length > limits.regoResourcesMax) throw new Error(`expected at most ${limits.regoResourcesMax} resources in one attempt`);
  return inputs.resources.map((resource) => regoInput(inputs, resource, actionGroups.get(inputs.action) ?? []));
}

function combined(asked: number, answers: readonly unknown[], terms: RegoTerms, source: RegoSource): Decision {
  const [first, ...rest] = Array.from({ length: asked }, (_, index) => readRegoDecision(answers[index], terms, source));
  return first ? strictest([first, ...rest]) : brokenRego('expected a resource to ask about', terms, source);
}

/** The library throws texts; what is wrong with an answer is said in our own words, never in the answer's. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : typeof error === 'string' ? error : 'expected an answer');
