import type { Findings } from '../finding.js';
import { type Members, membersOf, textOf, textsOf } from '../leaf/members.js';
import { placeOf, type Recorded } from './recorded.js';

interface Approval {
  readonly session: string | undefined;
  readonly digest: string | undefined;
  readonly person: string;
  readonly hold: string;
}

/**
 * That the approvals of an intent exist, are for what it does, and come from different persons. An approval is kept
 * until its hold is settled: nobody can use it later.
 */
export class Approvals {
  readonly #approvals = new Map<string, Approval>();
  readonly #ofHold = new Map<string, string[]>();

  constructor(private readonly findings: Findings) {}

  /** Before the intent settles its hold. */
  add(recorded: Recorded): void {
    const { entry } = recorded;
    if (entry.kind === 'approval') this.#keep(entry.id, entry.body);
    if (entry.kind === 'intent') this.#verify(recorded);
  }

  drop(hold: string): void {
    for (const id of this.#ofHold.get(hold) ?? []) this.#approvals.delete(id);
    this.#ofHold.delete(hold);
  }

  #keep(id: string, body: Members): void {
    const hold = textOf(body, 'hold') ?? '';
    this.#approvals.set(id, { session: textOf(body, 'session'), digest: textOf(body, 'digest'), person: textOf(body, 'person') ?? '', hold });
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
      if (persons.has(approval.person)) this.findings.add('approver_repeated', `expected different persons to approve, got ${approval.person} twice`, place);
      persons.add(approval.person);
    }
    const needed = quorumOf(membersOf(body, 'decision'));
    if (used.length < needed) this.findings.add('approval_missing', `expected ${needed} approvals, as the decision asks for, got ${used.length}`, place);
  }
}

function faultOf({ session, digest, person, hold }: Approval, body: Members, settles: string | undefined): string | undefined {
  if (digest !== textOf(body, 'digest')) return 'for the digest of this intent';
  if (session !== textOf(body, 'session')) return 'given in the session of this intent';
  if (hold !== settles) return 'an answer to the hold that this intent settles';
  if (person === textOf(body, 'on_behalf_of')) return 'from somebody else than the person whom it is for';
  return undefined;
}

/** The most that one rule of a `step_up` asks for; of several rules one person may count for each. */
function quorumOf(decision: Members): number {
  const rules: unknown = decision['approvals'];
  if (decision['outcome'] !== 'step_up' || !Array.isArray(rules)) return 0;
  return rules.reduce<number>((most, rule: unknown) => Math.max(most, quorumOfRule(rule)), 0);
}

function quorumOfRule(rule: unknown): number {
  const quorum = typeof rule === 'object' && rule !== null ? (rule as Members)['quorum'] : undefined;
  return typeof quorum === 'number' && Number.isSafeInteger(quorum) ? quorum : 0;
}
