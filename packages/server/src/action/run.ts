import { type Effect, FlyballError, toFlyballError } from '@flyball/protocol';
import { limits } from '../lib/limits.js';
import { withDeadline } from './deadline.js';
import type { Perform, Reached, Stages } from './stages.js';
import type { Decided, Hold, Identified, Inspected, Intended, Issued, Received, Result } from './states.js';

/** How an attempt ended for its caller. */
export type Ending =
  | { readonly kind: 'released'; readonly inspected: Inspected }
  | { readonly kind: 'held'; readonly decided: Decided; readonly hold: Hold }
  /** Had no effect. */
  | { readonly kind: 'refused'; readonly reached: Reached; readonly error: FlyballError; readonly promise?: string | undefined }
  /** Begun; whether it had an effect is what `effect` says. */
  | { readonly kind: 'broken'; readonly intended: Intended; readonly effect: Effect; readonly error: FlyballError };

/**
 * One attempt from start to finish:
 * received → identified → situated → decided → approved → (intent recorded) → issued → performed →
 * inspected → ended → (outcome recorded).
 */
export async function run(received: Received, stages: Stages, perform: Perform, cancel?: AbortSignal): Promise<Ending> {
  const authorised = await inTime(received, authorise(received, stages), stages);
  return authorised.kind === 'intended' ? carryOut(authorised.intended, stages, perform, cancel) : authorised;
}

/** The caller is not kept past its deadline. What is recorded after that is settled as never begun. */
async function inTime(received: Received, authorising: Promise<Authorised>, stages: Stages): Promise<Authorised> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(() => resolve('over'), Math.max(0, received.deadlineMs - stages.clock.now()));
  });
  const authorised = await Promise.race([authorising, over]);
  clearTimeout(timer);
  if (authorised !== 'over') return authorised;
  const error = new FlyballError('store_unavailable', 'no decision could be recorded in time; nothing was done');
  void authorising.then((late) => (late.kind === 'intended' ? stages.record.outcome(late.intended, 'failed', { error }) : undefined));
  return { kind: 'refused', reached: received, error };
}

type Authorised = Exclude<Ending, { kind: 'released' | 'broken' }> | { readonly kind: 'intended'; readonly intended: Intended };

/** Touches no target: whatever is thrown here is a refusal and had no effect. */
async function authorise(received: Received, stages: Stages): Promise<Authorised> {
  let reached: Reached = received;
  try {
    const identified = await stages.identify(received);
    reached = identified;
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const once = () => decideOnce(identified, stages, (state) => (reached = state));
      // Whoever lost a round once waits for those before, or all of them would go on at once and lose again.
      const answer = await (round === 0 ? once() : stages.turns.take(identified.principal.identity.id, once));
      if (answer) return answer;
    }
    throw new FlyballError('conflict', 'the session changed faster than a decision could be recorded; try again');
  } catch (thrown) {
    return refuse(reached, toFlyballError(thrown), stages);
  }
}

/** One decision on the session as it stands; nothing when the session moved on before it was recorded. */
async function decideOnce(identified: Identified, stages: Stages, reach: (state: Reached) => void): Promise<Authorised | undefined> {
  const situated = await stages.situate(identified);
  reach(situated);
  const decided = await stages.decide(situated);
  reach(decided);
  const approval = stages.approve(decided);
  switch (approval.kind) {
    case 'refused':
      throw approval.error;
    case 'hold': {
      if (approval.known && !(await stages.record.isCurrent(decided))) return undefined;
      const hold = approval.known ?? (await stages.record.hold(decided));
      return hold && { kind: 'held', decided, hold };
    }
    case 'approved': {
      const intended = await stages.record.intent(approval.approved);
      return intended && { kind: 'intended', intended };
    }
  }
}

async function refuse(reached: Reached, error: FlyballError, stages: Stages): Promise<Authorised> {
  const promise = await stages.record.refusal(reached, error);
  return { kind: 'refused', reached, error, promise };
}

/** The intent is durable. Whatever goes wrong from here on is `failed` or `unknown`, never a refusal. */
async function carryOut(intended: Intended, stages: Stages, perform: Perform, cancel?: AbortSignal): Promise<Ending> {
  let inspected: Inspected;
  let issued: Issued | undefined;
  try {
    issued = await stages.issue(intended);
    const result = await performed(issued, stages, perform, cancel);
    inspected = stages.inspect({ ...issued, result });
  } catch (thrown) {
    return await broken(intended, toFlyballError(thrown), stages);
  } finally {
    if (issued) await stages.end(issued);
  }
  await settle(inspected, stages);
  return { kind: 'released', inspected };
}

function performed(issued: Issued, stages: Stages, perform: Perform, cancel?: AbortSignal): Promise<Result> {
  return withDeadline(issued.intent.deadlineMs, stages.clock, cancel, (signal) => perform(issued, signal));
}

/**
 * What changes something answers only when its outcome is durable, so that no caller knows more than the
 * record. A read's labels count from its intent on, so its outcome may follow.
 */
async function settle(inspected: Inspected, stages: Stages): Promise<void> {
  const effect = inspected.result.kind === 'error' ? 'failed' : 'succeeded';
  const recorded = stages.record.outcome(inspected, effect, { result: inspected.released, findings: inspected.findings });
  if (inspected.action.tier === 'act') await recorded;
}

/** An answer that may not be released came from an action that succeeded; all else is failed only if that is certain. */
async function broken(intended: Intended, error: FlyballError, stages: Stages): Promise<Ending> {
  const effect = error.code === 'output_refused' ? 'succeeded' : error.code === 'performed_failed' ? 'failed' : 'unknown';
  await stages.record.outcome(intended, effect, { error });
  return { kind: 'broken', intended, effect, error };
}
