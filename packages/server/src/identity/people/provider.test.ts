import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../lib/secret.js';
import { Provider } from './provider.js';

const redirect = 'https://flyball.example/sign-in/back';
const clientId = 'flyball';
const clientSecret = 'a secret that is long enough for HS256, so that it could be used for it';
const clock = { now: () => Date.now(), offsetMs: 0 };

/** A provider that says whatever a test wants it to. */
interface Dishonest {
  readonly issuer: string;
  readonly asked: string[];
  document: Record<string, unknown>;
  token: () => Promise<string>;
  /** What the token endpoint was sent. */
  form: URLSearchParams;
}

let server: Server;
let dishonest: Dishonest;
let key: CryptoKey;
let jwk: JWK;
/** Of an algorithm that the configuration does not name. */
let otherKey: CryptoKey;
let otherJwk: JWK;
/** Asked for by `begin`, told by the token. */
let nonce = '';

beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true });
  key = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
  const other = await generateKeyPair('ES256', { extractable: true });
  otherKey = other.privateKey;
  otherJwk = { ...(await exportJWK(other.publicKey)), kid: 'e', alg: 'ES256', use: 'sig' };
});
beforeEach(async () => {
  server = createServer((request, response) => {
    void answer(request).then(({ status, body, location }) => response.writeHead(status, { 'content-type': 'application/json', ...(location !== undefined && { location }) }).end(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const document = { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256', 'ES256', 'HS256', 'none'] };
  dishonest = { issuer, asked: [], document, token: () => idToken(), form: new URLSearchParams() };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: string; readonly location?: string }> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const path = request.url ?? '';
  dishonest.asked.push(path);
  if (path.startsWith('/.well-known')) return { status: 200, body: JSON.stringify(dishonest.document) };
  if (path === '/jwks') return { status: 200, body: JSON.stringify({ keys: [jwk, otherJwk] }) };
  if (path === '/moved') return { status: 302, body: '', location: `${dishonest.issuer}/token` };
  dishonest.form = new URLSearchParams(Buffer.concat(parts).toString('utf8'));
  return { status: 200, body: JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token: await dishonest.token() }) };
}

function idToken(claims: Record<string, unknown> = {}, header: { alg?: string; kid?: string } = {}, signedWith: CryptoKey | Uint8Array = key): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: dishonest.issuer, aud: clientId, sub: 'ann', nonce, iat: now, exp: now + 300, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'k', ...header }).sign(signedWith);
}

