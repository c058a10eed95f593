import type { KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { limits } from '../lib/limits.js';
import { localAlgorithm, localIssuer } from './local-key.js';

/** A proof passes for no token, and no token for a proof. */
const audience = 'flyball:command';
const type = 'flyball-installation+jwt';
const ttlMs = 10_000;
const proofLengthMax = 4_096;

/** What a server proves: that it has the installation's key, to whoever made the nonce, at the address that it listens on. */
export interface Challenge {
  readonly nonce: string;
  /** Scheme, host and port: who passes the proof on from elsewhere listens somewhere else. */
  readonly address: string;
}

export const isNonce = (text: string): boolean => /^[A-Za-z0-9_-]{16,128}$/.test(text);

/** A server's proof that it belongs to this installation. */
export function signProof(key: KeyObject, { nonce, address }: Challenge, nowMs: number): Promise<string> {
  return new SignJWT({ nonce, address })
    .setProtectedHeader({ alg: localAlgorithm, typ: type })
    .setIssuer(localIssuer)
    .setAudience(audience)
    .setIssuedAt(Math.floor(nowMs / 1000))
    .setExpirationTime(Math.floor((nowMs + ttlMs) / 1000))
    .sign(key);
}

/** @param key the public part of the installation's key; whatever does not prove exactly this challenge with it is no proof */
export async function isProof(proof: string, key: KeyObject, { nonce, address }: Challenge, nowMs: number): Promise<boolean> {
  if (proof.length > proofLengthMax) return false;
  try {
    const { payload } = await jwtVerify(proof, key, {
      issuer: localIssuer,
      audience,
      typ: type,
      algorithms: [localAlgorithm],
      requiredClaims: ['exp'],
      currentDate: new Date(nowMs),
      clockTolerance: limits.clockSkewMs / 1000,
    });
    return payload['nonce'] === nonce && payload['address'] === address;
  } catch {
    return false;
  }
}
