import { createHmac } from 'node:crypto';
import { exportSPKI, importJWK, type CryptoKey } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { audience, base64url, FakeClock, goodClaims, issuerName, issuerOf, nowSeconds, refusal, type Signer, signer } from '../../../../test/support/identity-kit.js';
import { type Issuer, trustDomainOf, verifyToken } from './tokens.js';

const clock = new FakeClock();
let ec: Signer;
let rsa: Signer;
let issuer: Issuer & { readonly fetches: () => number };

beforeAll(async () => {
  [ec, rsa] = await Promise.all([signer('ec-1'), signer('rsa-1', 'RS256')]);
  issuer = issuerOf([ec.jwk, rsa.jwk], clock);
});

const verify = (token: string, issuers: readonly Issuer[] = [issuer], at: FakeClock = clock) => verifyToken(token, issuers, at);
const forged = (header: unknown, claims: unknown = goodClaims, signature = '') => `${base64url(header)}.${base64url(claims)}.${signature}`;

test('story: a token signed by the configured issuer is verified, and nothing but its claims is believed', async () => {
  for (const one of [ec, rsa]) {
    const verified = await verify(await one.sign({ client_id: 'app' }));
    expect(verified).toMatchObject({ subject: 'svc', expiresAtMs: (nowSeconds + 300) * 1000, claims: { client_id: 'app' } });
  }
});

describe('algorithms', () => {
  const none = ['none', 'None', 'NONE', 'nOnE', ' none', 'none ', 'no\u017Fne', '', 'null'];
  test.each(none)('abuse 1: `alg` %j is refused, with and without a signature', async (alg) => {
    expect(await refusal(verify(forged({ alg, kid: ec.kid })))).toMatch(/^unauthenticated: token refused: (algorithm|malformed)/);
    expect(await refusal(verify(forged({ alg, kid: ec.kid }, goodClaims, base64url('x'))))).toMatch(/^unauthenticated/);
  });

  test.each(['es256', 'Es256', 'ES256 ', ' ES256', 'rs256', 'RS256\u0000', 'ES257', 'HS256', 'HS512', 'A128KW', 'dir', 'constructor', '__proto__', 'toString'])('abuse 1: `alg` %j is not one that was configured, so no key is looked up', async (alg) => {
    const [, claims, signature] = (await ec.sign()).split('.');
    const own = issuerOf([ec.jwk, rsa.jwk], clock);
    expect(await refusal(verify(`${base64url({ alg, kid: ec.kid })}.${claims ?? ''}.${signature ?? ''}`, [own]))).toMatch(/^unauthenticated: token refused: (algorithm|malformed)/);
    expect(own.fetches()).toBe(0);
  });

  test.each([undefined, null, 1, ['ES256'], { alg: 'ES256' }, true])('abuse 1: `alg` %j in the header is refused', async (alg) => {
    const [, claims, signature] = (await ec.sign()).split('.');
    expect(await refusal(verify(`${base64url({ alg, kid: ec.kid })}.${claims ?? ''}.${signature ?? ''}`))).toMatch(/^unauthenticated/);
  });

  test('abuse 1: a public RSA key is no shared secret, even where the operator allowed HS256', async () => {
    const spki = await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as CryptoKey);
    for (const secret of [spki, spki.trim(), JSON.stringify(rsa.jwk)]) {
      const signed = `${base64url({ alg: 'HS256', kid: rsa.kid })}.${base64url(goodClaims)}`;
      const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
      expect(await refusal(verify(token))).toMatch(/^unauthenticated: token refused: algorithm/);
      expect(await refusal(verify(token, [{ ...issuer, algorithms: ['HS256', 'RS256'] }]))).toMatch(/^unauthenticated/);
    }
  });

  test('abuse 1: a symmetric key in the key set verifies nothing', async () => {
    const secret = Buffer.from('0123456789abcdef0123456789abcdef');
    const own = issuerOf([{ kty: 'oct', k: secret.toString('base64url'), kid: 'shared' }], clock, { algorithms: ['HS256', 'ES256'] });
    const signed = `${base64url({ alg: 'HS256', kid: 'shared' })}.${base64url(goodClaims)}`;
    const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    expect(await refusal(verify(token, [own]))).toMatch(/^unauthenticated: token refused: key/);
  });

  test('abuse 2: a key without `alg` serves only the configured algorithms of its own type', async () => {
    const ps = await signer('rsa-1', 'PS256');
    const onlyRs = issuerOf([ps.jwk], clock, { algorithms: ['RS256'] });
    expect(ps.jwk.alg).toBeUndefined();
    expect(await refusal(verify(await ps.sign(), [onlyRs]))).toMatch(/^unauthenticated: token refused: algorithm/);
    expect(await refusal(verify(await ps.sign(), [issuerOf([ps.jwk], clock, { algorithms: ['PS256'] })]))).toBe('accepted');
    const [, claims, signature] = (await ec.sign({}, { kid: 'rsa-1' })).split('.');
    expect(await refusal(verify(`${base64url({ alg: 'ES256', kid: 'rsa-1' })}.${claims ?? ''}.${signature ?? ''}`))).toMatch(/token refused: key/);
  });

  test('abuse 2: a key that names its algorithm or another use serves no other', async () => {
    for (const over of [{ alg: 'RS512' }, { use: 'enc' }, { use: 'jwt-svid' }]) {
      expect(await refusal(verify(await rsa.sign(), [issuerOf([{ ...rsa.jwk, ...over }], clock)]))).toMatch(/token refused: key/);
    }
  });
});

