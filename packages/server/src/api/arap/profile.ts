import { FlyballError, type Json, type JsonObject } from '@flyball/protocol';
import type { Answer } from '../../action/run.js';
import type { Approval, Stages } from '../../action/stages.js';
import type { Decided } from '../../action/states.js';
import type { EvaluationProfile, ProfilePart } from '../authzen/evaluator.js';
import type { AskedEvaluation } from '../authzen/read-request.js';
import type { GrantOffers } from './grant-offers.js';
import { isGuarded, type Reference, type ReferenceTerms, verifyReference } from './approval-reference.js';
import { accessRequest, timeOf } from './denial.js';
import { nextActions, type ReevaluationReason } from './draft.js';

const retrySeconds = 30;

/** What was seen of one evaluation on its way through the flow. */
interface Seen {
  decided?: Decided;
  reference?: Reference;
}

/** ARAP at the decision point: denials that can be asked about, and approvals that are brought along. */
export class RequestProfile implements EvaluationProfile {
  constructor(
    private readonly terms: () => ReferenceTerms,
    private readonly offers: Pick<GrantOffers, 'isLiftable'>,
  ) {}

  take({ context, ...asked }: AskedEvaluation): ProfilePart {
    const { approval, ...rest } = context;
    const own: AskedEvaluation = { ...asked, context: rest };
    const seen: Seen = {};
    return {
      asked: own,
      stages: (stages) => ({ ...stages, approve: (decided) => this.#approve(own, approval, decided, stages, seen) }),
      tell: (answer) => this.#tell(own, approval !== undefined, answer, seen),
    };
  }

  /**
   * An evaluation asks nobody: it says that people could be asked, and a submission asks them. An approval that does not
   * count leaves what needs consent denied, also where people agreed to the very same question on another occasion.
   */
  async #approve(asked: AskedEvaluation, shown: Json | undefined, decided: Decided, stages: Stages, seen: Seen): Promise<Approval> {
    seen.decided = decided;
    const reference = shown === undefined ? undefined : await verifyReference(shown, asked, decided.principal, this.terms());
    if (reference) seen.reference = reference;
    if (reference?.ok === false) {
      if (reference.why === 'approval_unverifiable') return { kind: 'refused', error: new FlyballError('denied', 'policy does not allow this', { detail: reference.why }) };
      if (isGuarded(decided.decision)) return heldBack;
    }
    const approval = await stages.approve(decided);
    if (approval.kind === 'hold' && isGuarded(decided.decision)) return heldBack;
    return approval.kind === 'refused' && (await this.offers.isLiftable(asked, decided)) ? grantable : approval;
  }

  async #tell(asked: AskedEvaluation, brought: boolean, answer: Answer, seen: Seen): Promise<JsonObject> {
    if (answer.kind === 'evaluated' || answer.kind === 'intended') return approvedWith(answer, seen);
    const requestable = isRequestable(answer) && seen.decided ? await this.#hint(asked, answer.reached.id, seen.decided) : undefined;
    if (!brought) return requestable ?? {};
    if (answer.kind === 'refused' && (answer.error.code === 'overloaded' || answer.error.code === 'conflict')) return { next_action: 'retry', retry_after: retrySeconds };
    const reason = reasonOf(answer, seen);
    if (reason === undefined) return { ...requestable, next_action: 'request' };
    const next = nextActions[reason] === 'request' && !requestable ? 'none' : nextActions[reason];
    return { ...(next === 'request' && requestable), reason, next_action: next, ...(next === 'retry' && { retry_after: retrySeconds }) };
  }

  async #hint(asked: AskedEvaluation, evaluation: string, { principal, decision }: Decided): Promise<JsonObject> {
    const { nowMs, denialMs, known, signed, membersOf } = this.terms();
    const denied = { evaluation, identity: principal.identity.id, asked, members: membersOf(asked.action.name), decision, atMs: nowMs, untilMs: nowMs + denialMs };
    return { evaluated_at: timeOf(nowMs), reason: decision.outcome === 'deny' ? 'grant_required' : 'approval_required', access_request: await accessRequest(denied, known, signed) };
  }
}

const heldBack: Approval = { kind: 'refused', error: new FlyballError('held', 'people have to agree to this first; submit an access request') };

/** Where no policy permits, and a grant could be asked for with which one would. */
const grantable: Approval = { kind: 'refused', error: new FlyballError('held', 'policy does not allow this without a grant; submit an access request') };

const isRequestable = (answer: Answer): answer is Extract<Answer, { kind: 'refused' }> => answer.kind === 'refused' && answer.error.code === 'held';

/** A permission says which approval it rests on. */
function approvedWith(answer: Extract<Answer, { kind: 'evaluated' | 'intended' }>, { reference }: Seen): JsonObject {
  const used = answer.kind === 'intended' ? answer.intended.grant.hold : undefined;
  return reference?.ok && (reference.hold === undefined || reference.hold === used) ? { approval: { id: reference.id, approved_until: timeOf(reference.untilMs) } } : {};
}

/** Why an evaluation that brought an approval is denied all the same; nothing where the approval counted and something else has to be asked for. */
function reasonOf(answer: Answer, { reference, decided }: Seen): ReevaluationReason | undefined {
  if (reference?.ok === false) return reference.why;
  if (answer.kind === 'held') return 'grant_pending';
  if (!isRequestable(answer)) return 'policy_denied';
  if (!reference || reference.hold === undefined || decided?.decision.outcome === 'deny') return undefined;
  // It counted, and yet people have to be asked: policy or tool changed since, so what they agreed to is another question now.
  return 'approval_expired';
}
