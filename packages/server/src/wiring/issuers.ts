import { join } from 'node:path';
import { type Config, resourceOf } from '../config.js';
import { type Issuer, loadLocalKey, localKeyIssuer, oidcIssuer, publicPart, spiffeIssuer } from '../identity/index.js';
import type { StoreClock } from '../lib/clock.js';

/** Whose tokens machines may show. */
export function issuersOf(config: Config, clock: StoreClock): readonly Issuer[] {
  const { local, oidc, spiffe } = config.identity;
  return [
    ...(local ? [localKeyIssuer(publicPart(loadLocalKey(config.data)), resourceOf(config))] : []),
    ...oidc.map((settings) => oidcIssuer({ ...settings, jwksUrl: settings.jwks_url, allowPrivate: settings.allow_private_address }, clock)),
    ...spiffe.map((settings) => spiffeIssuer({ trustDomain: settings.trust_domain, audience: settings.audience, bundleFile: settings.bundle_file && join(config.directory, settings.bundle_file), bundleUrl: settings.bundle_url, allowPrivate: settings.allow_private_address }, clock)),
  ];
}
