import type { Identity, JsonObject } from '@flyball/protocol';
import type { Bundle } from '../bundle.js';
import { principalJson } from '../context.js';
import { askedBy, isEvaluation } from '../evaluation-request.js';
import type { Asked } from './read-decisions.js';
import { isSame } from './same.js';

const byId = new WeakMap<Bundle, ReadonlyMap<string, Identity>>();

/**
 * The identity as the candidate registers it: its groups and attributes come from the bundle. Nothing where the
 * candidate would not let it in. One that no bundle registers stays as it was recorded.
 */
export function principalUnder({ inputs, bundle, nowMs }: Asked, candidate: Bundle): JsonObject | undefined {
  const id = String(askedBy(inputs));
  const [then, now] = [identityOf(bundle, id), identityOf(candidate, id)];
  if (!then && !now) return inputs.principal;
  if (!now || now.status !== 'active' || (now.expiresAtMs !== undefined && now.expiresAtMs <= nowMs)) return undefined;
  // Whom an enforcement point asks about is in the request.
  if (isEvaluation(inputs)) return inputs.principal;
  const principal = principalJson(now);
  return isSame(principal, inputs.principal) ? inputs.principal : principal;
}

function identityOf(bundle: Bundle, id: string): Identity | undefined {
  const known = byId.get(bundle) ?? new Map(bundle.identities.map((identity) => [identity.id, identity]));
  byId.set(bundle, known);
  return known.get(id);
}
