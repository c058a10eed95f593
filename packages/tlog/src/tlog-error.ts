/**
 * What went wrong: `malformed` is not what the specification describes, `too_large` is beyond a bound of this library,
 * `out_of_range` was asked for and is not in the tree, `bad_signature` is a known key's signature that does not verify,
 * `unknown_key` is a note that no known key signed, `wrong_origin` is another log's, `bad_proof` and `bad_tile` do not
 * lead to the root, `unavailable` had no answer, `conflict` contradicts what was said before.
 */
export type TlogErrorCode = 'malformed' | 'too_large' | 'out_of_range' | 'bad_signature' | 'unknown_key' | 'wrong_origin' | 'bad_proof' | 'bad_tile' | 'unavailable' | 'conflict';

/** The one error of this library. */
export class TlogError extends Error {
  override readonly name = 'TlogError';

  constructor(
    readonly code: TlogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
