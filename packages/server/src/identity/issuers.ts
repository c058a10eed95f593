import { readFile } from 'node:fs/promises';
import type { KeyObject } from 'node:crypto';
import { FlyballError, isObject } from '@flyball/protocol';
import type { CryptoKey } from 'jose';
import type { Clock } from '../lib/clock.js';
import { limits } from '../lib/limits.js';
import { fetchJson } from '../lib/safe-fetch.js';
import { KeySet, keySuits } from './keys.js';
import { localAlgorithm, localIssuer } from './local-key.js';
import { type Issuer } from './tokens.js';

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly jwksUrl?: string | undefined;
  readonly allowPrivate: boolean;
}

export interface SpiffeSettings {
  readonly trustDomain: string;
  readonly audience: string;
  readonly bundleFile?: string | undefined;
  readonly bundleUrl?: string | undefined;
  readonly allowPrivate: boolean;
}

const timeoutMs = 5_000;
const bounds = (allowPrivate: boolean) => ({ bytesMax: limits.jwksBytesMax, timeoutMs, allowPrivate });

/** An OpenID provider: its keys come from `jwks_url` or, without it, from its discovery document. */
export function oidcIssuer(settings: OidcSettings, clock: Clock): Issuer {
  const fetchKeys = async () => {
    if (settings.jwksUrl !== undefined) return fetchJson(settings.jwksUrl, bounds(settings.allowPrivate));
    const found = await discoverKeys(settings);
    // The configuration vouches for the issuer's own address, not for where its document points.
    const allowPrivate = settings.allowPrivate && new URL(found).origin === new URL(settings.issuer).origin;
    return fetchJson(found, bounds(allowPrivate));
  };
  const keys = new KeySet(fetchKeys, clock, (key, alg) => keySuits(key, alg, 'sig'));
  return { kind: 'oidc', issuer: settings.issuer, audience: settings.audience, algorithms: settings.algorithms, keys };
}

/** OpenID Connect Discovery 1.0, section 4: the document must name the issuer that was asked for. */
async function discoverKeys({ issuer, allowPrivate }: OidcSettings): Promise<string> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, bounds(allowPrivate));
  if (!isObject(document) || document['issuer'] !== issuer || typeof document['jwks_uri'] !== 'string') {
    throw new FlyballError('identity_refused', `expected a discovery document of \`${issuer}\` with \`jwks_uri\``);
  }
  return document['jwks_uri'];
}

/** A SPIFFE trust domain: its bundle is a JWK set whose keys for JWT-SVIDs have `use: jwt-svid`. */
export function spiffeIssuer(settings: SpiffeSettings, clock: Clock): Issuer {
  const { bundleFile, bundleUrl } = settings;
  const fetchKeys = async () => (bundleFile !== undefined ? (JSON.parse(await readFile(bundleFile, 'utf8')) as unknown) : fetchJson(bundleUrl ?? '', bounds(settings.allowPrivate)));
  const keys = new KeySet(fetchKeys, clock, (key, alg) => key.use === 'jwt-svid' && keySuits(key, alg, 'jwt-svid'));
  // JWT-SVID, section 2.1: these algorithms and no other.
  const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];
  return { kind: 'spiffe', trustDomain: settings.trustDomain, audience: settings.audience, algorithms, keys };
}

/** The installation's own key; accepted only where the configuration says so. */
export function localKeyIssuer(publicKey: KeyObject, audience: string): Issuer {
  return { kind: 'local', issuer: localIssuer, audience, algorithms: [localAlgorithm], keys: { find: () => Promise.resolve(publicKey as unknown as CryptoKey) } };
}
