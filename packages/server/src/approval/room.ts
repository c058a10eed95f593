import type { Decided } from '../action/states.js';
import type { approve } from './approve.js';
import type { Asking } from './asking.js';
import type { Board } from './board.js';
import type { Delegations } from './delegations.js';
import type { Emergencies } from './emergency.js';
import type { Holds } from './holds.js';
import type { OwnHolds } from './own-holds.js';
import type { People } from './people.js';
import type { Questions } from './questions.js';
import type { StandingApprovals } from './standing-approvals.js';

/** The room of approval, put together. */
export interface ApprovalRoom {
  readonly board: Board;
  readonly questions: Questions;
  readonly holds: Holds;
  readonly ownHolds: OwnHolds;
  readonly standing: StandingApprovals;
  readonly delegations: Delegations;
  readonly emergencies: Emergencies;
  readonly asking: Asking;
  readonly people: () => People;
  approve(decided: Decided): ReturnType<typeof approve>;
}
