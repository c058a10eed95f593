import { type FlyballError, type Json, toFlyballError } from '@flyball/protocol';
import { ask } from '../../action/run.js';
import type { Stages } from '../../action/stages.js';
import type { Hold } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { type Asker, callOf, forSubject } from '../authzen/evaluator.js';
import type { AskedEvaluation } from '../authzen/read-request.js';
import { isProblem } from './draft.js';
import { problem } from './problem.js';

export interface QuestionerParts {
  readonly stages: Stages;
  /** Throws `request_malformed` for evidence that is not accepted. */
  attach(hold: string, evidence: { readonly kind: string; readonly value: Json }): Promise<unknown>;
  cancel(hold: string, identity: string): Promise<unknown>;
}

/** The question to people about an item. */
export interface Opened {
  readonly hold: Hold;
  /** False where it waited already; then it is not this submission's to take back. */
  readonly isNew: boolean;
}

/** Opens the questions of submissions: what was denied is decided once more, and people are asked if they still have to be. */
export class Questioner {
  constructor(private readonly parts: QuestionerParts) {}

  /** The question to people about exactly this, new or the one that waits already. Throws `not_requestable` where there is none to ask. */
  async open(asked: AskedEvaluation, evidence: readonly { readonly kind: string; readonly value: Json }[], asker: Asker): Promise<Opened> {
    const received = asker.received(callOf(asked), limits.outcomeReportMs);
    const answer = await ask(received, this.#stages(), { answerByMs: received.receivedAtMs + limits.evaluationMs, honoursObligations: true });
    if (answer.kind === 'refused') throw answer.error;
    if (answer.kind !== 'held' || answer.hold.outcome !== 'step_up') throw notRequestable();
    const opened = { hold: answer.hold, isNew: answer.hold.id === received.id };
    try {
      for (const each of evidence) await this.parts.attach(answer.hold.id, each);
    } catch (error) {
      await this.takeBack([opened], answer.decided.principal.identity.id);
      throw error;
    }
    return opened;
  }

  /** Questions of a submission that came to nothing. */
  async takeBack(opened: readonly Opened[], identity: string): Promise<void> {
    for (const { hold, isNew } of opened) if (isNew) await this.parts.cancel(hold.id, identity).catch(() => undefined);
  }

  /** Nothing is carried out here, so nothing may be begun: what would be allowed now needs no request. */
  #stages(): Stages {
    const { stages } = this.parts;
    return {
      ...stages,
      identify: async (received) => forSubject(await stages.identify(received)),
      approve: async (decided) => {
        const approval = await stages.approve(decided);
        return approval.kind === 'approved' ? { kind: 'refused', error: notRequestable() } : approval;
      },
    };
  }
}

const notRequestable = () => problem('not_requestable', 'people need not be asked about this now; evaluate again');

/** What policy denies by now cannot be asked for either. */
export function toProblemOfQuestion(thrown: unknown): FlyballError {
  const error = toFlyballError(thrown);
  if (isProblem(error.detail)) return error;
  return ['denied', 'action_unknown', 'approval_refused'].includes(error.code) ? problem('not_requestable', 'policy does not let anybody ask for this now') : error;
}
