import { type Decision, FlyballError, type Json } from '@flyball/protocol';
import type { DecisionInputs } from '../action/states.js';
import { withAwaited } from './awaited.js';
import type { Bundle } from './bundle.js';
import { environmentOf } from './cedar-engine.js';
import { engineRequest } from './context.js';
import { decide, strictest } from './decide.js';
import type { EngineAnswer } from './engine.js';
import { unseenNames } from './evaluation-inputs.js';
import { isEvaluation } from './evaluation-request.js';
import { awaitedFacts } from './gathered-facts.js';
import { afterPredecessors } from './predecessors.js';
import { recommended } from './recommendations.js';
import { decideByBundle } from './rego/decide-by-rego.js';

/**
 * The decision on recorded inputs: what `explain` and replay ask again. Every engine that has a policy is asked,
 * and all of them must allow; Cedar is also asked when nobody else can be, and then denies.
 *
 * @param live what a running OPA said when the decision was made. It is recorded and never asked again: what it
 *   would say now is not what was decided.
 */
export function evaluate(inputs: DecisionInputs, bundle: Bundle, live?: Decision): Decision {
  const decision = byEngines(inputs, bundle, live);
  const terms = bundle.catalogue.named(inputs.action)?.recommendation;
  return afterPredecessors(terms ? recommended(decision, inputs, terms) : decision, inputs.predecessors ?? []);
}

function byEngines(inputs: DecisionInputs, bundle: Bundle, live: Decision | undefined): Decision {
  const byRego = [...(bundle.rego ? [decideByBundle(inputs, bundle.rego, bundle)] : []), ...(live ? [live] : [])];
  const [first, ...rest] = bundle.rules.size > 0 || byRego.length === 0 ? [byCedar(inputs, bundle), ...byRego] : byRego;
  if (!first) throw new FlyballError('internal', 'nothing was asked, so nothing is allowed');
  return rest.length === 0 ? first : strictest([first, ...rest]);
}

function byCedar(inputs: DecisionInputs, bundle: Bundle): Decision {
  const awaited = awaitedFacts(inputs);
  const groups = bundle.actionGroups.get(inputs.action) ?? [];
  const [first, ...rest] = inputs.resources.map((resource) => {
    const request = engineRequest(inputs, resource, groups, bundle.entities);
    const answer = withAwaited(bundle.engine.evaluate(request), awaited, bundle.policySet, () => environmentOf(request));
    return decide(withUnseen(answer, inputs, bundle), bundle.rules, bundle.digest, awaited);
  });
  if (!first) throw new FlyballError('internal', 'nothing was asked, so nothing is allowed');
  return rest.length === 0 ? first : strictest([first, ...rest]);
}

/** Names of arguments that could not be shown exactly. */
export function unrepresented({ context }: DecisionInputs): readonly Json[] {
  const left = context['unrepresented'];
  return Array.isArray(left) ? (left as readonly Json[]) : [];
}

/**
 * A policy that looks at an argument which could not be shown exactly cannot be evaluated, whatever it said:
 * asked with `has`, it would take the argument for absent.
 */
function withUnseen(answer: EngineAnswer, inputs: DecisionInputs, bundle: Bundle): EngineAnswer {
  const names = unrepresented(inputs).map((path) => String(path).split(/[.[]/)[0] ?? '');
  if (names.length === 0) return answer;
  const unseen = isEvaluation(inputs) ? [...unseenNames(inputs, bundle.entityTypes)] : [];
  const blind = [...answer.considered].filter((id) => {
    const looksAt = bundle.looksAt.get(id) ?? 'all';
    return looksAt === 'all' || names.some((name) => looksAt.has(name)) || unseen.some((name) => bundle.attributesRead.get(id)?.has(name) ?? true);
  });
  return {
    ...answer,
    satisfied: new Set([...answer.satisfied].filter((id) => !blind.includes(id))),
    broken: new Map([...answer.broken, ...blind.map((id) => [id, { message: 'an argument that it looks at cannot be shown to policies exactly' }] as const)]),
  };
}
