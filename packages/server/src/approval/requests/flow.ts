import { FlyballError } from '@flyball/protocol';
import type { Approval, Stages } from '../../action/stages.js';
import type { Decided } from '../../action/states.js';
import { faultOf, type GrantTerms } from './wish.js';

type Declared = () => ReadonlyMap<string, GrantTerms>;

/**
 * The flow for requests for access. What is not declared is denied like what policy denies, and what policy would not deny has
 * to be possible. An outcome that only the record knows is left for who reads it there (`outcome-of-request.ts`).
 */
export function flowOfRequests(stages: Stages, declared: Declared): Stages {
  const { record, clock } = stages;
  return {
    ...stages,
    decide: (situated) => {
      if (!declared().has(situated.call.name)) return Promise.reject(new FlyballError('denied', 'policy does not allow this', { detail: 'the catalogue declares no grant of this name' }));
      return stages.decide(situated);
    },
    approve: async (decided) => {
      const terms = declared().get(decided.call.name);
      const fault = terms && decided.decision.outcome !== 'deny' ? faultOf(decided.call, terms, clock.now()) : undefined;
      return fault ? { kind: 'refused', error: fault } : stages.approve(decided);
    },
    record: {
      intent: (approved) => record.intent(approved),
      evaluation: (approved) => record.evaluation(approved),
      hold: (decided) => record.hold(decided),
      isCurrent: (decided) => record.isCurrent(decided),
      refusal: (reached, error) => record.refusal(reached, error),
      outcome: (intended, effect, detail) => (effect === 'unknown' ? Promise.resolve() : record.outcome(intended, effect, detail)),
    },
  };
}

export interface FlowOfAgreed {
  readonly stages: Stages;
  /** The attempt ends with it when somebody else was first, or the hold is over. Nothing was done, and nothing is recorded. */
  readonly moved: FlyballError;
  /** The attempt ends with it when nobody has to agree any more. */
  readonly free: FlyballError;
}

/**
 * The flow for what one hold asks for and people have agreed to. Its intent always settles that hold, so of all who try only
 * one comes through. Under another policy it becomes a question that replaces that one, a refusal, or nobody's to ask.
 */
export function flowOfAgreed(stages: Stages, hold: string): FlowOfAgreed {
  const moved = new FlyballError('conflict', 'what was agreed to is not what would be done now; nothing was done');
  const free = new FlyballError('conflict', 'nobody has to agree to this any more');
  const { record, clock } = stages;
  const approve = async (decided: Decided): Promise<Approval> => {
    const mine = Object.values(decided.session.state.holds).find(({ id }) => id === hold);
    if (mine?.status !== 'pending' || mine.deadlineMs <= clock.now()) return { kind: 'refused', error: moved };
    const approval = await stages.approve(decided);
    switch (approval.kind) {
      case 'refused':
        return approval;
      case 'approved':
        return approval.approved.grant.hold === hold ? approval : { kind: 'refused', error: free };
      case 'hold':
        // The same question is asked anew because it concerns other people now, or because its time ended in this moment.
        return approval.known || decided.digest !== mine.digest || mine.deadlineMs > clock.now() ? approval : { kind: 'refused', error: moved };
    }
  };
  const isQuiet = (error: FlyballError) => error === moved || error === free || error.code === 'already_settled';
  return { moved, free, stages: { ...stages, approve, record: quietly(record, isQuiet) } };
}

const quietly = (record: Stages['record'], isQuiet: (error: FlyballError) => boolean): Stages['record'] => ({
  intent: (approved) => record.intent(approved),
  evaluation: (approved) => record.evaluation(approved),
  hold: (decided) => record.hold(decided),
  isCurrent: (decided) => record.isCurrent(decided),
  refusal: (reached, error) => (isQuiet(error) ? Promise.resolve(undefined) : record.refusal(reached, error)),
  outcome: (intended, effect, detail) => record.outcome(intended, effect, detail),
});
