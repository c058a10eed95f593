import type { Situated } from '../action/states.js';
import type { Bundle } from './bundle.js';
import type { CataloguedAction } from './catalogue.js';
import type { ActionTerms } from './context.js';
import { askedOf } from './evaluation-inputs.js';
import type { GrantSource } from './grants.js';
import { identityType } from './would-open.js';

/** The grants that a decision sees: those of whoever acts, or of the identity that an enforcement point asks about. */
export async function heldGrants(source: GrantSource | undefined, { principal, call }: Situated, action: CataloguedAction, { grants, grantUse }: Bundle): Promise<Pick<ActionTerms, 'grants'>> {
  if (!source || grants.size === 0) return {};
  const subject = action.evaluation && askedOf(call.params).subject;
  if (subject && subject.type !== identityType) return {};
  const looked = grantUse.of(action.name);
  // What no policy looks at is for the record only, so it is not worth a question to the store.
  const now = looked === 'all' || looked.length > 0;
  const held = subject ? await source.heldBy(subject.id, undefined, now) : await source.heldBy(principal.identity.id, principal.onBehalfOf, now);
  return { grants: { declared: grants, held } };
}
