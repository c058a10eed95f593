import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import { decodeJwt, errors, jwtVerify, type JWTVerifyOptions } from 'jose';
import type { Clock } from '../lib/clock.js';
import { limits } from '../lib/limits.js';
import type { KeySource } from './keys.js';

/** One issuer whose tokens are accepted. */
export interface Issuer {
  readonly kind: 'oidc' | 'spiffe' | 'local';
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly keys: KeySource;
  /** `iss` of its tokens; SPIFFE tokens need none, they are known by the trust domain of their subject. */
  readonly issuer?: string;
  readonly trustDomain?: string;
}

export interface VerifiedToken {
  readonly issuer: Issuer;
  readonly claims: JsonObject;
  readonly subject: string;
  readonly expiresAtMs: number;
}

/**
 * Verifies a token against the issuers that were configured: signature by a pinned algorithm, audience,
 * issuer and times (RFC 7519, RFC 8725; SPIFFE JWT-SVID, section 4 and 5). Key references inside the token
 * (`jwk`, `jku`, `x5u`) are never followed. Throws `unauthenticated`; the message names the kind of fault only.
 */
export async function verifyToken(token: string, issuers: readonly Issuer[], clock: Clock): Promise<VerifiedToken> {
  if (token.length > limits.tokenBytesMax) throw refused('malformed', 'too long');
  const issuer = issuerOf(token, issuers);
  const { payload } = await verifySignature(token, issuer, clock);
  if (typeof payload.exp !== 'number' || typeof payload.sub !== 'string' || payload.sub === '' || payload.sub.length > limits.subjectMax) throw refused('malformed', `expected \`exp\`, and \`sub\` of at most ${limits.subjectMax} characters`);
  return { issuer, claims: payload as JsonObject, subject: payload.sub, expiresAtMs: payload.exp * 1000 };
}

/** Which issuer the token says it is from. Nothing is believed yet: this only picks the keys to check it with. */
function issuerOf(token: string, issuers: readonly Issuer[]): Issuer {
  let claims: unknown;
  try {
    claims = decodeJwt(token);
  } catch (cause) {
    throw refused('malformed', 'expected a JWT', cause);
  }
  const { iss, sub } = isObject(claims) ? claims : {};
  const found = issuers.find((issuer) =>
    issuer.kind === 'spiffe' ? typeof sub === 'string' && trustDomainOf(sub) === issuer.trustDomain : typeof iss === 'string' && iss === issuer.issuer,
  );
  if (!found) throw refused('issuer', `no issuer is configured for \`${String(iss ?? sub).slice(0, 128)}\``);
  return found;
}

async function verifySignature(token: string, issuer: Issuer, clock: Clock) {
  const options: JWTVerifyOptions = {
    audience: issuer.audience,
    algorithms: [...issuer.algorithms],
    currentDate: new Date(clock.now()),
    clockTolerance: limits.clockSkewMs / 1000,
    ...(issuer.issuer !== undefined && issuer.kind !== 'spiffe' && { issuer: issuer.issuer }),
  };
  try {
    const verified = await jwtVerify(token, (header) => issuer.keys.find(header.kid, header.alg), options);
    verifyType(verified.protectedHeader.typ, issuer);
    const issuedAt = verified.payload.iat;
    if (issuedAt !== undefined && issuedAt * 1000 > clock.now() + limits.clockSkewMs) throw refused('not_yet_valid', '`iat` is in the future');
    return verified;
  } catch (thrown) {
    throw thrown instanceof FlyballError ? thrown : refused(kindOf(thrown), thrown instanceof Error ? thrown.message : 'unknown', thrown);
  }
}

/** Tokens that were made to say something else are none of these (JWT-SVID, section 2.3; RFC 8725, section 3.11). */
function verifyType(type: string | undefined, { kind }: Issuer): void {
  const name = (type ?? 'jwt').toLowerCase().replace(/^application\//, '');
  const known = kind === 'spiffe' ? ['jwt', 'jose'] : ['jwt', 'at+jwt'];
  if (!known.includes(name)) throw refused('malformed', `the type \`${name.slice(0, 32)}\` is not that of an access token`);
}

function kindOf(thrown: unknown): string {
  if (thrown instanceof errors.JWTExpired) return 'expired';
  if (thrown instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (thrown instanceof errors.JWTClaimValidationFailed) return { aud: 'audience', iss: 'issuer', nbf: 'not_yet_valid' }[thrown.claim] ?? 'claims';
  return 'malformed';
}

const spiffePattern = /^spiffe:\/\/([a-z0-9._-]{1,255})(?:\/[a-zA-Z0-9._-]+)+$/;

/** Trust domain of a SPIFFE id (SPIFFE-ID, section 2); `undefined` when the text is not one. */
export function trustDomainOf(id: string): string | undefined {
  const match = id.length <= 2048 ? spiffePattern.exec(id) : null;
  const dots = id.split('/').some((segment) => segment === '.' || segment === '..');
  return dots ? undefined : match?.[1];
}

function refused(kind: string, detail: string, cause?: unknown): FlyballError {
  return new FlyballError('unauthenticated', `token refused: ${kind}`, { detail, cause });
}
