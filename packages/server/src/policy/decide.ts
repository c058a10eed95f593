import { type ApprovalRule, type Decision, type FactRule, type Modification, type Outcome, outcomes, type PolicyVerdict, type ReasonKind } from '@flyball/protocol';
import type { Rule } from './annotations.js';
import type { EngineAnswer } from './engine.js';

/**
 * From Cedar's answer to one of five outcomes. Pure: the same rules and the same answer give the same
 * decision. A forbid that cannot be evaluated stays shut; a permit that cannot be evaluated does not permit.
 */
export function decide(answer: EngineAnswer, rules: ReadonlyMap<string, Rule>, bundle: string): Decision {
  const verdicts = verdictsOf(answer, rules);
  const enforced = combine(verdicts.filter((verdict) => verdict.shadow !== true), rules);
  const shadowed = combine(verdicts, rules);
  return {
    ...enforced,
    verdicts,
    bundle,
    ...(shadowed.outcome !== enforced.outcome && { shadowOutcome: shadowed.outcome }),
  };
}

function verdictsOf(answer: EngineAnswer, rules: ReadonlyMap<string, Rule>): readonly PolicyVerdict[] {
  const ids = [...answer.satisfied, ...answer.broken.keys()].sort();
  return ids.flatMap((id) => {
    const rule = rules.get(id);
    if (!rule) return [];
    const error = answer.broken.get(id);
    return [{ policy: id, effect: rule.effect, result: error === undefined ? ('satisfied' as const) : ('error' as const), reason: rule.reason, ...(error !== undefined && { error }), ...(rule.shadow && { shadow: true }) }];
  });
}

type Combined = Omit<Decision, 'verdicts' | 'bundle'>;

function combine(verdicts: readonly PolicyVerdict[], rules: ReadonlyMap<string, Rule>): Combined {
  const ruleOf = (verdict: PolicyVerdict) => rules.get(verdict.policy);
  const present = (rule: Rule | undefined): rule is Rule => rule !== undefined;
  const guards = verdicts.filter((verdict) => verdict.effect === 'forbid');
  const shut = guards.filter((verdict) => verdict.result === 'satisfied').map(ruleOf).filter(present);
  const brokenGuards = guards.filter((verdict) => verdict.result === 'error').map(ruleOf).filter(present);
  const permits = verdicts.filter((verdict) => verdict.effect === 'permit' && verdict.result === 'satisfied').map(ruleOf).filter(present);
  const waiting = [...shut, ...brokenGuards.filter((rule) => rule.outcome === 'defer')];
  const facts = waiting.filter((rule) => rule.outcome === 'defer').map(toFactRule);
  const approvals = shut.filter((rule) => rule.outcome === 'step_up').map(toApprovalRule);
  const end = (outcome: Outcome, kind: ReasonKind): Combined => ({ outcome, kind, approvals, facts });

  if (shut.some((rule) => rule.outcome === 'deny')) return end('deny', 'forbidden');
  if (brokenGuards.some((rule) => rule.outcome !== 'defer')) return end('deny', 'guard_broken');
  if (permits.length === 0) return end('deny', 'no_permit');
  const modification = modificationOf(permits);
  if (modification === 'contradiction') return end('deny', 'forbidden');
  const extras = { ...(modification && { modification }), ...credentialOf(permits) };
  if (facts.length > 0) return { ...end('defer', 'needs_facts'), ...extras };
  if (approvals.length > 0) return { ...end('step_up', 'needs_approval'), ...extras };
  return { ...end(modification ? 'modify' : 'allow', 'permitted'), ...extras };
}

const toFactRule = (rule: Rule): FactRule => ({ policy: rule.id, needs: rule.needs, withinMs: rule.withinMs, reason: rule.reason });

const toApprovalRule = (rule: Rule): ApprovalRule => ({ policy: rule.id, approvers: rule.approvers, quorum: rule.quorum, evidence: rule.evidence, withinMs: rule.withinMs, reason: rule.reason });

/** All transformations of all permits, the narrowest cap of each argument; two permits that set one argument differently contradict. */
function modificationOf(permits: readonly Rule[]): Modification | 'contradiction' | undefined {
  const caps: Record<string, number> = {};
  const sets: Record<string, string | boolean> = {};
  for (const permit of permits) {
    for (const [name, most] of Object.entries(permit.caps)) caps[name] = Math.min(most, caps[name] ?? Infinity);
    for (const [name, value] of Object.entries(permit.sets)) {
      if (Object.hasOwn(sets, name) && sets[name] !== value) return 'contradiction';
      sets[name] = value;
    }
  }
  if (Object.keys(caps).some((name) => Object.hasOwn(sets, name))) return 'contradiction';
  const redact = [...new Set(permits.flatMap((permit) => permit.redact))].sort();
  const nothing = Object.keys(caps).length + Object.keys(sets).length + redact.length === 0;
  return nothing ? undefined : { caps, sets, redact };
}

function credentialOf(permits: readonly Rule[]): Pick<Decision, 'credential'> {
  const named = permits.filter((permit) => permit.credential !== undefined);
  const [first] = named;
  return first?.credential === undefined ? {} : { credential: { target: first.credential, ttlMs: Math.min(...named.map((permit) => permit.ttlMs)) } };
}

/** Several decisions about one attempt are one: the strictest outcome counts, and every question must be answered. */
export function strictest(decisions: readonly [Decision, ...Decision[]]): Decision {
  const rank = (decision: Decision) => outcomes.indexOf(decision.outcome);
  const worst = decisions.reduce((left, right) => (rank(right) < rank(left) ? right : left));
  const merge = <T>(pick: (decision: Decision) => readonly T[]) => [...new Map(decisions.flatMap(pick).map((item) => [JSON.stringify(item), item])).values()];
  return { ...worst, verdicts: merge((d) => d.verdicts), approvals: merge((d) => d.approvals), facts: merge((d) => d.facts) };
}

/** A decision that is made before any policy is asked. */
export const refusedBefore = (kind: ReasonKind, bundle: string): Decision => ({ outcome: 'deny', kind, verdicts: [], approvals: [], facts: [], bundle });