const unsigned = (claims: Record<string, unknown> = {}) => {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ iss: dishonest.issuer, aud: clientId, sub: 'ann', nonce, iat: now, exp: now + 300, ...claims })}.`;
};

const provider = (over: { issuer?: string; allowPrivate?: boolean } = {}) => new Provider({ issuer: dishonest.issuer, clientId, clientSecret: new Secret(clientSecret), redirect, scopes: ['openid'], algorithm: 'RS256', allowPrivate: true, ...over }, clock);

async function signIn({ maxAge, query }: { readonly maxAge?: number; readonly query?: (state: string) => string } = {}) {
  const asking = provider();
  const { expected } = await asking.begin(maxAge);
  nonce = expected.nonce;
  return asking.finish(query?.(expected.state) ?? `code=c&state=${expected.state}`, expected);
}

const refused = expect.objectContaining({ code: 'unauthenticated' }) as Error;

describe('an honest provider', () => {
  test('story: code, PKCE, state and nonce lead to a person', async () => {
    const asking = provider();
    const { url, expected } = await asking.begin();
    const asked = new URL(url).searchParams;
    expect([asked.get('response_type'), asked.get('code_challenge_method'), asked.get('redirect_uri')]).toEqual(['code', 'S256', redirect]);
    expect([asked.get('state'), asked.get('nonce')]).toEqual([expected.state, expected.nonce]);
    nonce = expected.nonce;
    const proven = await asking.finish(`code=c&state=${expected.state}`, expected);
    expect([proven.issuer, proven.subject, proven.authenticatedAtMs]).toEqual([dishonest.issuer, 'ann', undefined]);
    expect([dishonest.form.get('code_verifier'), dishonest.form.get('code')]).toEqual([expected.verifier, 'c']);
  });

  test('law: whoever has to be fresh proved it in time, by the provider\'s word', async () => {
    const now = Math.floor(Date.now() / 1000);
    dishonest.token = () => idToken({ auth_time: now - 10 });
    expect((await signIn({ maxAge: 300 })).authenticatedAtMs).toBe((now - 10) * 1000);
    dishonest.token = () => idToken({ auth_time: now - 1_000 });
    await expect(signIn({ maxAge: 300 })).rejects.toThrow(refused);
    dishonest.token = () => idToken();
    await expect(signIn({ maxAge: 300 })).rejects.toThrow(refused);
  });
});

describe('a dishonest one, or somebody in between', () => {
  test.each<[string, () => Promise<string>]>([
    ['alg none', () => Promise.resolve(unsigned())],
    ['HS256 with the client\'s secret', () => idToken({}, { alg: 'HS256' }, new TextEncoder().encode(clientSecret))],
    ['an algorithm of its own that the configuration does not name', () => idToken({}, { alg: 'ES256', kid: 'e' }, otherKey)],
    ['another key', async () => idToken({}, {}, (await generateKeyPair('RS256')).privateKey)],
    ['a signature that was cut off', async () => `${(await idToken()).split('.').slice(0, 2).join('.')}.`],
    ['a token for another client', () => idToken({ aud: 'another' })],
    ['a token for several, made for another', () => idToken({ aud: [clientId, 'another'], azp: 'another' })],
    ['a token of another issuer', () => idToken({ iss: 'https://evil.example' })],
    ['another nonce', () => idToken({ nonce: 'x' })],
    ['no nonce', () => idToken({ nonce: undefined })],
    ['a token that has expired', () => idToken({ exp: Math.floor(Date.now() / 1000) - 120 })],
    ['a token without end', () => idToken({ exp: undefined })],
    ['no subject', () => idToken({ sub: undefined })],
    ['a subject without end', () => idToken({ sub: 'x'.repeat(600) })],
    ['no token', () => Promise.resolve('')],
  ])('attack: nobody is signed in with %s', async (_name, token) => {
    dishonest.token = token;
    await expect(signIn()).rejects.toThrow(refused);
  });

  test.each<[string, (state: string) => string]>([
    ['another state', () => 'code=c&state=x'],
    ['no state', () => 'code=c'],
    ['two states', (state) => `code=c&state=${state}&state=x`],
    ['no code', (state) => `state=${state}`],
    ['an error', (state) => `error=access_denied&state=${state}`],
    ['the answer of another provider', (state) => `code=c&state=${state}&iss=https%3A%2F%2Fevil.example`],
    ['nothing that can be read', () => '%%%'],
  ])('attack: nobody is signed in with %s', async (_name, query) => {
    await expect(signIn({ query })).rejects.toThrow(refused);
  });

  test('attack: what a stranger sent is not repeated', async () => {
    const error = await signIn({ query: (state) => `error=%3Cscript%3E&error_description=call+me&state=${state}` }).catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).not.toMatch(/script|call me/);
  });

  test('abuse 5: an address of the inside is asked only where the configuration says so', async () => {
    await expect(provider({ allowPrivate: false }).begin()).rejects.toThrow(refused);
    expect(dishonest.asked).toEqual([]);
  });

  test.each(['token_endpoint', 'jwks_uri'])('abuse 5: a document of the provider leads to no other address of the inside: %s', async (member) => {
    const inside: string[] = [];
    const other = createServer((request, response) => {
      inside.push(request.url ?? '');
      response.end('{}');
    });
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    dishonest.document = { ...dishonest.document, [member]: `http://127.0.0.1:${(other.address() as AddressInfo).port}/x` };
    await expect(signIn()).rejects.toThrow(refused);
    expect(inside).toEqual([]);
    other.close();
  });

  test('abuse 5: no redirect is followed with a code', async () => {
    dishonest.document = { ...dishonest.document, token_endpoint: `${dishonest.issuer}/moved` };
    await expect(signIn()).rejects.toThrow(refused);
    expect(dishonest.asked).not.toContain('/token');
  });

  test.each(['javascript:alert(1)', 'http://evil.example/auth', 'data:text/html,x'])('attack: no browser is sent to %s', async (endpoint) => {
    dishonest.document = { ...dishonest.document, authorization_endpoint: endpoint };
    await expect(provider().begin()).rejects.toThrow(refused);
  });

  test('attack: a document that names another issuer is none', async () => {
    dishonest.document = { ...dishonest.document, issuer: 'https://evil.example' };
    await expect(provider().begin()).rejects.toThrow(refused);
  });
});
