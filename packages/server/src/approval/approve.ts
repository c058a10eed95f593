import { type ApprovalRule, FlyballError, type ReasonKind } from '@flyball/protocol';
import { Grant } from '../action/seal.js';
import type { Approval } from '../action/stages.js';
import type { Decided, Hold, HoldState } from '../action/states.js';
import { applyModification } from './modify.js';

/** Who is in which group now; asked again at the moment of acting. */
export interface People {
  isMember(person: string, group: string): boolean;
  /** The name behind a reference; nothing when it was erased or is nobody's that is known. */
  nameOf(ref: string): string | undefined;
}

/**
 * The fourth question: who must agree? Pure. A hold that people agreed to lets the same digest run once;
 * whoever left the group since, or is the one who asks, does not count.
 */
export function approve(decided: Decided, people: People, nowMs: number): Approval {
  const { decision, digest, session } = decided;
  switch (decision.outcome) {
    case 'deny':
      return { kind: 'refused', error: new FlyballError(decision.kind === 'quarantined' ? 'tool_quarantined' : 'denied', refusalText(decision.kind), { detail: decision.kind }) };
    case 'allow':
    case 'modify':
      return granted(decided, undefined);
    case 'step_up':
    case 'defer': {
      const hold = Object.hasOwn(session.state.holds, digest) ? session.state.holds[digest] : undefined;
      return hold ? known(decided, hold, people, nowMs) : { kind: 'hold', known: undefined };
    }
  }
}

/** Which of the policies refused, and how, is for operators: to the machine all of them are one. */
function refusalText(kind: ReasonKind): string {
  switch (kind) {
    case 'capability':
      return 'this is not part of the session\'s task';
    case 'quarantined':
      return 'this tool is not as it was when it was agreed to; it waits for an administrator';
    default:
      return 'policy does not allow this';
  }
}

function known(decided: Decided, hold: HoldState, people: People, nowMs: number): Approval {
  if (hold.status === 'refused') return { kind: 'refused', error: new FlyballError('approval_refused', 'a person refused this; do not look for another way to do it') };
  if (hold.status !== 'pending' || hold.deadlineMs <= nowMs) return { kind: 'hold', known: undefined };
  const satisfied = decided.decision.outcome === 'step_up' && decided.decision.approvals.length > 0 && decided.decision.approvals.every((rule) => counted(rule, hold, decided, people) >= rule.quorum);
  return satisfied ? granted(decided, hold) : { kind: 'hold', known: toHold(hold, decided) };
}

/** How many different people who may agree under this rule have agreed. */
function counted(rule: ApprovalRule, hold: HoldState, decided: Decided, people: People): number {
  const agreed = new Set(hold.agreed.flatMap(({ person }) => people.nameOf(person) ?? []));
  return [...agreed].filter((person) => people.isMember(person, rule.approvers) && !isRequester(person, decided)).length;
}

export function isRequester(person: string, { principal }: Pick<Decided, 'principal'>): boolean {
  return [principal.onBehalfOf, principal.identity.id, ...principal.chain].some((name) => name !== undefined && isSameName(name, person));
}

/** Names of people are compared as people read them: a capital letter makes nobody another person. */
export const isSameName = (left: string, right: string): boolean => left.normalize('NFKC').toLowerCase() === right.normalize('NFKC').toLowerCase();

function granted(decided: Decided, hold: HoldState | undefined): Approval {
  const modification = decided.decision.modification;
  const effectiveArgs = modification ? applyModification(decided.call.args, modification) : decided.call.args;
  const grant = new Grant(decided.digest, hold?.agreed.map(({ entry }) => entry) ?? [], hold?.id, modification);
  return { kind: 'approved', approved: { ...decided, grant, effectiveArgs } };
}

function toHold(hold: HoldState, { decision }: Decided): Hold {
  return { id: hold.id, outcome: decision.outcome === 'defer' ? 'defer' : 'step_up', deadlineMs: hold.deadlineMs, reasons: reasonsOf(decision) };
}

export const reasonsOf = (decision: Decided['decision']): readonly string[] => [...decision.approvals, ...decision.facts].map(({ reason }) => reason).sort();
