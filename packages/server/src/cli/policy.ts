import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import type { Config } from '../config.js';
import { formatPolicies, loadBundle, readBundleFiles } from '../policy/index.js';
import { unprovidedBy } from '../wiring/facts.js';

/** Checks a bundle, and what it needs of a configuration if there is one. Throws `bundle_invalid` with every fault. */
export function check(directory: string, out: (line: string) => void, config?: Config): void {
  const bundle = loadBundle(directory);
  [...bundle.warnings, ...(config ? unprovidedBy(config)(bundle) : [])].forEach((warning) => out(`warning: ${warning}`));
  out(`${bundle.rules.size} policies${bundle.rego ? ' and compiled Rego' : ''}, ${bundle.catalogue.actions.length} actions, ${bundle.identities.length} identities, ${bundle.people.size} people: the bundle is valid`);
  out(bundle.digest);
}

/** Formats a bundle's Cedar files, all or none of them. With `checkOnly` nothing is written, and what is not formatted is a fault. */
export function format(directory: string, checkOnly: boolean, out: (line: string) => void): void {
  const files = Object.entries(readBundleFiles(directory)).filter(([file]) => file.startsWith('policies/'));
  const formatted = files.map(([file, text]) => ({ file, text, wanted: formatPolicies(file, text) }));
  for (const { file } of formatted.filter(({ wanted }) => wanted === undefined)) out(`${file}: has temporal clauses and is left as it is`);
  const changed = formatted.filter(({ text, wanted }) => wanted !== undefined && wanted !== text);
  if (checkOnly && changed.length > 0) throw new FlyballError('bundle_invalid', ['expected formatted policies; `flyball policy format` formats them', ...changed.map(({ file }) => file)].join('\n'));
  for (const { file, wanted } of changed) writeFileSync(join(directory, file), wanted ?? '');
  out(changed.length === 0 ? 'nothing to format' : `formatted ${changed.map(({ file }) => file).join(', ')}`);
}
