import { type ApprovalRule, type Decision, type FactRule, type Modification, type Outcome, outcomes, type PolicyVerdict, type ReasonKind } from '@flyball/protocol';
import type { Rule } from './annotations.js';
import type { EngineAnswer } from './engine.js';

/**
 * From Cedar's answer to one of five outcomes. Pure: the same rules and the same answer give the same
 * decision. A forbid that cannot be evaluated stays shut; a permit that cannot be evaluated does not permit.
 *
 * @param awaited facts that a provider was asked for and that are missing: a guard that lacks one of them waits
 */
export function decide(answer: EngineAnswer, rules: ReadonlyMap<string, Rule>, bundle: string, awaited: ReadonlySet<string> = new Set()): Decision {
  const verdicts = verdictsOf(answer, rules);
  const lacking = factsLacking(answer, rules, awaited);
  const inForce = verdicts.filter((verdict) => verdict.shadow !== true);
  const enforced: Decision = { ...combine(inForce, rules, lacking), verdicts, bundle };
  if (inForce.length === verdicts.length) return enforced;
  const shadowed = combine(verdicts, rules, lacking);
  return shadowed.outcome === enforced.outcome ? enforced : { ...enforced, shadowOutcome: shadowed.outcome };
}

function verdictsOf(answer: EngineAnswer, rules: ReadonlyMap<string, Rule>): readonly PolicyVerdict[] {
  const ids = [...answer.satisfied, ...answer.broken.keys()].sort();
  return ids.flatMap((id) => {
    const rule = rules.get(id);
    if (!rule) return [];
    const error = answer.broken.get(id)?.message;
    return [{ policy: id, effect: rule.effect, result: error === undefined ? ('satisfied' as const) : ('error' as const), reason: rule.reason, ...(error !== undefined && { error }), ...(rule.shadow && { shadow: true }) }];
  });
}

type Combined = Omit<Decision, 'verdicts' | 'bundle'>;

const factPath = 'context.facts.';

const nothingLacks: ReadonlyMap<string, string> = new Map();

/** The fact that a broken policy lacks, where it can arrive: one of its own needs, or one that a provider supplies. */
function factsLacking({ broken }: EngineAnswer, rules: ReadonlyMap<string, Rule>, awaited: ReadonlySet<string>): ReadonlyMap<string, string> {
  if (broken.size === 0) return nothingLacks;
  const lacking = [...broken].flatMap(([id, { missing }]) => (missing?.startsWith(factPath) ? [[id, missing.slice(factPath.length)] as const] : []));
  return new Map(lacking.filter(([id, fact]) => awaited.has(fact) || rules.get(id)?.needs.includes(fact)));
}

function combine(verdicts: readonly PolicyVerdict[], rules: ReadonlyMap<string, Rule>, lacking: ReadonlyMap<string, string>): Combined {
  const ruleOf = (verdict: PolicyVerdict) => rules.get(verdict.policy);
  const present = (rule: Rule | undefined): rule is Rule => rule !== undefined;
  const guards = verdicts.filter((verdict) => verdict.effect === 'forbid');
  const shut = guards.filter((verdict) => verdict.result === 'satisfied').map(ruleOf).filter(present);
  const brokenGuards = guards.filter((verdict) => verdict.result === 'error').map(ruleOf).filter(present);
  const permits = verdicts.filter((verdict) => verdict.effect === 'permit' && verdict.result === 'satisfied').map(ruleOf).filter(present);
  // Whatever a guard would lead to, it waits for a fact that can arrive; one that is broken by anything else is a broken guard.
  const waiting = [...shut.filter((rule) => rule.outcome === 'defer'), ...brokenGuards.filter((rule) => lacking.has(rule.id))];
  const facts = waiting.map((rule) => toFactRule(rule, lacking.get(rule.id)));
  const approvals = shut.filter((rule) => rule.outcome === 'step_up').flatMap(toApprovalRules);
  const end = (outcome: Outcome, kind: ReasonKind): Combined => ({ outcome, kind, approvals, facts });

  if (shut.some((rule) => rule.outcome === 'deny')) return end('deny', 'forbidden');
  if (brokenGuards.some((rule) => !lacking.has(rule.id))) return end('deny', 'guard_broken');
  if (permits.length === 0) return end('deny', 'no_permit');
  const modification = modificationOf(permits);
  const credential = credentialOf(credentialsOf(permits));
  if (modification === contradiction || credential === contradiction) return end('deny', 'forbidden');
  const extras = { ...(modification && { modification }), ...(credential && { credential }) };
  if (facts.length > 0) return { ...end('defer', 'needs_facts'), ...extras };
  if (approvals.length > 0) return { ...end('step_up', 'needs_approval'), ...extras };
  return { ...end(modification ? 'modify' : 'allow', 'permitted'), ...extras };
}

