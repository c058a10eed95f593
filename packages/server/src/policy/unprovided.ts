import type { Bundle } from './bundle.js';

/** Who is configured to answer. */
export interface Provided {
  readonly facts: ReadonlySet<string>;
  readonly evidenceSources: ReadonlySet<string>;
}

/** What a bundle asks for and nobody is configured to supply, and the other way round; each a sentence. */
export function unprovided(bundle: Bundle, { facts, evidenceSources }: Provided): readonly string[] {
  const asked = new Map<string, string>();
  for (const [policy, needed] of bundle.factUse.byPolicy) {
    const source = bundle.sources.get(policy);
    for (const name of needed === 'all' ? bundle.facts : needed) if (!facts.has(name) && !asked.has(name)) asked.set(name, source ? `${source.file}:${source.line}` : policy);
  }
  return [
    ...[...asked].sort().map(([name, place]) => `${place}: no provider is configured for the fact \`${name}\`, so it is always missing (\`facts.${name}\` in flyball.yaml)`),
    ...[...facts].filter((name) => !bundle.facts.has(name)).map((name) => `catalogue.yaml: the fact \`${name}\` is configured and not declared, so nobody asks for it`),
    ...[...bundle.evidence].flatMap(([kind, { check }]) => (check && !evidenceSources.has(check.source) ? [`evidence.yaml: no source \`${check.source}\` is configured to confirm \`${kind}\`, so none of it is accepted (\`evidence_sources.${check.source}\` in flyball.yaml)`] : [])),
  ];
}
