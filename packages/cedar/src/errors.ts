/** What is handed in is not Cedar: a malformed policy, entity, context or value. Nothing was evaluated. */
export class CedarError extends Error {
  override readonly name = 'CedarError';
}

export type EvaluationErrorKind = 'attribute' | 'tag' | 'entity' | 'type' | 'overflow' | 'extension';

/**
 * Why a policy could not be evaluated. Not an `Error`: it is thrown on the way of every decision whose
 * policies miss an attribute, and a stack trace would cost more than the decision.
 */
export class EvaluationError {
  /** @param path what was missing, as the policy writes it: `context.facts.open`; only where the kind is a missing attribute, tag or entity */
  constructor(
    readonly kind: EvaluationErrorKind,
    readonly message: string,
    readonly path?: string,
  ) {}
}

export const typeError = (expected: string, got: string): EvaluationError => new EvaluationError('type', `type error: expected ${expected}, got ${got}`);

export const overflow = (operation: string): EvaluationError => new EvaluationError('overflow', `integer overflow while attempting to ${operation}`);

export const extensionError = (name: string, message: string): EvaluationError => new EvaluationError('extension', `error while evaluating \`${name}\` extension function: ${message}`);
