import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Identity, JsonObject } from '@flyball/protocol';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Received } from '../../packages/server/src/action/states.js';
import { keySuits, KeySet } from '../../packages/server/src/identity/keys.js';
import type { Issuer } from '../../packages/server/src/identity/tokens.js';
import type { Clock } from '../../packages/server/src/lib/clock.js';
import { Secret } from '../../packages/server/src/lib/secret.js';

export const nowSeconds = 1_750_000_000;
export const audience = 'https://flyball.example/mcp';
export const issuerName = 'https://idp.example';

/** A clock that stands still until it is told otherwise. */
export class FakeClock implements Clock {
  readonly offsetMs = 0;
  constructor(public ms = nowSeconds * 1000) {}
  now(): number {
    return this.ms;
  }
}

export interface Signer {
  readonly alg: string;
  readonly kid: string;
  readonly jwk: JWK;
  /** A token with the claims that a good one has, but for what is given; `undefined` takes one away. */
  sign(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export const goodClaims = { iss: issuerName, aud: audience, sub: 'svc', iat: nowSeconds, exp: nowSeconds + 300 };

export async function signer(kid: string, alg = 'ES256', extra: Partial<JWK> = {}): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, ...extra };
  const sign: Signer['sign'] = (claims = {}, header = {}) => new SignJWT(JSON.parse(JSON.stringify({ ...goodClaims, ...claims })) as JsonObject).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  return { alg, kid, jwk, sign };
}

/** An issuer whose key set is a list in memory; `fetches` counts how often it was asked for. */
export function issuerOf(keys: readonly JWK[], clock: Clock, over: Partial<Issuer> = {}): Issuer & { readonly fetches: () => number } {
  let fetched = 0;
  const source = new KeySet(() => Promise.resolve({ keys: (fetched++, keys) }), clock, (key, alg) => keySuits(key, alg, 'sig'));
  return { kind: 'oidc', issuer: issuerName, audience, algorithms: ['ES256', 'RS256', 'EdDSA'], keys: source, ...over, fetches: () => fetched };
}

export const base64url = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const identity = (over: Partial<Identity> = {}): Identity => ({
  id: 'robot',
  kind: 'agent',
  autonomy: 'autonomous',
  owner: 'ann',
  purpose: 'testing',
  capabilities: ['*'],
  groups: [],
  status: 'active',
  subjects: [`${issuerName}|svc`],
  ...over,
});

export function received(token: string | undefined, over: Partial<Received> = {}): Received {
  return {
    id: 'attempt',
    tenant: 'main',
    receivedAtMs: nowSeconds * 1000,
    deadlineMs: nowSeconds * 1000 + 60_000,
    presented: token === undefined ? { kind: 'none' } : { kind: 'bearer', token: new Secret(token) },
    call: { upstream: 'files', method: 'tools/call', name: 'read', params: {}, args: {} },
    origin: { gateway: 'mcp', address: '127.0.0.1' },
    ...over,
  };
}

export interface LocalServer {
  readonly url: string;
  readonly hits: () => number;
  close(): Promise<void>;
}

/** A real HTTP server on the loopback address that counts what reaches it, connections included. */
export async function localServer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<LocalServer> {
  let hits = 0;
  const server = createServer(answer);
  server.on('connection', () => hits++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, hits: () => hits, close };
}

export const json = (value: unknown, status = 200) => (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

/** What a promise was refused with: code, message and detail in one line. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'accepted';
  } catch (error) {
    const { code = 'no code', message, detail = '' } = error as { code?: string; message: string; detail?: string };
    return `${code}: ${message} (${detail})`;
  }
}
