import type { Identity } from '@flyball/protocol';
import { type ApprovalRoom, approve, Asking, type Board, Delegations, Emergencies, type EvidenceKinds, Holds, OwnHolds, People, Questions, type Signatures, StandingApprovals } from '../approval/index.js';
import type { Ledger, Names } from '../ledger/index.js';
import type { StoreClock } from '../lib/clock.js';
import type { ActiveBundle } from '../policy/index.js';
import { recordOf } from './record.js';

export interface ApprovalParts {
  readonly ledger: Ledger;
  readonly names: Names;
  readonly bundle: ActiveBundle;
  readonly clock: StoreClock;
  readonly board: Board;
  readonly identity: (id: string) => Identity | undefined;
  readonly evidence: EvidenceKinds;
  readonly signatures: Signatures;
}

export function assembleApproval({ ledger, names, bundle, clock, board, identity, evidence, signatures }: ApprovalParts): ApprovalRoom {
  const people = peopleOf(bundle);
  const record = recordOf({ ledger, names });
  const nameOf = (ref: string) => names.peek(ref);
  const delegations = new Delegations(record, people, clock);
  const questions = new Questions({ record, people, nameOf, identity, delegations, clock });
  const standing = new StandingApprovals({ questions, record, people, clock, rules: () => standingRules(bundle) });
  const holds = new Holds({ record, questions, people, evidence, signatures, standing, clock });
  const ownHolds = new OwnHolds({ record, questions, holds, board });
  const emergencies = new Emergencies(record, (name) => bundle.current.emergencies.get(name), people, clock);
  const asking = new Asking((id) => board.ofIdentity(id), () => clock.now());
  return { board, questions, holds, ownHolds, standing, delegations, emergencies, asking, people, approve: (decided) => approve(decided, { people: people(), nameOf, read: record.read, emergency: (name) => bundle.current.emergencies.get(name), nowMs: clock.now() }) };
}

/** The people of the active bundle, found by all their names; made again when another bundle becomes active. */
function peopleOf(bundle: ActiveBundle): () => People {
  let made: { readonly digest: string; readonly people: People } | undefined;
  return () => {
    const { digest, people } = bundle.current;
    if (made?.digest !== digest) made = { digest, people: new People(people) };
    return made.people;
  };
}

const standingRules = ({ current }: ActiveBundle) => [...current.rules.values()].flatMap(({ id, standing, approvers }) => (standing ? [{ policy: id, groups: approvers.map(({ group }) => group) }] : []));
