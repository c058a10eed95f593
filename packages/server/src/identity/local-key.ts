import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { findKey, readOrMakeKey } from '../lib/ed25519-key.js';
import { randomHandle } from '../lib/ids.js';

export const localIssuer = 'flyball:local';
export const localAlgorithm = 'EdDSA';
/** Whom tokens are for with which people ask the administrators' API. */
export const administratorsAudience = 'flyball:administrators';
/** Who the command line is where no person is named. */
export const operatorName = 'operator';

const fileName = 'local-issuer.pem';

/** The installation's own signing key, made at first use. It signs tokens for trying things out and for the people of a small team. */
export const loadLocalKey = (directory: string): KeyObject => readOrMakeKey(join(directory, fileName));

/** The same key, where it was made already. */
export const findLocalKey = (directory: string): KeyObject | undefined => findKey(join(directory, fileName));

export const publicPart = (key: KeyObject): KeyObject => createPublicKey(key);

export interface LocalToken {
  readonly subject: string;
  readonly audience: string;
  readonly nowMs: number;
  readonly ttlMs: number;
  readonly onBehalfOf?: string;
}

/** A short-lived token for an identity, or, on its behalf of somebody, with the identity as actor (RFC 8693, section 4.1). */
export function signLocalToken(key: KeyObject, { subject, audience, nowMs, ttlMs, onBehalfOf }: LocalToken): Promise<string> {
  const claims = onBehalfOf === undefined ? {} : { act: { sub: subject } };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: localAlgorithm, typ: 'JWT' })
    .setIssuer(localIssuer)
    .setSubject(onBehalfOf ?? subject)
    .setAudience(audience)
    .setIssuedAt(Math.floor(nowMs / 1000))
    .setExpirationTime(Math.floor((nowMs + ttlMs) / 1000))
    .setJti(randomHandle())
    .sign(key);
}
