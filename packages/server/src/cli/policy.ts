import { loadBundle } from '../policy/index.js';

/** Checks a bundle. Throws `bundle_invalid` with every fault. */
export function check(directory: string, out: (line: string) => void): void {
  const bundle = loadBundle(directory);
  bundle.warnings.forEach((warning) => out(`warning: ${warning}`));
  out(`${bundle.rules.size} policies${bundle.rego ? ' and compiled Rego' : ''}, ${bundle.catalogue.actions.length} actions, ${bundle.identities.length} identities, ${bundle.people.size} people: the bundle is valid`);
  out(bundle.digest);
}
