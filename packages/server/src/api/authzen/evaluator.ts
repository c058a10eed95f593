import { FlyballError, type JsonObject, type Principal, toFlyballError } from '@flyball/protocol';
import { type Answer, ask } from '../../action/run.js';
import type { Stages } from '../../action/stages.js';
import type { Identified, Received } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { evaluationMethod } from '../../policy/index.js';
import { type ContextPart, statusOf, tell, tellError, type Told } from './decision.js';
import { type AskedEvaluation, honoursObligations, readBatch, readEvaluation } from './read-request.js';

/** Who asks, and the attempt that a question begins. */
export interface Asker {
  received(call: Received['call'], timeoutMs: number): Received;
}

/** A profile that takes part in what is asked: it may read more of a question, and say more in its answer. */
export interface EvaluationProfile {
  take(asked: AskedEvaluation): ProfilePart;
}

/** Its part in one question. */
export interface ProfilePart {
  /** The question without what only the profile reads. */
  readonly asked: AskedEvaluation;
  stages(stages: Stages): Stages;
  tell(answer: Answer): Promise<JsonObject>;
}

/** Decides what enforcement points ask, one question or many. */
export class Evaluator {
  readonly #stages: Stages;

  /** @param parts what profiles add to the context of each answer */
  constructor(
    stages: Stages,
    private readonly parts: readonly ContextPart[] = [],
    private readonly profile?: EvaluationProfile,
  ) {
    this.#stages = { ...stages, identify: async (received) => forSubject(await stages.identify(received)) };
  }

  /** What was decided, recorded already. Throws what is no decision: an enforcement point that is not let in, a store that is gone. */
  async answer(asked: AskedEvaluation, asker: Asker, stages: Stages = this.#stages): Promise<Answer> {
    const received = asker.received(callOf(asked), limits.outcomeReportMs);
    const answer = await ask(received, stages, { answerByMs: received.receivedAtMs + limits.evaluationMs, honoursObligations: honoursObligations(asked.context) });
    if (answer.kind === 'refused' && statusOf(answer.error) !== undefined) throw answer.error;
    return answer;
  }

  async one(from: JsonObject, asker: Asker): Promise<Told> {
    const asked = readEvaluation(from);
    const part = this.profile?.take(asked);
    if (!part) return tell(await this.answer(asked, asker), this.parts);
    const answer = await this.answer(part.asked, asker, part.stages(this.#stages));
    const more = await part.tell(answer);
    return tell(answer, [...this.parts, () => more]);
  }

  /** Several questions in one request, or a single one where it has no list (API 1.0, section 7.1). */
  async many(from: JsonObject, asker: Asker): Promise<Told | { readonly evaluations: readonly Told[] }> {
    const batch = readBatch(from);
    if (!batch) return this.one(from, asker);
    switch (batch.semantic) {
      case 'execute_all':
        return { evaluations: await this.#all(batch.items, asker) };
      case 'deny_on_first_deny':
        return { evaluations: await this.#until(false, batch.items, asker) };
      case 'permit_on_first_permit':
        return { evaluations: await this.#until(true, batch.items, asker) };
    }
  }

  /**
   * Each begins when the one before it has taken its place in the record, so that all of one subject are decided one
   * after the other and wait for the disk together.
   */
  async #all(items: readonly JsonObject[], asker: Asker): Promise<readonly Told[]> {
    const [first, ...rest] = items;
    if (!first) return [];
    const told = [Promise.resolve(await this.#item(first, asker))];
    for (const item of rest) {
      const answer = this.#item(item, asker);
      // It is awaited with the others, when all of them have begun.
      answer.catch(() => undefined);
      told.push(answer);
      await new Promise((next) => setImmediate(next));
    }
    return Promise.all(told);
  }

  async #until(end: boolean, items: readonly JsonObject[], asker: Asker): Promise<readonly Told[]> {
    const told: Told[] = [];
    for (const item of items) {
      const answer = await this.#item(item, asker);
      told.push(answer);
      if (answer.decision === end) break;
    }
    return told;
  }

  /** What is wrong with one question is its own answer; who may not ask at all is told so once. */
  async #item(item: JsonObject, asker: Asker): Promise<Told> {
    try {
      return await this.one(item, asker);
    } catch (thrown) {
      const error = toFlyballError(thrown);
      if (error.code === 'unauthenticated' || error.code === 'identity_refused') throw error;
      return tellError(error);
    }
  }
}

export function callOf({ subject, action, resource, context }: AskedEvaluation): Received['call'] {
  return { upstream: '', method: evaluationMethod, name: action.name, params: { subject, action, resource, context } as unknown as JsonObject, args: action.properties ?? {} };
}

/** Whom an enforcement point asks about stands in its question, so its token is for nobody. Throws `identity_refused`. */
export function verifyOwnToken({ onBehalfOf }: Principal): void {
  if (onBehalfOf !== undefined) throw new FlyballError('identity_refused', 'expected a token of the enforcement point itself, not one on behalf of somebody');
}

/**
 * The identity is the enforcement point's own, and the session is its session for whom it asks about: labels, budgets and
 * history are the subject's. In the record the subject stands by reference, as a person does.
 */
export function forSubject(identified: Identified): Identified {
  const { principal, call } = identified;
  verifyOwnToken(principal);
  const { subject } = call.params as unknown as AskedEvaluation;
  return { ...identified, principal: { ...principal, onBehalfOf: `${subject.type}:${subject.id}` } };
}
