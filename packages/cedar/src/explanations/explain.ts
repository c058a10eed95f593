import type { Environment } from '../expressions/compiled.js';
import type { Policy } from '../policies/policy.js';
import { elsewhere, type Scope } from '../policies/scope.js';
import { askedOf } from '../decisions/authorize.js';
import { EvaluationError } from '../errors.js';
import { type DecisivePart, type Truth, weigh } from '../expressions/parts.js';

/** One clause of a policy: whether it held, and the parts of it that decided so. */
export interface ExplainedClause {
  readonly kind: 'when' | 'unless';
  /** Whether the policy could go on from here: the truth of `when`, the opposite of `unless`. */
  readonly held: Truth;
  readonly because: readonly DecisivePart[];
}

export interface ExplainedPolicy {
  readonly policy: string;
  readonly effect: 'permit' | 'forbid';
  readonly result: 'satisfied' | 'unsatisfied' | 'broken' | 'elsewhere';
  /** Parts of the head that name others, where the policy is about something else. */
  readonly elsewhere: readonly (keyof Scope)[];
  /** The clauses up to the one that ended it; later ones were not asked. */
  readonly clauses: readonly ExplainedClause[];
}

/** Says of one policy which clause held or failed in a request, and what it saw. */
export function explainPolicy(policy: Policy, environment: Environment): ExplainedPolicy {
  const { id, effect, scope } = policy;
  const others = elsewhere(scope, askedOf(environment));
  if (others.length > 0) return { policy: id, effect, result: 'elsewhere', elsewhere: others, clauses: [] };
  const clauses: ExplainedClause[] = [];
  for (const [index, part] of policy.parts.entries()) {
    const when = policy.clauses[index]?.when ?? true;
    const { result, decisive } = weigh(part, environment);
    const held = typeof result === 'boolean' ? result === when : result;
    clauses.push({ kind: when ? 'when' : 'unless', held, because: decisive });
    if (held !== true) return { policy: id, effect, result: held instanceof EvaluationError ? 'broken' : 'unsatisfied', elsewhere: others, clauses };
  }
  return { policy: id, effect, result: 'satisfied', elsewhere: others, clauses };
}
