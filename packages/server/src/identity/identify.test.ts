import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import type { Identity } from '@flyball/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { audience, FakeClock, identity, issuerName, issuerOf, nowSeconds, received, refusal, type Signer, signer } from '../../../../test/support/identity-kit.js';
import { Identification } from './identify.js';
import { localKeyIssuer, spiffeIssuer } from './issuers.js';
import { loadLocalKey, publicPart, signLocalToken } from './local-key.js';
import { Registry } from './registry.js';
import type { Issuer } from './tokens.js';

const nowMs = nowSeconds * 1000;
let idp: Signer;
let svid: Signer;
let bundleFile: string;
beforeAll(async () => {
  [idp, svid] = await Promise.all([signer('k1'), signer('s1', 'ES256', { use: 'jwt-svid' })]);
  bundleFile = join(mkdtempSync(join(tmpdir(), 'flyball-spiffe-')), 'bundle.json');
  writeFileSync(bundleFile, JSON.stringify({ keys: [svid.jwk, { ...idp.jwk, use: 'x509-svid' }] }));
});

function house(identities: readonly Identity[], clock = new FakeClock(), issuers: readonly Issuer[] = [issuerOf([idp.jwk], clock)]) {
  const state = { identities };
  const identification = new Identification(issuers, () => new Registry(state.identities), clock);
  return { state, clock, who: (token: string | undefined) => identification.identify(received(token)) };
}

describe('standing', () => {
  test('story: a registered identity is known by the issuer and subject of its token', async () => {
    const { who } = house([identity()]);
    expect((await who(await idp.sign())).principal).toEqual({ tenant: 'main', identity: identity(), chain: [], method: 'oidc', expiresAtMs: (nowSeconds + 300) * 1000 });
  });

  test.each<[string, Partial<Identity>, string]>([
    ['suspended', { status: 'suspended' }, '`robot` is suspended'],
    ['retired', { status: 'retired' }, '`robot` is retired'],
    ['expired at this very moment', { expiresAtMs: nowMs }, '`robot` has expired'],
    ['registered for another subject', { subjects: [`${issuerName}|other`] }, `\`${issuerName}|svc\` is not registered`],
    ['registered for another issuer', { subjects: ['https://other.example|svc'] }, `\`${issuerName}|svc\` is not registered`],
    ['registered by its bare subject only', { id: 'svc', subjects: ['svc'] }, `\`${issuerName}|svc\` is not registered`],
  ])('attack: an identity that is %s is refused; only the record learns why', async (_name, over, detail) => {
    expect(await refusal(house([identity(over)]).who(await idp.sign()))).toBe(`identity_refused: this identity may not act here (${detail})`);
  });

  test('attack: an identity suspended or expired a moment ago is refused with a token that was good before', async () => {
    const { who, state, clock } = house([identity({ expiresAtMs: nowMs + 5_000 })]);
    const token = await idp.sign();
    await who(token);
    state.identities = [identity({ status: 'suspended' })];
    expect(await refusal(who(token))).toMatch(/is suspended/);
    state.identities = [identity({ expiresAtMs: nowMs + 5_000 })];
    clock.ms += 5_000;
    expect(await refusal(who(token))).toMatch(/has expired/);
  });

  test('attack: a token is not remembered beyond its own end', async () => {
    const { who, clock } = house([identity()]);
    const token = await idp.sign({ exp: nowSeconds - 50 });
    expect(await refusal(who(token))).toBe('accepted');
    clock.ms += 10_000;
    expect(await refusal(who(token))).toMatch(/^unauthenticated: token refused: expired/);
  });

  test('attack: a token signed by a withdrawn key is refused half a minute later at most', async () => {
    const clock = new FakeClock();
    const keys = [idp.jwk];
    const { who } = house([identity()], clock, [issuerOf(keys, clock)]);
    const token = await idp.sign();
    await who(token);
    keys.length = 0;
    clock.ms += 10 * 60_000 + 1;
    expect(await refusal(who(await idp.sign({ exp: nowSeconds + 3_600 })))).toMatch(/token refused: key/);
  });

  test.each(['\u0455vc', 'svc\u200b', 'SVC', 'svc.', 'svc ', 'svc\u0000', 's\u0076\u0301c', 'robot', '../svc', `svc|${issuerName}|svc`])('abuse 13: the subject %j is not the registered one', async (sub) => {
    expect(await refusal(house([identity()]).who(await idp.sign({ sub })))).toMatch(/^identity_refused: this identity may not act here/);
  });

  test('abuse 13: composed and decomposed forms of one name are two subjects, of which one is registered', async () => {
    const { who } = house([identity({ subjects: [`${issuerName}|andr\u00e9`] })]);
    expect(await refusal(who(await idp.sign({ sub: 'andr\u00e9' })))).toBe('accepted');
    expect(await refusal(who(await idp.sign({ sub: 'andre\u0301' })))).toMatch(/is not registered/);
  });

  test('attack: no token is no identity', async () => {
    expect(await refusal(house([identity()]).who(undefined))).toBe('unauthenticated: token refused: missing (no token was sent)');
    expect(await refusal(house([identity()]).who(''))).toMatch(/^unauthenticated/);
  });
});

