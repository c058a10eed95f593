import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { SignJWT } from 'jose';
import { randomHandle } from '../lib/ids.js';

export const localIssuer = 'flyball:local';
export const localAlgorithm = 'EdDSA';

const fileName = 'local-issuer.pem';

/** The installation's own signing key, made at first use. It signs tokens for trying things out and for the people of a small team. */
export function loadLocalKey(directory: string): KeyObject {
  const path = join(directory, fileName);
  const known = readKey(path);
  if (known) return known;
  const { privateKey } = generateKeyPairSync('ed25519');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  return privateKey;
}

function readKey(path: string): KeyObject | undefined {
  let key: KeyObject | undefined;
  let cause: unknown;
  try {
    key = createPrivateKey(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    cause = error;
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new FlyballError('config_invalid', `expected an Ed25519 private key in \`${path}\``, { cause });
  return key;
}

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
