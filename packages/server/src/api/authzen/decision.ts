import type { ErrorCode, FlyballError, JsonObject, Modification } from '@flyball/protocol';
import type { Answer } from '../../action/run.js';
import { httpStatusOf } from '../http-status.js';
import { obligationType, obligationVendor } from './versions.js';

/** What an enforcement point is told (API 1.0, section 5.5). */
export interface Told {
  readonly decision: boolean;
  readonly context: JsonObject;
}

/** Something that a profile adds to the context of an answer; nothing where it has nothing to say. */
export type ContextPart = (answer: Answer) => JsonObject | undefined;

/** The answer with its context, made here and nowhere else. Members of ours that no specification has are in `flyball`. */
export function tell(answer: Answer, parts: readonly ContextPart[] = []): Told {
  const context = parts.reduce((sum, part) => ({ ...sum, ...part(answer) }), contextOf(answer));
  return { decision: answer.kind === 'evaluated' || answer.kind === 'intended', context };
}

function contextOf(answer: Answer): JsonObject {
  switch (answer.kind) {
    case 'evaluated':
      return { evaluation_id: answer.approved.id, ...withObligations(answer.approved.grant.modification) };
    case 'intended': {
      const { id, grant, intent } = answer.intended;
      return { evaluation_id: id, ...withObligations(grant.modification), flyball: { outcome_due: new Date(intent.deadlineMs).toISOString(), promise: intent.promise } };
    }
    case 'held': {
      const { id, outcome, deadlineMs } = answer.hold;
      return { evaluation_id: id, reason: outcome === 'defer' ? 'needs_facts' : 'needs_approval', flyball: { hold: { id, outcome, until: new Date(deadlineMs).toISOString() } } };
    }
    case 'refused':
      return { evaluation_id: answer.reached.id, reason: reasonOf(answer.error) };
  }
}

/** One word that a machine can branch on. Which policy refused, and how, is for operators. */
function reasonOf({ code, detail }: FlyballError): string {
  switch (code) {
    case 'denied':
      return detail === 'capability' || detail === 'obligations' ? detail : 'denied';
    case 'action_unknown':
      return 'unknown_action';
    case 'approval_refused':
      return 'refused_by_a_person';
    case 'overloaded':
    case 'conflict':
      return 'unavailable';
    default:
      return 'denied';
  }
}

const withObligations = (modification: Modification | undefined): JsonObject => (modification ? { obligations: obligationsOf(modification) } : {});

/** A modification as what the enforcement point has to do itself (Obligations Profile, sections 4 and 5.4). */
export function obligationsOf({ caps, sets, redact }: Modification): readonly JsonObject[] {
  const asked = { ...(Object.keys(caps).length > 0 && { caps }), ...(Object.keys(sets).length > 0 && { sets }), ...(redact.length > 0 && { redact }) };
  return [{ id: 'modify', type: obligationType, properties: { vendor: obligationVendor, action: 'modify', ...asked } }];
}

/** What keeps a question from being asked at all; everything else is an answer (API 1.0, section 10.1.2). */
const unasked: ReadonlySet<ErrorCode> = new Set(['request_malformed', 'request_too_large', 'unauthenticated', 'identity_refused', 'session_refused', 'not_found', 'already_settled', 'store_unavailable', 'log_broken', 'internal']);

/** HTTP status of what is no answer; nothing for what is one. */
export const statusOf = ({ code }: FlyballError): number | undefined => (unasked.has(code) ? httpStatusOf(code) : undefined);

/** What cannot be asked, as one answer of several: closed, with the reason in its context (section 7.2.1). */
export const tellError = (error: FlyballError): Told => ({ decision: false, context: { error: { status: statusOf(error) ?? 500, message: error.message } } });

