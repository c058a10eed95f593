import type { Bundle } from './bundle.js';

const known = new WeakMap<Bundle, boolean>();

/** Whether a decision under this bundle could be to wait, as far as the bundle says: Rego says it only when it is asked. */
export function couldWait(bundle: Bundle): boolean {
  const could = known.get(bundle) ?? (bundle.rego !== undefined || bundle.facts.size > 0 || [...bundle.rules.values()].some(({ outcome, shadow }) => outcome !== 'deny' && !shadow));
  known.set(bundle, could);
  return could;
}
