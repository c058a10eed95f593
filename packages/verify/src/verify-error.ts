/** `usage`: what was asked cannot be done as it was said. `unavailable`: a file of the log could not be read. */
export type VerifyErrorCode = 'usage' | 'unavailable';

/** The one error of this package. What is wrong with a log is no error but a finding. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';

  constructor(
    readonly code: VerifyErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
