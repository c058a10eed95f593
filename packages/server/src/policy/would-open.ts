import type { DecisionInputs } from '../action/states.js';
import type { Bundle } from './bundle.js';
import { evaluate } from './evaluate.js';
import { isEvaluation } from './evaluation-request.js';

/** The type by which an enforcement point names one of our identities; of nobody else there are grants. */
export const identityType = 'identity';

/**
 * Grants that an identity does not hold, any one of which would have kept an attempt from being denied: each is tried on
 * the recorded inputs. What a running OPA would say then is not known, so it is not asked.
 */
export function grantsThatWouldOpen(inputs: DecisionInputs, bundle: Bundle): readonly string[] {
  const { grants, grantUse } = bundle;
  if (isEvaluation(inputs) && inputs.principal['type'] !== identityType) return [];
  const held = Array.isArray(inputs.context['grants']) ? (inputs.context['grants'] as readonly string[]) : [];
  const looked = grantUse.of(inputs.action);
  const names = looked === 'all' ? [...grants.keys()] : looked;
  return names.filter((name) => grants.has(name) && !held.includes(name) && evaluate({ ...inputs, context: { ...inputs.context, grants: [...held, name].sort() } }, bundle).outcome !== 'deny');
}