describe('what a token may not say', () => {
  test.each(['../../etc/passwd', '/dev/null', "' OR 1=1 --", 'http://127.0.0.1:1/key', 'ec-1\u0000', 'EC-1', 'ec-1 ', '__proto__', 'constructor', '', 'x'.repeat(8_000)])('abuse 3: `kid` %j finds no key and causes no more than the one look at the key set', async (kid) => {
    const own = issuerOf([ec.jwk, rsa.jwk], clock);
    expect(await refusal(verify(await ec.sign({}, { kid }), [own]))).toMatch(/^unauthenticated: token refused: key/);
    expect(own.fetches()).toBeLessThanOrEqual(1);
  });

  test.each([1, null, {}, ['ec-1'], true])('abuse 3: `kid` %j, which is no text, finds no key', async (kid) => {
    const [, claims, signature] = (await ec.sign()).split('.');
    expect(await refusal(verify(`${base64url({ alg: 'ES256', kid })}.${claims ?? ''}.${signature ?? ''}`))).toMatch(/^unauthenticated/);
  });

  test('abuse 4: a key inside or behind the token is never used', async () => {
    const attacker = await signer('ec-1');
    for (const header of [{ jwk: attacker.jwk }, { jku: 'http://127.0.0.1:1/jwks' }, { x5u: 'http://127.0.0.1:1/cert' }, { x5c: ['AAAA'] }, { jwk: attacker.jwk, kid: 'mine' }]) {
      expect(await refusal(verify(await attacker.sign({}, header)))).toMatch(/^unauthenticated: token refused: (signature|key)/);
      const harmless = await refusal(verify(await ec.sign({}, header)));
      if (!('kid' in header)) expect(harmless).toBe('accepted');
    }
  });

  test('attack: a critical header that nobody here understands refuses the token', async () => {
    const [, claims, signature] = (await ec.sign()).split('.');
    const token = `${base64url({ alg: 'ES256', kid: 'ec-1', crit: ['exp2'], exp2: 1 })}.${claims ?? ''}.${signature ?? ''}`;
    expect(await refusal(verify(token))).toMatch(/^unauthenticated/);
    await expect(ec.sign({}, { b64: false, crit: ['b64'] }).then((unencoded) => verify(unencoded))).rejects.toThrow();
  });

  test.each(['', '.', '..', 'a.b', 'a.b.c', 'a.b.c.d.e', '{}', `${'x'.repeat(17_000)}`, 'eyJhbGciOiJFUzI1NiJ9..', '🦊.🦊.🦊'])('attack: %j is no token', async (token) => {
    expect(await refusal(verify(token))).toMatch(/^unauthenticated: token refused: malformed/);
  });

  test('attack: every changed byte of a signature, and a claim of another token, is refused', async () => {
    const [header, claims, signature] = (await ec.sign()).split('.');
    const bytes = Buffer.from(signature ?? '', 'base64url');
    for (let i = 0; i < bytes.length; i += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(bytes.readUInt8(i) ^ 1, i);
      expect(await refusal(verify(`${header ?? ''}.${claims ?? ''}.${changed.toString('base64url')}`))).toMatch(/token refused: signature/);
    }
    expect(await refusal(verify(`${header ?? ''}.${base64url({ ...goodClaims, sub: 'root' })}.${signature ?? ''}`))).toMatch(/token refused: signature/);
  });
});

