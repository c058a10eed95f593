import { type Effect, FlyballError, toFlyballError } from '@flyball/protocol';
import { limits } from '../lib/limits.js';
import { withDeadline } from './deadline.js';
import type { Perform, Reached, Stages } from './stages.js';
import type { Approved, Decided, Hold, Identified, Inspected, Intended, Issued, Received, Result } from './states.js';

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
  const authorised = await inTime(received, authorise(received, stages, intend), stages, received.deadlineMs);
  return authorised.kind === 'intended' ? carryOut(authorised.intended, stages, perform, cancel) : authorised;
}

/** What was decided for who carries the action out elsewhere, once it is recorded. */
export type Answer = Waiting | Intending | { readonly kind: 'evaluated'; readonly approved: Approved };

/**
 * The first half of an attempt, for an enforcement point that carries the action out itself. An action that changes
 * something owes an outcome, to be reported until the attempt's deadline; of one that only reads, this is all there is.
 *
 * @param terms until when the enforcement point is kept, in milliseconds since 1970, and whether it does what a decision asks of it
 */
export function ask(received: Received, stages: Stages, terms: { readonly answerByMs: number; readonly honoursObligations: boolean }): Promise<Answer> {
  return inTime(received, authorise<Answer>(received, stages, (approved) => tell(approved, stages, terms.honoursObligations)), stages, terms.answerByMs);
}

type Waiting = Exclude<Ending, { kind: 'released' | 'broken' }>;
type Intending = { readonly kind: 'intended'; readonly intended: Intended };

/** What is done with an approved attempt; nothing when the session moved on before it was recorded. */
type Begin<Begun> = (approved: Approved, stages: Stages) => Promise<Begun | undefined>;

const intend: Begin<Intending> = async (approved, stages) => {
  const intended = await stages.record.intent(approved);
  return intended && { kind: 'intended', intended };
};

async function tell(approved: Approved, stages: Stages, honoursObligations: boolean): Promise<Answer | undefined> {
  const { action, decision, grant, session } = approved;
  if (grant.modification && !honoursObligations) throw new FlyballError('denied', 'policy allows this with obligations, and the enforcement point does not say that it honours them', { detail: 'obligations' });
  if (decision.credential) throw new FlyballError('denied', 'policy does not allow this', { detail: 'an enforcement point is given no credential' });
  // What people agreed to is used up by an intent, whatever it is.
  const owesOutcome = action.tier === 'act' || grant.hold !== undefined || grant.means.length > 0;
  if (!owesOutcome) return (await stages.record.evaluation(approved)) ? { kind: 'evaluated', approved } : undefined;
  if (Object.keys(session.state.open).length >= limits.openOutcomesMax) throw new FlyballError('overloaded', `${limits.openOutcomesMax} outcomes of this subject's session have not been reported; report some of them`);
  return intend(approved, stages);
}

/** The caller is not kept past its deadline. What is recorded after that is settled as never begun. */
async function inTime<Begun extends { readonly kind: string }>(received: Received, authorising: Promise<Begun | Waiting>, stages: Stages, untilMs: number): Promise<Begun | Waiting> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(() => resolve('over'), Math.max(0, untilMs - stages.clock.now()));
  });
  const authorised = await Promise.race([authorising, over]);
  clearTimeout(timer);
  if (authorised !== 'over') return authorised;
  const error = new FlyballError('store_unavailable', 'no decision could be recorded in time; nothing was done');
  void authorising.then((late) => ('intended' in late ? stages.record.outcome(late.intended as Intended, 'failed', { error }) : undefined));
  return { kind: 'refused', reached: received, error };
}

/** Touches no target: whatever is thrown here is a refusal and had no effect. */
async function authorise<Begun>(received: Received, stages: Stages, begin: Begin<Begun>): Promise<Begun | Waiting> {
  let reached: Reached = received;
  try {
    const identified = await stages.identify(received);
    reached = identified;
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const once = () => decideOnce(identified, stages, begin, (state) => (reached = state));
      // Whoever lost a round once waits for those before, or all of them would go on at once and lose again.
      const answer = await (round === 0 ? once() : stages.turns.take(JSON.stringify([identified.principal.identity.id, identified.principal.onBehalfOf ?? null]), once));
      if (answer) return answer;
    }
    throw new FlyballError('conflict', 'the session changed faster than a decision could be recorded; try again');
  } catch (thrown) {
    return refuse(reached, toFlyballError(thrown), stages);
  }
}

/** One decision on the session as it stands; nothing when the session moved on before it was recorded. */
async function decideOnce<Begun>(identified: Identified, stages: Stages, begin: Begin<Begun>, reach: (state: Reached) => void): Promise<Begun | Waiting | undefined> {
  const situated = await stages.situate(identified);
  reach(situated);
  const decided = await stages.decide(situated);
  reach(decided);
  const approval = await stages.approve(decided);
  switch (approval.kind) {
    case 'refused':
      throw approval.error;
    case 'hold': {
      if (approval.known && !(await stages.record.isCurrent(decided))) return undefined;
      const hold = approval.known ?? (await stages.record.hold(decided));
      return hold && { kind: 'held', decided, hold };
    }
    case 'approved':
      return begin(approval.approved, stages);
  }
}

async function refuse(reached: Reached, error: FlyballError, stages: Stages): Promise<Waiting> {
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
