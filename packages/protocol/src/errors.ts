/** Every error that leaves a part of Flyball has one of these codes; `docs/errors.md` has a line for each. */
export const errorCodes = [
  'usage',
  'not_canonical',
  'request_malformed',
  'request_too_large',
  'config_invalid',
  'bundle_invalid',
  'store_locked',
  'store_unavailable',
  'conflict',
  'already_settled',
  'not_found',
  'unauthenticated',
  'identity_refused',
  'session_refused',
  'action_unknown',
  'tool_quarantined',
  'denied',
  'held',
  'approval_refused',
  'overloaded',
  'performed_failed',
  'performed_unknown',
  'output_refused',
  'log_broken',
  'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** An attempt that ends with one of these went as it should: where in the code it was said is of no interest, and costs as much as a decision. */
const answers: ReadonlySet<ErrorCode> = new Set(['denied', 'held', 'approval_refused', 'action_unknown']);

/**
 * The one error class. The message is safe to show to the caller; `detail` is for the record and operators
 * (never a secret); what is safe for nobody goes into `cause`.
 */
export class FlyballError extends Error {
  readonly detail: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly detail?: string },
  ) {
    const framesMost = Error.stackTraceLimit;
    if (answers.has(code)) Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = framesMost;
    this.name = 'FlyballError';
    this.detail = options?.detail;
  }
}

/** Turns whatever was thrown into an error of ours; a stranger's message is kept as the cause only. */
export function toFlyballError(thrown: unknown): FlyballError {
  if (thrown instanceof FlyballError) return thrown;
  return new FlyballError('internal', 'an internal error occurred; nothing was allowed', { cause: thrown });
}
