import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import * as oidc from 'openid-client';
import type { Clock } from '../../lib/clock.js';
import { guardedFetch } from '../../lib/guarded-fetch.js';
import { limits } from '../../lib/limits.js';
import type { Secret } from '../../lib/secret.js';
import { faultOf, isUnreachable } from './provider-fault.js';

export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** None for a public client: PKCE is used either way. */
  readonly clientSecret: Secret | undefined;
  readonly redirect: string;
  readonly scopes: readonly string[];
  /** The one algorithm of its ID tokens. */
  readonly algorithm: string;
  readonly allowPrivate: boolean;
}

/** What the answer of the provider has to fit; kept on this side until it comes. */
export interface Expected {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The person has to prove who they are anew, this many seconds ago at most. */
  readonly maxAgeSeconds?: number;
}

/** What the provider said of a person, verified. */
export interface Proven {
  readonly issuer: string;
  readonly subject: string;
  readonly claims: JsonObject;
  /** When they last proved who they are, in milliseconds since 1970, if the provider was asked for that. */
  readonly authenticatedAtMs: number | undefined;
}

const documentMs = 10 * 60_000;
const timeoutMs = 5_000;

/** An OpenID provider at which people sign in: authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636). */
export class Provider {
  #known: { readonly configuration: oidc.Configuration; readonly atMs: number } | undefined;
  #asking: Promise<oidc.Configuration> | undefined;

  constructor(
    private readonly settings: ProviderSettings,
    private readonly clock: Clock,
    /** Told why it cannot be asked, as often as that happens. */
    private readonly trouble: (fault: string) => void = () => undefined,
  ) {}

  /** Where to send a person's browser, and what its answer will have to fit. */
  async begin(maxAgeSeconds?: number): Promise<{ readonly url: string; readonly expected: Expected }> {
    const configuration = await this.#configuration();
    const expected: Expected = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier(), ...(maxAgeSeconds !== undefined && { maxAgeSeconds }) };
    const parameters = {
      redirect_uri: this.settings.redirect,
      scope: this.settings.scopes.join(' '),
      state: expected.state,
      nonce: expected.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(expected.verifier),
      code_challenge_method: 'S256',
      ...(maxAgeSeconds !== undefined && { max_age: String(maxAgeSeconds), prompt: 'login' }),
    };
    return { url: this.#address(configuration, parameters), expected };
  }

  /** A browser goes nowhere but to https, or to the address that the configuration vouches for. */
  #address(configuration: oidc.Configuration, parameters: Readonly<Record<string, string>>): string {
    try {
      const url = oidc.buildAuthorizationUrl(configuration, parameters);
      if (url.protocol === 'https:' || url.origin === new URL(this.settings.issuer).origin) return url.href;
    } catch (cause) {
      throw refused('its document names no place to sign in', cause);
    }
    throw refused('its document sends people to an address without https');
  }

  /** Redeems what the provider gave the browser. Throws `unauthenticated`; nothing of the answer is in the message. */
  async finish(query: string, { state, nonce, verifier, maxAgeSeconds }: Expected): Promise<Proven> {
    const configuration = await this.#configuration();
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true, ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }) };
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(`${this.settings.redirect}?${query}`), checks).catch((cause: unknown) => {
      if (isUnreachable(faultOf(cause))) throw this.#unreachable(cause);
      throw refused(kindOf(cause), cause);
    });
    const claims: unknown = tokens.claims();
    if (!isObject(claims) || typeof claims['sub'] !== 'string' || claims['sub'].length > limits.subjectMax) throw refused('its token names nobody');
    const at = claims['auth_time'];
    return { issuer: this.settings.issuer, subject: claims['sub'], claims, authenticatedAtMs: maxAgeSeconds !== undefined && typeof at === 'number' ? at * 1000 : undefined };
  }

  async #configuration(): Promise<oidc.Configuration> {
    if (this.#known && this.clock.now() - this.#known.atMs < documentMs) return this.#known.configuration;
    this.#asking ??= this.#discover();
    try {
      const configuration = await this.#asking;
      this.#known = { configuration, atMs: this.clock.now() };
      return configuration;
    } finally {
      this.#asking = undefined;
    }
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret, algorithm, allowPrivate } = this.settings;
    const metadata = { id_token_signed_response_alg: algorithm, [oidc.clockSkew]: Math.round(this.clock.offsetMs / 1000), [oidc.clockTolerance]: limits.clockSkewMs / 1000 };
    const fetch = guardedFetch(issuer, { bytesMax: limits.jwksBytesMax, timeoutMs, allowPrivate });
    const execute = [oidc.enableNonRepudiationChecks, ...(allowPrivate ? [oidc.allowInsecureRequests] : [])];
    const authentication = clientSecret ? oidc.ClientSecretBasic(clientSecret.reveal()) : oidc.None();
    return oidc.discovery(new URL(issuer), clientId, metadata, authentication, { execute, timeout: timeoutMs / 1000, [oidc.customFetch]: fetch }).catch((cause: unknown) => {
      throw this.#unreachable(cause);
    });
  }

  #unreachable(cause: unknown): FlyballError {
    const fault = faultOf(cause);
    this.trouble(fault);
    return new FlyballError('unauthenticated', 'the place where people sign in cannot be asked now; try again', { cause, detail: fault });
  }
}

/** One word on what was wrong, from a list: what the provider or a stranger wrote is not repeated. */
function kindOf(cause: unknown): string {
  if (cause instanceof oidc.AuthorizationResponseError) return cause.error === 'access_denied' ? 'it did not let this person in' : 'it answered with an error';
  if (cause instanceof oidc.ResponseBodyError) return 'it does not take this code';
  return 'its answer does not fit what was asked';
}

const refused = (what: string, cause?: unknown) => new FlyballError('unauthenticated', `sign-in refused: ${what}; begin again`, { cause, detail: cause instanceof Error ? cause.message : what });