describe('delegation', () => {
  test('story: the actor is the identity, the subject the one it acts for', async () => {
    const { principal } = await house([identity()]).who(await idp.sign({ sub: 'alice', act: { sub: 'svc', act: { sub: 'broker' } } }));
    expect(principal).toMatchObject({ identity: { id: 'robot' }, onBehalfOf: 'alice', chain: ['broker'] });
  });

  test('abuse 11: a token whose `act` was taken away is the person\'s own, and no identity', async () => {
    expect(await refusal(house([identity()]).who(await idp.sign({ sub: 'alice' })))).toMatch(/^identity_refused/);
    expect(await refusal(house([identity()]).who(await idp.sign({ sub: 'alice', act: null })))).toMatch(/^unauthenticated: token refused: delegation/);
  });

  test('abuse 11: an actor of another issuer is not the one of the same name here', async () => {
    const token = await idp.sign({ sub: 'alice', act: { sub: 'svc', iss: 'https://partner.example' } });
    expect(await refusal(house([identity()]).who(token))).toMatch(/^(unauthenticated|identity_refused)/);
  });
});

describe('SPIFFE', () => {
  const domain = 'prod.example';
  const id = `spiffe://${domain}/agent`;
  const claims = (over: Readonly<Record<string, unknown>> = {}) => ({ iss: undefined, sub: id, ...over });
  const mesh = (clock = new FakeClock(), identities = [identity({ subjects: [id] })]) =>
    house(identities, clock, [issuerOf([idp.jwk], clock), spiffeIssuer({ trustDomain: domain, audience, bundleFile, allowPrivate: false }, clock)]);

  test('story: a JWT-SVID needs no `iss`; its trust domain says whose keys it must have', async () => {
    expect((await mesh().who(await svid.sign(claims()))).principal).toMatchObject({ method: 'spiffe', identity: { id: 'robot' } });
    expect(await refusal(mesh().who(await svid.sign(claims({ iss: 'https://anything.example' }))))).toBe('accepted');
  });

  test.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['another trust domain', { sub: 'spiffe://evil.example/agent' }, /token refused: issuer/],
    ['a trust domain that ends like ours', { sub: `spiffe://x.${domain}/agent` }, /token refused: issuer/],
    ['no path', { sub: `spiffe://${domain}` }, /token refused: issuer/],
    ['a path that climbs', { sub: `spiffe://${domain}/a/../agent` }, /token refused: issuer/],
    ['another path', { sub: `spiffe://${domain}/agent/x` }, /is not registered/],
    ['another audience', { aud: 'spiffe://prod.example/db' }, /token refused: audience/],
    ['no audience', { aud: undefined }, /token refused: audience/],
    ['no expiry', { exp: undefined }, /token refused: malformed/],
    ['an expiry that is over', { exp: nowSeconds - 60 }, /token refused: expired/],
  ])('attack: a JWT-SVID with %s is refused', async (_name, over, expected) => {
    expect(await refusal(mesh().who(await svid.sign(claims(over))))).toMatch(expected);
  });

  test('attack: a key of the bundle that is not for JWT-SVIDs signs none, nor does EdDSA', async () => {
    expect(await refusal(mesh().who(await idp.sign(claims())))).toMatch(/token refused: key/);
    const ed = await signer('s1', 'EdDSA', { use: 'jwt-svid' });
    expect(await refusal(mesh().who(await ed.sign(claims())))).toMatch(/token refused: algorithm/);
  });

  test('attack: a JWT-SVID whose `typ` is neither JWT nor JOSE is refused (JWT-SVID, section 2.3)', async () => {
    for (const typ of ['JWT', 'JOSE']) expect(await refusal(mesh().who(await svid.sign(claims(), { typ })))).toBe('accepted');
    expect(await refusal(mesh().who(await svid.sign(claims(), { typ: 'logout+jwt' })))).toMatch(/^unauthenticated/);
  });

  test.each([`${issuerName}|svc`, 'spiffe://other.example/agent', 'robot'])('attack: a trust domain names no actor from elsewhere: %s', async (actor) => {
    const everyone = [identity({ subjects: [id] }), identity({ id: 'victim', subjects: [`${issuerName}|svc`, 'spiffe://other.example/agent', 'robot'] })];
    expect(await refusal(mesh(new FakeClock(), everyone).who(await svid.sign(claims({ act: { sub: actor } }))))).toMatch(/^(unauthenticated|identity_refused)/);
  });
});

