import { type Effect, type Entry, FlyballError, type Json, type JsonObject } from '@flyball/protocol';
import { monotonicMs } from '../lib/clock.js';
import { isTimeId } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { Board } from './board.js';
import type { Holds } from './holds.js';
import type { Question } from './question.js';
import type { HoldStatus, Questions } from './questions.js';
import type { ApprovalRecord } from './record.js';

/** Who asks about a hold: only who asked for the action may know of it. */
export interface HoldOwner {
  readonly identity: string;
  /** Name of the person whom the identity acts for. */
  readonly onBehalfOf?: string | undefined;
  /** The session that the caller is in; absent where callers are in none. */
  readonly session?: string;
}

export interface OwnHoldsParts {
  readonly record: Pick<ApprovalRecord, 'refOf' | 'findSettling'>;
  readonly questions: Questions;
  readonly holds: Holds;
  readonly board: Board;
}

/** What machines may know of their holds and do with them. A hold that never was and somebody else's are the same to them. */
export class OwnHolds {
  constructor(private readonly parts: OwnHoldsParts) {}

  async status(id: string, owner: HoldOwner): Promise<HoldStatus | undefined> {
    return (await this.#own(id, owner)) && this.parts.questions.status(id);
  }

  /** Resolves when the hold is no longer pending, when the time is up, or when the signal aborts. */
  async wait(id: string, owner: HoldOwner, ms: number, signal: AbortSignal): Promise<HoldStatus | undefined> {
    if (!(await this.#own(id, owner))) return undefined;
    const { board, questions } = this.parts;
    const until = monotonicMs() + Math.min(ms, limits.holdWaitMsMax);
    for (;;) {
      // Listening begins before looking, or what happens in between would be slept through.
      const stop = new AbortController();
      const happened = board.wait(id, Math.max(0, until - monotonicMs()), AbortSignal.any([signal, stop.signal]));
      const status = await questions.status(id);
      if (status.state !== 'pending' || status.arrived || signal.aborted || monotonicMs() >= until) {
        stop.abort();
        return status;
      }
      await happened;
    }
  }

  async cancel(id: string, owner: HoldOwner): Promise<HoldStatus> {
    await this.#verifyOwn(id, owner);
    await this.parts.holds.cancel(id, { identity: owner.identity });
    return this.parts.questions.status(id);
  }

  async attach(id: string, owner: HoldOwner, kind: string, value: Json): Promise<HoldStatus> {
    await this.#verifyOwn(id, owner);
    await this.parts.holds.attach(id, { kind, value });
    return this.parts.questions.status(id);
  }

  /** What a hold asks for, as the record has it, so that any node can carry it out. */
  async call(id: string, owner: HoldOwner): Promise<{ readonly upstream: string; readonly method: string; readonly name: string; readonly args?: JsonObject } | undefined> {
    const question = await this.#own(id, owner);
    if (!question?.asked) return undefined;
    const { body, asked } = question;
    return { upstream: body.upstream, method: body.method, name: asked.target, args: asked.args };
  }

  /** The action that a hold was used for; without an effect it is under way. */
  async use(id: string, owner: HoldOwner): Promise<{ readonly evaluation: string; readonly effect?: Effect } | undefined> {
    if (!(await this.#own(id, owner))) return undefined;
    const used = await this.parts.record.findSettling(id);
    if (used?.kind !== 'intent') return undefined;
    const outcome = (await this.parts.record.findSettling(used.id)) as Entry<{ readonly effect: Effect }> | undefined;
    return { evaluation: used.id, ...(outcome && { effect: outcome.body.effect }) };
  }

  async #own(id: string, owner: HoldOwner): Promise<Question | undefined> {
    if (!isTimeId(id)) return undefined;
    try {
      const question = await this.parts.questions.find(id);
      const { identity, on_behalf_of: ref, session } = question.body;
      const person = owner.onBehalfOf === undefined ? undefined : await this.parts.record.refOf(owner.onBehalfOf);
      return identity === owner.identity && ref === person && (owner.session === undefined || owner.session === session) ? question : undefined;
    } catch (error) {
      if (error instanceof FlyballError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async #verifyOwn(id: string, owner: HoldOwner): Promise<void> {
    if (!(await this.#own(id, owner))) throw new FlyballError('not_found', 'no such hold of yours');
  }
}
