import type { ApprovalRule, FactRule, FlyballError, Outcome, PolicyVerdict, ReasonKind } from '@flyball/protocol';
import type { Decided } from '../../action/states.js';
import { applyModification } from '../modify.js';
import { endOf, faultOf, type GrantTerms } from './wish.js';

/** What would be decided about a request if it were made now. */
export interface Foreseen {
  readonly outcome: Outcome;
  readonly kind: ReasonKind;
  /** What would keep it from being granted whatever policy says. */
  readonly fault?: FlyballError;
  /** When the grant would end if it were opened now. */
  readonly untilMs?: number;
  readonly approvals: readonly ApprovalRule[];
  readonly facts: readonly FactRule[];
  readonly verdicts: readonly PolicyVerdict[];
}

export function foreseen({ decision, call }: Decided, declared: ReadonlyMap<string, GrantTerms>, nowMs: number): Foreseen {
  const { outcome, kind, approvals, facts, verdicts, modification } = decision;
  const terms = declared.get(call.name);
  const common = { outcome, kind, approvals, facts, verdicts };
  if (outcome === 'deny' || !terms) return common;
  const fault = faultOf(call, terms, nowMs);
  if (fault) return { ...common, fault };
  return { ...common, untilMs: endOf(modification ? applyModification(call.args, modification) : call.args, terms, nowMs) };
}

/** What a machine may know of it: how many have to agree and with which evidence, and no rule's name, nor anybody's. */
export function forMachine({ outcome, kind, fault, untilMs, approvals, facts }: Foreseen): object {
  return {
    outcome: fault ? 'deny' : outcome,
    kind: fault ? 'arguments' : kind,
    ...(fault && { message: fault.message }),
    ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
    ...(approvals.length > 0 && { groups: new Set(approvals.map(({ approvers }) => approvers)).size, people: approvals.reduce((sum, { quorum }) => sum + quorum, 0), evidence: [...new Set(approvals.flatMap(({ evidence }) => evidence))].sort() }),
    ...(facts.length > 0 && { waits_for_facts: true }),
  };
}

/** What who answers for an identity may know of it: who would have to agree, and what each policy said. */
export function forPerson({ approvals, facts, verdicts, ...foreseen }: Foreseen): object {
  return {
    ...forMachine({ ...foreseen, approvals, facts, verdicts }),
    approvals: approvals.map(({ policy, approvers, quorum, evidence, reason, signature, apart }) => ({ policy, approvers, quorum, evidence, reason, ...(signature && { signature }), ...(apart && { apart }) })),
    facts: facts.map(({ policy, needs, reason }) => ({ policy, needs, reason })),
    policies: verdicts.map(({ policy, effect, result, reason, shadow }) => ({ policy, effect, result, ...(reason !== undefined && { reason }), ...(shadow && { shadow }) })),
  };
}
