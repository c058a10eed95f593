import { type ApprovalRule, FlyballError, type ReasonKind } from '@flyball/protocol';
import { Grant, type Means } from '../action/seal.js';
import type { Approval } from '../action/stages.js';
import type { Decided, Hold, HoldState, Vote } from '../action/states.js';
import { emergencyMeans, type EmergencyState, emergencyStream, type EmergencyTerms, opens } from './emergency.js';
import { applyModification } from './modify.js';
import { narrowed } from './narrow.js';
import type { People, Requester } from './people.js';
import { covering, standingMeans, type StandingState, standingStream } from './standing.js';
import { tally, type TallyTerms } from './tally.js';

/** What the fourth question is asked with. */
export interface Consent {
  readonly people: People;
  /** The name behind a reference; nothing when it was erased or is nobody's that is known. */
  nameOf(ref: string): string | undefined;
  read<S>(stream: string): Promise<{ readonly version: number; readonly state: S | undefined }>;
  /** What the active bundle says of an emergency of this name. */
  emergency(name: string): EmergencyTerms | undefined;
  readonly nowMs: number;
}

/**
 * The fourth question: who must agree? A hold that people agreed to lets the same digest run once; whoever left the
 * group since, or is the one who asks, does not count. What was agreed to beforehand stands in where a rule lets it.
 */
export async function approve(decided: Decided, consent: Consent): Promise<Approval> {
  const { decision, digest, session } = decided;
  const known = Object.hasOwn(session.state.holds, digest) ? session.state.holds[digest] : undefined;
  const hold = known?.status === 'pending' && known.deadlineMs > consent.nowMs ? known : undefined;
  switch (decision.outcome) {
    case 'deny':
      return { kind: 'refused', error: new FlyballError(decision.kind === 'quarantined' ? 'tool_quarantined' : 'denied', refusalText(decision.kind), { detail: decision.kind }) };
    case 'allow':
    case 'modify':
      // What waited for facts and may run now ends its waiting by running.
      return granted(decided, { hold, votes: [], means: [] });
    case 'step_up':
    case 'defer':
      if (known?.status === 'refused') return { kind: 'refused', error: new FlyballError('approval_refused', 'a person refused this; do not look for another way to do it') };
      return (await agreed(decided, hold, consent)) ?? { kind: 'hold', known: hold && isAsked(hold, decision) ? toHold(hold, decided) : undefined };
  }
}

/** A question that waits because of other policies than it did when it was asked is shown to other people, so it is another one. */
function isAsked({ asks }: HoldState, { approvals, facts }: Decided['decision']): boolean {
  return approvals.every(({ policy }) => asks.includes(`people:${policy}`)) && facts.every(({ policy }) => asks.includes(`facts:${policy}`));
}

/** Which of the policies refused, and how, is for operators: to the machine all of them are one. */
function refusalText(kind: ReasonKind): string {
  switch (kind) {
    case 'capability':
      return 'this is not part of the session\'s task';
    case 'quarantined':
      return 'this tool is not as it was when it was agreed to; it waits for an administrator';
    case 'confidence':
      return 'this recommendation comes with less confidence than is asked for, so it is dropped';
    case 'predecessor':
      return 'what this depends on was not agreed to, so this does not happen either';
    default:
      return 'policy does not allow this';
  }
}

/** Each policy that waits is opened by people's answers, by a standing approval or by an emergency, or all of it waits. */
async function agreed(decided: Decided, hold: HoldState | undefined, consent: Consent): Promise<Approval | undefined> {
  const { decision } = decided;
  const votes: Vote[] = [];
  const means: Means[] = [];
  for (const policy of new Set([...decision.approvals, ...decision.facts].map((rule) => rule.policy))) {
    const rules = decision.approvals.filter((rule) => rule.policy === policy);
    const waitsForFacts = decision.facts.some((rule) => rule.policy === policy);
    const answers = hold && !waitsForFacts ? tally(rules, hold.agreed, tallyTerms(decided, hold, consent)) : undefined;
    if (answers?.met) {
      votes.push(...answers.counted);
      continue;
    }
    const instead = (!waitsForFacts && (await byStanding(decided, rules, consent))) || (await byEmergency(decided, policy, consent));
    if (!instead) return undefined;
    means.push(instead);
  }
  // Nothing that waits can be without a rule to wait for.
  if (votes.length + means.length === 0) return undefined;
  return granted(decided, { hold, votes: [...new Set(votes)], means });
}

export function tallyTerms(decided: Decided, hold: HoldState, { people, nameOf, nowMs }: Consent): TallyTerms {
  return { people, nameOf, nowMs, requester: requesterOf(decided), askedAtMs: hold.atMs, evidence: new Set(hold.evidence.map(({ kind }) => kind)) };
}

const requesterOf = ({ principal }: Decided): Requester => ({ identity: principal.identity, person: principal.onBehalfOf, chain: principal.chain });

async function byStanding(decided: Decided, rules: readonly ApprovalRule[], { read, people, nameOf, nowMs }: Consent): Promise<Means | undefined> {
  const [rule] = rules;
  if (!rule?.standing) return undefined;
  const { version, state } = await read<StandingState>(standingStream(rule.policy));
  const args = decided.decision.modification ? applyModification(decided.call.args, decided.decision.modification) : decided.call.args;
  const standing = covering(state, decided, { rules, args, terms: { people, nameOf, nowMs, requester: requesterOf(decided) } });
  return standing && standingMeans(standing, version);
}

async function byEmergency(decided: Decided, policy: string, { read, emergency, people, nameOf, nowMs }: Consent): Promise<Means | undefined> {
  const scope = [...decided.decision.approvals, ...decided.decision.facts].find((rule) => rule.policy === policy)?.emergency;
  const terms = scope === undefined ? undefined : emergency(scope);
  if (scope === undefined || !terms) return undefined;
  const { version, state } = await read<EmergencyState>(emergencyStream(scope));
  const open = opens(state, decided, { terms, people, nameOf, nowMs });
  return open && emergencyMeans(open, scope, version);
}

function granted(decided: Decided, { hold, votes, means }: { readonly hold: HoldState | undefined; readonly votes: readonly Vote[]; readonly means: readonly Means[] }): Approval {
  const modification = narrowed(decided.decision.modification, votes);
  const effectiveArgs = modification ? applyModification(decided.call.args, modification) : decided.call.args;
  const grant = new Grant(decided.digest, votes.map(({ entry }) => entry), hold?.id, modification, means);
  return { kind: 'approved', approved: { ...decided, grant, effectiveArgs } };
}

function toHold(hold: HoldState, { decision }: Decided): Hold {
  return { id: hold.id, outcome: decision.outcome === 'defer' ? 'defer' : 'step_up', deadlineMs: hold.deadlineMs, reasons: reasonsOf(decision) };
}

export const reasonsOf = (decision: Decided['decision']): readonly string[] => [...new Set([...decision.approvals, ...decision.facts].map(({ reason }) => reason))].sort();
