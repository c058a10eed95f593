import { type ErrorCode, FlyballError, toFlyballError } from '@flyball/protocol';
import { httpStatusOf, type HttpStatuses } from '../http-status.js';
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

const ownStatuses: HttpStatuses = { overloaded: 429 };

/** One of the profile's problems; its type travels as the detail. */
export const problem = (type: Problem, message: string): FlyballError => new FlyballError(codes[type], message, { detail: type });

export interface ProblemAnswer {
  readonly status: number;
  readonly body: { readonly type: string; readonly title: string; readonly status: number };
}

/** What is said about an error (RFC 9457). Whatever the profile has no type for is told by its status alone. */
export function problemAnswer(thrown: unknown): ProblemAnswer {
  const { code, detail, message } = toFlyballError(thrown);
  const status = isProblem(detail) ? problems[detail] : httpStatusOf(code, ownStatuses);
  return { status, body: { type: isProblem(detail) ? problemUri(detail) : 'about:blank', title: message, status } };
}
