// Signed values as the profile sends them: read, taken apart, tampered with, and forged with keys that nobody trusts.
import { createLocalJWKSet, compactVerify, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';

export const isJws = (value) => typeof value === 'string' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value) && readable(value);

function readable(value) {
  try {
    decodeProtectedHeader(value);
    decodeJwt(value);
    return true;
  } catch {
    return false;
  }
}

export const claimsOf = (jws) => decodeJwt(jws);
export const headerOf = (jws) => decodeProtectedHeader(jws);

/** True when one of the published keys made the signature. */
export const isSignedBy = (jws, jwks) => compactVerify(jws, createLocalJWKSet(jwks)).then(() => true, () => false);

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Ways to give a signed value other contents; each has to be refused. */
export async function forgeries(jws, change = {}) {
  const [head, , signature] = jws.split('.');
  const claims = { ...claimsOf(jws), ...change };
  const header = headerOf(jws);
  const { privateKey } = await generateKeyPair(header.alg === 'ES256' ? 'ES256' : 'Ed25519', { extractable: true });
  const foreign = (more) => new SignJWT(claims).setProtectedHeader({ ...header, ...more }).sign(privateKey);
  const jwk = await exportJWK(privateKey).then(({ d: _private, ...open }) => open);
  return {
    'with changed claims': `${head}.${part({ ...claims, forged: true })}.${signature}`,
    'with the signature cut off': `${head}.${part(claims)}.`,
    'without an algorithm': `${part({ ...header, alg: 'none' })}.${part(claims)}.`,
    'signed with a stranger\'s key': await foreign({}),
    'signed with a key that it brings along': await foreign({ jwk }),
  };
}
