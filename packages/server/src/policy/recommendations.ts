import { type ApprovalRule, type Decision, isObject, type Json, type ReasonKind } from '@flyball/protocol';
import type { DecisionInputs } from '../action/states.js';
import type { RecommendationTerms } from './catalogue.js';

/** Names this rule, which no bundle has: what a machine only recommends waits for a person who takes it up. */
export const recommendationPolicy = 'flyball/recommendation';

const withinMs = 4 * 60 * 60_000;
const ten4 = 10_000;

/** A confidence as policies see it; nothing for what is none. */
export const confidenceValue = (confidence: number | undefined): Json | undefined => (confidence === undefined || !(confidence >= 0 && confidence <= 1) ? undefined : { __extn: { fn: 'decimal', arg: confidence.toFixed(4) } });

/**
 * What becomes of a recommendation, by its confidence: below the lower threshold it is dropped; below the upper one a
 * person has to say why they take it up; above it they take it up as it is. Whatever policy asks for besides stays. Pure.
 */
export function recommended(decision: Decision, inputs: DecisionInputs, terms: RecommendationTerms): Decision {
  if (decision.outcome === 'deny') return decision;
  const confidence = confidenceOf(inputs);
  const deny = (kind: ReasonKind): Decision => ({ ...decision, outcome: 'deny', kind });
  if (confidence === undefined || confidence < terms.ask) return deny('confidence');
  const rule: ApprovalRule = {
    policy: recommendationPolicy,
    approvers: terms.audience,
    quorum: 1,
    evidence: [],
    withinMs: terms.withinMs ?? withinMs,
    reason: `a machine recommends this with a confidence of ${confidence}`,
    ...(confidence < terms.present && { explained: true as const }),
  };
  return { ...decision, outcome: decision.outcome === 'defer' ? 'defer' : 'step_up', kind: decision.outcome === 'defer' ? decision.kind : 'needs_approval', approvals: [...decision.approvals, rule] };
}

function confidenceOf({ context }: DecisionInputs): number | undefined {
  const value = context['confidence'];
  const extension = isObject(value) ? value['__extn'] : undefined;
  const text = isObject(extension) ? extension['arg'] : undefined;
  return typeof text === 'string' ? Math.round(Number(text) * ten4) / ten4 : undefined;
}
