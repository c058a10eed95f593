import type { ErrorCode } from '@flyball/protocol';

export type HttpStatus = 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;
export type HttpStatuses = Readonly<Partial<Record<ErrorCode, HttpStatus>>>;

const statuses: HttpStatuses = {
  unauthenticated: 401,
  denied: 403,
  identity_refused: 403,
  session_refused: 403,
  approval_refused: 403,
  action_unknown: 403,
  not_found: 404,
  conflict: 409,
  already_settled: 409,
  request_too_large: 413,
  internal: 500,
  log_broken: 500,
  store_unavailable: 503,
  overloaded: 503,
};

/**
 * The HTTP status of an error; what has none here is a fault of the request.
 *
 * @param own what one API answers otherwise
 */
export const httpStatusOf = (code: ErrorCode, own: HttpStatuses = {}): HttpStatus => own[code] ?? statuses[code] ?? 400;
