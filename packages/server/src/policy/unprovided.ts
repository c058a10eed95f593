import type { Bundle } from './bundle.js';

/** Who is configured to answer. */
export interface Provided {
  readonly facts: ReadonlySet<string>;
  readonly evidenceSources: ReadonlySet<string>;
  /** People sign in with a browser, and can have passkeys. */
  readonly signIn: boolean;
}

/** What a bundle asks for and nobody is configured to supply, and the other way round; each a sentence. */
export function unprovided(bundle: Bundle, { facts, evidenceSources, signIn }: Provided): readonly string[] {
  const asked = new Map<string, string>();
  const placeOf = (policy: string) => {
    const source = bundle.sources.get(policy);
    return source ? `${source.file}:${source.line}` : policy;
  };
  for (const [policy, needed] of bundle.factUse.byPolicy) {
    for (const name of needed === 'all' ? bundle.facts : needed) if (!facts.has(name) && !asked.has(name)) asked.set(name, placeOf(policy));
  }
  return [
    ...[...asked].sort().map(([name, place]) => `${place}: no provider is configured for the fact \`${name}\`, so it is always missing (\`facts.${name}\` in flyball.yaml)`),
    ...[...facts].filter((name) => !bundle.facts.has(name)).map((name) => `catalogue.yaml: the fact \`${name}\` is configured and not declared, so nobody asks for it`),
    ...[...bundle.rules].flatMap(([policy, { signed }]) => (signed && !signIn ? [`${placeOf(policy)}: the policy \`${policy}\` asks for a passkey (\`@signature("webauthn")\`), and nobody can sign in, so nobody can ever agree (\`sign_in\` in flyball.yaml)`] : [])),
    ...[...bundle.evidence].flatMap(([kind, { check }]) => (check && !evidenceSources.has(check.source) ? [`evidence.yaml: no source \`${check.source}\` is configured to confirm \`${kind}\`, so none of it is accepted (\`evidence_sources.${check.source}\` in flyball.yaml)`] : [])),
  ];
}
