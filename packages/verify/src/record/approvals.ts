import type { Findings } from '../finding.js';
import { isMembers, type Members, membersOf, textOf, textsOf } from '../leaf/members.js';
import { Means } from './means.js';
import { placeOf, type Recorded } from './recorded.js';

interface Approval {
  readonly session: string | undefined;
  readonly digest: string | undefined;
  readonly person: string;
  /** By whose right, where somebody speaks for another. */
  readonly authority: string;
  readonly hold: string;
  /** It says that the person's own key signed it; whether that is so, `Answers` says. */
  readonly isSigned: boolean;
}

/**
 * That the approvals of an intent exist, are for what it does, and come from different persons; and that they, with
 * what stands in for them, are enough for every policy that waited. An approval is kept until its hold is settled:
 * nobody can use it later.
 */
export class Approvals {
  readonly #approvals = new Map<string, Approval>();
  readonly #ofHold = new Map<string, string[]>();
  readonly #means: Means;

  constructor(private readonly findings: Findings) {
    this.#means = new Means(findings);
  }

  /** Before the intent settles its hold. */
  add(recorded: Recorded): void {
    const { entry } = recorded;
    this.#means.add(recorded);
    if (entry.kind === 'approval') this.#keep(entry.id, entry.body);
    if (entry.kind === 'intent') this.#verify(recorded);
  }

  /** What was settled: a hold, with its approvals, or what stood in for them. */
  drop(settled: string): void {
    for (const id of this.#ofHold.get(settled) ?? []) this.#approvals.delete(id);
    this.#ofHold.delete(settled);
    this.#means.end(settled);
  }

  #keep(id: string, body: Members): void {
    const hold = textOf(body, 'hold') ?? '';
    const person = textOf(body, 'person') ?? '';
    this.#approvals.set(id, { session: textOf(body, 'session'), digest: textOf(body, 'digest'), person, authority: textOf(body, 'authority') ?? person, hold, isSigned: body['signed'] === true && Object.hasOwn(body, 'signature') });
    this.#ofHold.set(hold, [...(this.#ofHold.get(hold) ?? []), id]);
  }

  #verify(recorded: Recorded): void {
    const { settles, body } = recorded.entry;
    const used = textsOf(body, 'approvals') ?? [];
    const place = placeOf(recorded);
    const persons = new Set<string>();
    for (const id of used) {
      const approval = this.#approvals.get(id);
      if (!approval) {
        this.findings.add('approval_missing', `expected the approval ${id}, of a hold that this intent settles`, place);
        continue;
      }
      const fault = faultOf(approval, body, settles);
      if (fault !== undefined) this.findings.add('approval_mismatch', `expected the approval ${id} to be ${fault}`, place);
      const voices = [approval.person, approval.authority];
      const again = voices.find((person) => persons.has(person));
      if (again !== undefined) this.findings.add('approver_repeated', `expected different persons to approve, got ${again} twice`, place);
      voices.forEach((person) => persons.add(person));
    }
    this.#verifyEnough(recorded, used.length);
  }

  #verifyEnough(recorded: Recorded, used: number): void {
    const { policies, emergencies } = this.#means.opened(recorded);
    const decision = membersOf(recorded.entry.body, 'decision');
    const needed = new Map<string, number>();
    for (const rule of waitingRules(decision)) {
      const policy = textOf(rule, 'policy') ?? '';
      if (policies.has(policy) || emergencies.has(textOf(rule, 'emergency') ?? '')) continue;
      needed.set(policy, (needed.get(policy) ?? 0) + quorumOf(rule));
    }
    const most = Math.max(0, ...needed.values());
    if (most === Infinity) this.findings.add('approval_missing', 'expected nothing to be done that waits for facts', placeOf(recorded));
    else if (used < most) this.findings.add('approval_missing', `expected ${most} approvals, as the decision asks for, got ${used}`, placeOf(recorded));
  }
}

function faultOf({ session, digest, person, authority, hold, isSigned }: Approval, body: Members, settles: string | undefined): string | undefined {
  if (digest !== textOf(body, 'digest')) return 'for the digest of this intent';
  if (session !== textOf(body, 'session')) return 'given in the session of this intent';
  if (hold !== settles) return 'an answer to the hold that this intent settles';
  if ([person, authority].includes(textOf(body, 'on_behalf_of') ?? '')) return 'from somebody else than the person whom it is for';
  if (!isSigned && waitingRules(membersOf(body, 'decision')).some((rule) => Object.hasOwn(rule, 'signature'))) return 'signed, as the decision asks for';
  return undefined;
}

/** What a decision that waits asks for; of the groups of one policy each wants people of its own, of several policies one person may count for each. */
function waitingRules(decision: Members): readonly Members[] {
  const listed = (name: string): readonly Members[] => (Array.isArray(decision[name]) ? (decision[name] as readonly unknown[]).filter(isMembers) : []);
  if (decision['outcome'] === 'step_up') return listed('approvals');
  return decision['outcome'] === 'defer' ? [...listed('approvals'), ...listed('facts').map((rule) => ({ ...rule, quorum: Infinity }))] : [];
}

function quorumOf({ quorum }: Members): number {
  return typeof quorum === 'number' && (quorum === Infinity || Number.isSafeInteger(quorum)) ? quorum : 0;
}
