import type { Effect, ErrorCode, JsonObject } from '@flyball/protocol';
import type { Ending } from '../../action/run.js';
import type { Stages } from '../../action/stages.js';
import { type Clock, pause } from '../../lib/clock.js';
import { answerTo, withPromise } from './answers.js';
import { flowOfHold } from './flow-of-hold.js';
import { keptMs, saidIn, taskFields } from './hold-answers.js';
import type { HeldCall, HoldDesk, HoldOwner, HoldStatus } from './hold-desk.js';
import { factsOf, wordsOf } from './hold-words.js';
import { type Finished, KeptResults } from './kept-results.js';

/** Carries out what a hold asked for, from the top of the flow, with the credentials of whoever polls. */
export type PerformHeld = (call: HeldCall, stages: Stages) => Promise<Ending>;

type Flown = { readonly kind: 'finished'; readonly finished: Finished } | { readonly kind: 'later'; readonly why: string } | { readonly kind: 'moved' };

/** How long a poll is kept for an action that it began; then it is told that the action is under way. */
const patienceMs = 10_000;

/** Refusals that say nothing of the action itself: the next poll tries again. */
const passing: ReadonlySet<ErrorCode> = new Set(['conflict', 'overloaded', 'store_unavailable']);

/**
 * Holds as tasks (tasks extension of MCP 2026-07-28). What a task has come to is read from the record; the poll that
 * finds it approved carries it out. The intent that settles the hold is the lock: whoever comes second finds it used.
 */
export class HoldTasks {
  readonly #flights = new Map<string, Promise<Flown>>();
  readonly #kept: KeptResults;

  constructor(
    private readonly desk: HoldDesk,
    private readonly clock: Clock,
  ) {
    this.#kept = new KeptResults(clock, keptMs);
  }

  /** GetTaskResult; nothing for a hold that is not this owner's. */
  async get(id: string, owner: HoldOwner, stages: Stages, perform: PerformHeld, gone: AbortSignal): Promise<JsonObject | undefined> {
    const status = await this.desk.status(id, owner);
    return status && this.#view(status, owner, { stages, perform, gone });
  }

  async #view(status: HoldStatus, owner: HoldOwner, by: { readonly stages: Stages; readonly perform: PerformHeld; readonly gone: AbortSignal }): Promise<JsonObject> {
    const { id, state } = status;
    const kept = this.#kept.find(id, keyOf(owner));
    if (kept) return this.#ended(status, kept);
    switch (state) {
      case 'pending':
        if (status.arrived) return this.#fly(status, owner, by);
        return this.#working(status, wordsOf(status, 'nothing'));
      case 'cancelled':
        return { ...this.#fields(status), status: 'cancelled', statusMessage: wordsOf(status, 'nothing') };
      case 'refused':
      case 'expired':
      case 'superseded':
        return this.#ended(status, told(status, wordsOf(status, 'nothing')));
      case 'used':
        return this.#flights.has(id) ? this.#fly(status, owner, by) : this.#used(status, owner);
      case 'approved':
        return this.#fly(status, owner, by);
    }
  }