describe('local tokens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-key-'));
  const key = loadLocalKey(folder);
  const token = (over: { subject?: string; audience?: string; onBehalfOf?: string; ttlMs?: number } = {}) => signLocalToken(key, { subject: 'robot', audience, nowMs, ttlMs: 60_000, ...over });

  test('story: the installation\'s own key serves where the configuration says so, and nowhere else', async () => {
    const clock = new FakeClock();
    const local = house([identity()], clock, [localKeyIssuer(publicPart(key), audience)]);
    expect((await local.who(await token({ onBehalfOf: 'ann' }))).principal).toMatchObject({ identity: { id: 'robot' }, onBehalfOf: 'ann', method: 'local' });
    expect(await refusal(house([identity()]).who(await token()))).toMatch(/^unauthenticated: token refused: issuer/);
    expect(await refusal(local.who(await token({ audience: 'https://other.example' })))).toMatch(/token refused: audience/);
    expect(await refusal(local.who(await token({ subject: 'nobody' })))).toMatch(/^identity_refused/);
    expect(await refusal(local.who(await token({ ttlMs: -60_000 })))).toMatch(/token refused: expired/);
  });

  test('attack: another provider cannot speak as the local issuer, nor the local key as a provider', async () => {
    const clock = new FakeClock();
    const both = house([identity()], clock, [issuerOf([idp.jwk], clock), localKeyIssuer(publicPart(key), audience)]);
    expect(await refusal(both.who(await idp.sign({ iss: 'flyball:local', sub: 'robot' })))).toMatch(/^unauthenticated: token refused: algorithm/);
    const ed = await signer('k1', 'EdDSA');
    expect(await refusal(both.who(await ed.sign({ iss: 'flyball:local', sub: 'robot' })))).toMatch(/^unauthenticated: token refused: signature/);
    expect(await refusal(both.who(await idp.sign({ sub: 'robot' })))).toMatch(/^identity_refused/);
  });

  test('story: the key is made once, is readable by its owner only, and stays', () => {
    const path = join(folder, 'local-issuer.pem');
    expect(statSync(path).mode & 0o077).toBe(0);
    const before = readFileSync(path, 'utf8');
    expect(loadLocalKey(folder).equals(key)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test('attack: a file that holds no Ed25519 key is refused, and left as it is', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const content of ['', 'not a key', rsa]) {
      const other = mkdtempSync(join(tmpdir(), 'flyball-key-'));
      writeFileSync(join(other, 'local-issuer.pem'), content);
      expect(() => loadLocalKey(other)).toThrow(/expected an Ed25519 private key/);
      expect(readFileSync(join(other, 'local-issuer.pem'), 'utf8')).toBe(content);
    }
  });
});
