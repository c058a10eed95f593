import { FlyballError } from '@flyball/protocol';
import type { Approval, Stages } from '../../action/stages.js';
import type { Decided } from '../../action/states.js';

export interface FlowOfHold {
  readonly stages: Stages;
  /** What the attempt ends with when the hold is no longer what it would be done under. Nothing was done, and nothing is recorded. */
  readonly moved: FlyballError;
}

/**
 * The flow for what one hold asks for, and for nothing else: an attempt that would use another approval, or none, or
 * that would ask a new question, ends before it begins. So the intent always settles the hold, and the store lets
 * exactly one intent do that.
 */
export function flowOfHold(stages: Stages, hold: string): FlowOfHold {
  const moved = new FlyballError('conflict', 'what was approved is not what would be done now; nothing was done');
  const { record } = stages;
  const approve = async (decided: Decided): Promise<Approval> => {
    const approval = await stages.approve(decided);
    return approval.kind === 'approved' && approval.approved.grant.hold !== hold ? { kind: 'refused', error: moved } : approval;
  };
  return {
    moved,
    stages: {
      ...stages,
      approve,
      record: {
        // Another node's intent settled the hold first.
        intent: (approved) => record.intent(approved).catch((error: unknown) => Promise.reject(isSettled(error) ? moved : error as Error)),
        evaluation: (approved) => record.evaluation(approved),
        hold: () => Promise.reject(moved),
        isCurrent: (decided) => record.isCurrent(decided),
        refusal: (reached, error) => (error === moved ? Promise.resolve(undefined) : record.refusal(reached, error)),
        outcome: (intended, effect, detail) => record.outcome(intended, effect, detail),
      },
    },
  };
}

const isSettled = (error: unknown): boolean => error instanceof FlyballError && error.code === 'already_settled';