const toFactRule = (rule: Rule, lacking: string | undefined): FactRule => ({ policy: rule.id, needs: [...new Set([...rule.needs, ...(lacking === undefined ? [] : [lacking])])], withinMs: rule.withinMs, reason: rule.reason, ...(rule.emergency !== undefined && { emergency: rule.emergency }) });

/** One for each group that the rule names. */
function toApprovalRules(rule: Rule): readonly ApprovalRule[] {
  const { id: policy, evidence, withinMs, reason, apart, escalation, signed, batch, standing, emergency } = rule;
  const terms = {
    evidence,
    withinMs,
    reason,
    ...(apart.length > 0 && { apart }),
    ...(escalation.length > 0 && { escalation }),
    ...(signed && { signature: 'webauthn' as const }),
    ...(!batch && { batch: false as const }),
    ...(standing && { standing }),
    ...(emergency !== undefined && { emergency }),
  };
  return rule.approvers.map(({ group, quorum }) => ({ policy, approvers: group, quorum, ...terms }));
}

const contradiction = 'contradiction';

/** All transformations of all permits, the narrowest cap of each argument; two permits that set one argument differently contradict. */
function modificationOf(permits: readonly Pick<Modification, 'caps' | 'sets' | 'redact'>[]): Modification | typeof contradiction | undefined {
  if (permits.every(changesNothing)) return undefined;
  const caps = new Map<string, number>();
  const sets = new Map<string, string | boolean>();
  for (const permit of permits) {
    for (const [name, most] of Object.entries(permit.caps)) caps.set(name, Math.min(most, caps.get(name) ?? Infinity));
    for (const [name, value] of Object.entries(permit.sets)) {
      if (sets.has(name) && sets.get(name) !== value) return contradiction;
      sets.set(name, value);
    }
  }
  if ([...caps.keys()].some((name) => sets.has(name))) return contradiction;
  const redact = [...new Set(permits.flatMap((permit) => permit.redact))].sort();
  return { caps: Object.fromEntries(caps), sets: Object.fromEntries(sets), redact };
}

const changesNothing = ({ caps, sets, redact }: Pick<Modification, 'caps' | 'sets' | 'redact'>): boolean => redact.length === 0 && Object.keys(caps).length === 0 && Object.keys(sets).length === 0;

type Credential = NonNullable<Decision['credential']>;

/** The one target that permits ask a credential of, for the shortest time; two targets contradict. */
function credentialOf(wanted: readonly Credential[]): Credential | typeof contradiction | undefined {
  const [first] = wanted;
  if (first === undefined) return undefined;
  if (wanted.some(({ target }) => target !== first.target)) return contradiction;
  return { target: first.target, ttlMs: Math.min(...wanted.map(({ ttlMs }) => ttlMs)) };
}

const credentialsOf = (permits: readonly Rule[]): readonly Credential[] => permits.flatMap(({ credential, ttlMs }) => (credential === undefined ? [] : [{ target: credential, ttlMs }]));

/**
 * Several decisions about one attempt are one: the strictest outcome counts, and whatever one of them changes
 * or asks for, all of them together do. What contradicts itself is denied.
 */
export function strictest(decisions: readonly [Decision, ...Decision[]]): Decision {
  const rank = (outcome: Outcome) => outcomes.indexOf(outcome);
  const worst = decisions.reduce((left, right) => (rank(right.outcome) < rank(left.outcome) ? right : left));
  const merge = <T>(pick: (decision: Decision) => readonly T[]) => [...new Map(decisions.flatMap(pick).map((item) => [JSON.stringify(item), item])).values()];
  const modification = modificationOf(decisions.flatMap((decision) => (decision.modification ? [decision.modification] : [])));
  const credential = credentialOf(decisions.flatMap((decision) => (decision.credential ? [decision.credential] : [])));
  const merged = { kind: worst.kind, outcome: worst.outcome, bundle: worst.bundle, verdicts: merge((d) => d.verdicts), approvals: merge((d) => d.approvals), facts: merge((d) => d.facts) };
  if (modification === contradiction || credential === contradiction) return { ...merged, outcome: 'deny', kind: 'forbidden' };
  const shadow = decisions.map((decision) => decision.shadowOutcome ?? decision.outcome).reduce((left, right) => (rank(right) < rank(left) ? right : left));
  return { ...merged, ...(modification && { modification }), ...(credential && { credential }), ...(shadow !== merged.outcome && { shadowOutcome: shadow }) };
}

/** A decision that is made before any policy is asked. */
export const refusedBefore = (kind: ReasonKind, bundle: string): Decision => ({ outcome: 'deny', kind, verdicts: [], approvals: [], facts: [], bundle });
