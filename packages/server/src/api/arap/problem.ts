import { type ErrorCode, FlyballError, toFlyballError } from '@flyball/protocol';
import { isProblem, type Problem, problems, problemUri } from './draft.js';

const codes: Readonly<Record<Problem, ErrorCode>> = {
  not_requestable: 'denied',
  expired_denial: 'denied',
  invalid_denial_binding: 'denied',
  duplicate_request: 'conflict',
  unknown_task: 'not_found',
  task_expired: 'not_found',
  invalid_task_state: 'already_settled',
};

/** One of the profile's problems; its type travels as the detail. */
export const problem = (type: Problem, message: string): FlyballError => new FlyballError(codes[type], message, { detail: type });

export interface ProblemAnswer {
  readonly status: number;
  readonly body: { readonly type: string; readonly title: string; readonly status: number };
}

/** What is said about an error (RFC 9457). Whatever the profile has no type for is told by its status alone. */
export function problemAnswer(thrown: unknown): ProblemAnswer {
  const error = toFlyballError(thrown);
  const { detail, message } = error;
  const status = isProblem(detail) ? problems[detail] : statusOf(error);
  return { status, body: { type: isProblem(detail) ? problemUri(detail) : 'about:blank', title: message, status } };
}

function statusOf({ code }: FlyballError): number {
  switch (code) {
    case 'unauthenticated':
      return 401;
    case 'denied':
    case 'identity_refused':
    case 'session_refused':
    case 'approval_refused':
    case 'action_unknown':
      return 403;
    case 'not_found':
      return 404;
    case 'conflict':
    case 'already_settled':
      return 409;
    case 'request_too_large':
      return 413;
    case 'overloaded':
      return 429;
    case 'store_unavailable':
      return 503;
    case 'internal':
    case 'log_broken':
      return 500;
    default:
      return 400;
  }
}