  /** Polls that come together are one attempt here; on other nodes, and where it was called instead, the record decides. */
  async #fly(status: HoldStatus, owner: HoldOwner, { stages, perform, gone }: { readonly stages: Stages; readonly perform: PerformHeld; readonly gone: AbortSignal }): Promise<JsonObject> {
    const { id } = status;
    const flight = this.#flights.get(id) ?? this.#begin(id, owner, stages, perform);
    const patience = new AbortController();
    const flown = await Promise.race([flight, pause(patienceMs, AbortSignal.any([gone, patience.signal]))]);
    patience.abort();
    switch (flown?.kind) {
      case undefined:
        return this.#working(status, 'Approved. The action is under way.');
      case 'later':
        return this.#working(status, flown.why);
      case 'finished':
        return this.#ended(status, flown.finished);
      case 'moved': {
        const now = await this.desk.status(id, owner);
        if (now?.state === 'used') return this.#used(now, owner);
        return this.#ended(status, told(status, 'What is asked for is no longer what was approved: a policy or the tool changed. Nothing has happened. Call the tool again to see where it stands.'));
      }
    }
  }

  #begin(id: string, owner: HoldOwner, stages: Stages, perform: PerformHeld): Promise<Flown> {
    const flight = this.#carryOut(id, owner, stages, perform).then((flown) => {
      if (flown.kind === 'finished') this.#kept.keep(id, keyOf(owner), flown.finished);
      return flown;
    });
    this.#flights.set(id, flight);
    const landed = () => void this.#flights.delete(id);
    flight.then(landed, landed);
    return flight;
  }

  /** Not bound to the poll that began it: a client that goes away finds the result when it asks again. */
  async #carryOut(id: string, owner: HoldOwner, stages: Stages, perform: PerformHeld): Promise<Flown> {
    const call = await this.desk.call(id, owner);
    if (call?.args === undefined) return { kind: 'later', why: 'Approved, but the arguments are not in the record any more. Call the same tool again with exactly the same arguments: it passes once.' };
    const flow = flowOfHold(stages, id);
    const ending = await perform(call, flow.stages);
    if (ending.kind === 'held') return { kind: 'later', why: 'It is not enough yet: somebody who agreed may not any more, or a fact is still missing. Nothing has happened; the question waits on.' };
    if (ending.kind === 'refused' && ending.error === flow.moved) return { kind: 'moved' };
    if (ending.kind === 'refused' && passing.has(ending.error.code)) return { kind: 'later', why: `${ending.error.message}. Nothing has happened; the next poll tries again.` };
    return { kind: 'finished', finished: finishedBy(ending) };
  }

  /** The action was begun under this hold, by another node, by a call, or so long ago that what came back is gone. */
  async #used(status: HoldStatus, owner: HoldOwner): Promise<JsonObject> {
    const use = await this.desk.use(status.id, owner);
    if (use && use.effect === undefined) return this.#working(status, 'Approved. The action is under way.');
    const effect = use?.effect ?? 'unknown';
    return this.#ended(status, told(status, `${usedWords[effect]} What came back is not kept here${use ? `; it is evaluation ${use.evaluation} in the record` : ''}.`, effect !== 'succeeded'));
  }

  #ended(status: HoldStatus, finished: Finished): JsonObject {
    const fields = this.#fields(status);
    if ('result' in finished) return { ...fields, status: 'completed', result: finished.result };
    return { ...fields, status: 'failed', statusMessage: String(finished.error['message']), error: finished.error };
  }

  #working(status: HoldStatus, statusMessage: string): JsonObject {
    return { ...this.#fields(status), status: 'working', statusMessage };
  }

  #fields(status: HoldStatus): JsonObject {
    return { resultType: 'complete', ...taskFields(status, this.clock.now()), _meta: { 'flyball/hold': factsOf(status) } };
  }
}

const usedWords: Readonly<Record<Effect, string>> = {
  succeeded: 'The action was performed once under this approval, and succeeded. Do not repeat it.',
  failed: 'The action was begun once under this approval and failed without an effect.',
  unknown: 'The action was begun once under this approval; whether it had its effect is not known. Do not repeat it; check the target first.',
};

const keyOf = ({ identity, onBehalfOf, session }: HoldOwner): string => JSON.stringify([identity, onBehalfOf ?? null, session ?? null]);

const told = (status: HoldStatus, text: string, isError = true): Finished => ({ result: { resultType: 'complete', isError, content: [{ type: 'text', text }], _meta: { 'flyball/hold': factsOf(status) } } });

/** What the call itself would have been answered with. */
function finishedBy(ending: Exclude<Ending, { kind: 'held' }>): Finished {
  if (ending.kind !== 'released') return saidIn(answerTo('task', ending, { era: 'stateless', isToolCall: true }));
  const { released: { kind, value }, intent } = ending.inspected;
  if (kind === 'error') return { error: value['error'] as JsonObject };
  // A server that wants to ask back was told that nobody can be asked; what it says is no result of the call.
  if (value['resultType'] !== undefined && value['resultType'] !== 'complete') return { error: { code: -32603, message: 'the server did not finish the call; whether it had an effect is unknown. Do not repeat it; check the target first' } };
  return { result: withPromise({ resultType: 'complete', ...value }, intent.promise) };
}