describe('times', () => {
  const at = (offset: number) => nowSeconds + offset;
  test.each<[string, Readonly<Record<string, unknown>>, number, string]>([
    ['exp at 60 s and 1 ms after it', { exp: at(0) }, 60_001, 'expired'],
    ['exp at exactly 60 s after it', { exp: at(0) }, 60_000, 'expired'],
    ['exp 1 ms before the bound', { exp: at(0) }, 59_999, 'accepted'],
    ['exp now', { exp: at(0) }, 0, 'accepted'],
    ['exp long ago', { exp: at(-86_400) }, 0, 'expired'],
    ['exp zero', { exp: 0 }, 0, 'expired'],
    ['exp negative', { exp: -1 }, 0, 'expired'],
    ['no exp', { exp: undefined }, 0, 'malformed'],
    ['exp as text', { exp: String(at(300)) }, 0, 'claims'],
    ['exp null', { exp: null }, 0, 'claims'],
    ['nbf at exactly 60 s from now', { nbf: at(60) }, 0, 'accepted'],
    ['nbf 61 s from now', { nbf: at(61) }, 0, 'not_yet_valid'],
    ['nbf 61 s from now, 999 ms later', { nbf: at(61) }, 999, 'not_yet_valid'],
    ['nbf 61 s from now, 1 s later', { nbf: at(61) }, 1_000, 'accepted'],
    ['nbf as text', { nbf: '0' }, 0, 'not_yet_valid'],
    ['iat at exactly 60 s from now', { iat: at(60) }, 0, 'accepted'],
    ['iat 61 s from now', { iat: at(61) }, 0, 'not_yet_valid'],
    ['iat far in the future', { iat: 1e300 }, 0, 'not_yet_valid'],
    ['iat as text', { iat: 'now' }, 0, 'claims'],
    ['no iat', { iat: undefined }, 0, 'accepted'],
  ])('abuse 7: %s', async (_name, claims, laterMs, expected) => {
    const answer = await refusal(verify(await ec.sign(claims), [issuer], new FakeClock(nowSeconds * 1000 + laterMs)));
    expect(answer.startsWith('unauthenticated: token refused: ') ? answer.split(/[:(]/)[2]?.trim() : answer).toBe(expected);
  });
});

describe('whom a token is from and for', () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['our audience', { aud: audience }, 'accepted'],
    ['our audience among others', { aud: ['https://other.example', audience] }, 'accepted'],
    ['another audience', { aud: 'https://other.example' }, 'audience'],
    ['a longer audience', { aud: `${audience}/` }, 'audience'],
    ['an audience in other letters', { aud: audience.toUpperCase() }, 'audience'],
    ['only others', { aud: ['https://a.example', 'https://b.example'] }, 'audience'],
    ['no audience', { aud: undefined }, 'audience'],
    ['an empty list', { aud: [] }, 'audience'],
    ['an object', { aud: { [audience]: true } }, 'audience'],
    ['a list in a list', { aud: [[audience]] }, 'audience'],
    ['the passed-through token of a user for the upstream', { aud: 'https://upstream.example', sub: 'alice' }, 'audience'],
    ['no subject', { sub: undefined }, 'malformed'],
    ['an empty subject', { sub: '' }, 'malformed'],
    ['a list of subjects', { sub: ['svc'] }, 'malformed'],
    ['another issuer', { iss: 'https://evil.example' }, 'issuer'],
    ['an issuer with a slash more', { iss: `${issuerName}/` }, 'issuer'],
    ['an issuer in a list', { iss: [issuerName] }, 'issuer'],
    ['no issuer', { iss: undefined }, 'issuer'],
  ])('abuse 8, abuse 10: %s', async (_name, claims, expected) => {
    const answer = await refusal(verify(await ec.sign(claims)));
    expect(answer === 'accepted' ? answer : answer.split(/[:(]/)[2]?.trim()).toBe(expected);
  });

  test('abuse 8: a foreign issuer with the same `kid` and its own good signature is not our issuer', async () => {
    const foreign = await signer('ec-1');
    const foreignIssuer = issuerOf([foreign.jwk], clock, { issuer: 'https://foreign.example', audience: 'https://elsewhere.example' });
    const both = [issuer, foreignIssuer];
    expect(await refusal(verify(await foreign.sign(), both))).toMatch(/token refused: signature/);
    expect(await refusal(verify(await foreign.sign({ iss: 'https://foreign.example' }), both))).toMatch(/token refused: audience/);
    expect(await refusal(verify(await ec.sign({ iss: 'https://foreign.example', aud: 'https://elsewhere.example' }), both))).toMatch(/token refused: signature/);
  });

  test('attack: what was wrong in detail goes into the record, not to the stranger', async () => {
    const error = await verify(await ec.sign({ iss: 'https://evil.example/secret-path' })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unauthenticated', message: 'token refused: issuer', detail: expect.stringContaining('secret-path') as string });
  });
});

test.each<[string, string | undefined]>([
  ['spiffe://prod.example/agent', 'prod.example'],
  ['spiffe://prod.example/a/b.c/d_e-F', 'prod.example'],
  ...['spiffe://prod.example', 'spiffe://prod.example/', 'spiffe://prod.example//a', 'spiffe://prod.example/a/', 'spiffe://prod.example/a/../b', 'spiffe://prod.example/./a', 'spiffe://prod.example/%61', 'spiffe://Prod.example/a', 'SPIFFE://prod.example/a', 'spiffe://prod.example:443/a', 'spiffe://u@prod.example/a', 'spiffe://prod.example/a?q', 'spiffe://prod.example/a#f', 'spiffe://prod.example/ä', 'spiffe://prod.exampl\u0435/a', 'spiffe://prod.example/a\n', ' spiffe://prod.example/a', 'spiffe:///a', `spiffe://prod.example/${'a'.repeat(2_048)}`].map((id): [string, undefined] => [id, undefined]),
])('abuse 13: the trust domain of %j', (id, expected) => {
  expect(trustDomainOf(id)).toBe(expected);
});
