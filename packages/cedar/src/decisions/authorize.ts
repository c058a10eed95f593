import { EvaluationError } from '../errors.js';
import type { Environment } from '../expressions/compiled.js';
import { attempt, type Truth } from '../expressions/parts.js';
import type { Policy } from '../policies/policy.js';
import type { PolicySet } from '../policies/policy-set.js';
import type { AskedScope } from '../policies/scope.js';

export interface PolicyError {
  readonly policy: string;
  readonly error: EvaluationError;
}

/** Cedar's answer, and what it leaves out. All lists are sorted by policy id. */
export interface Answer {
  readonly decision: 'allow' | 'deny';
  /** The policies that determine the decision: satisfied forbids, or else satisfied permits. */
  readonly reasons: readonly string[];
  readonly errors: readonly PolicyError[];
  /** Every satisfied policy, whether it determines the decision or not. */
  readonly permits: readonly string[];
  readonly forbids: readonly string[];
}

/**
 * Decides a request as Cedar does: allowed if a permit is satisfied and no forbid is; what cannot be
 * evaluated is left out and named. (docs.cedarpolicy.com, "Authorization"; cedar-spec, Authorizer.lean)
 */
export function authorize(policies: PolicySet, environment: Environment): Answer {
  const permits: string[] = [];
  const forbids: string[] = [];
  const errors: PolicyError[] = [];
  policies.visit(askedOf(environment), (policy) => {
    const satisfied = evaluate(policy, environment);
    if (satisfied instanceof EvaluationError) errors.push({ policy: policy.id, error: satisfied });
    else if (satisfied) (policy.effect === 'permit' ? permits : forbids).push(policy.id);
  });
  permits.sort();
  forbids.sort();
  errors.sort((left, right) => (left.policy < right.policy ? -1 : 1));
  return { decision: permits.length > 0 && forbids.length === 0 ? 'allow' : 'deny', reasons: forbids.length > 0 ? forbids : permits, errors, permits, forbids };
}

/** Whether a policy's conditions hold, or why that cannot be said. */
export const evaluate = (policy: Policy, environment: Environment): Truth => attempt(() => policy.isSatisfied(environment));

/** Whom a request asks for, with all that they are in. */
export function askedOf({ principal, action, resource, entities }: Environment): AskedScope {
  return {
    principal: { uid: principal, ancestors: entities.get(principal.key)?.ancestors },
    action: { uid: action, ancestors: entities.get(action.key)?.ancestors },
    resource: { uid: resource, ancestors: entities.get(resource.key)?.ancestors },
  };
}
