import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

export const clientId = 'flyball';
export const clientSecret = 'a secret of the tests, long enough for anybody';
export const apiAudience = 'https://flyball.example/api';

/** A real OpenID provider, in this process, at which anybody signs in as whoever they say. */
export interface TestProvider {
  readonly issuer: string;
  /** A token that it did not give out, signed with its key all the same. */
  idToken(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Claims of an account beside `sub`; none by default. */
  readonly accounts: Map<string, Readonly<Record<string, unknown>>>;
  close(): Promise<void>;
}

/** @param address where people's browsers reach Flyball's administrators' listener */
export async function startProvider(address: string, clients: readonly string[] = [clientId]): Promise<TestProvider> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key: JWK = { ...(await exportJWK(privateKey)), kid: 'tests', alg: 'RS256', use: 'sig' };
  const accounts = new Map<string, Readonly<Record<string, unknown>>>();
  const provider = new Provider(issuer, {
    clients: clients.map((id) => ({ client_id: id, client_secret: clientSecret, redirect_uris: [`${address}/sign-in/back`], response_types: ['code'], grant_types: ['authorization_code'] })),
    jwks: { keys: [key] },
    cookies: { keys: ['tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'email', 'groups'],
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...accounts.get(sub) }) }),
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: (_context: unknown, resource: string) => ({ scope: 'api', audience: resource, accessTokenFormat: 'jwt' }) },
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3_600, Grant: 3_600 },
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
  const idToken = (more: Readonly<Record<string, unknown>>) => new SignJWT({ iss: issuer, iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 300, ...more }).setProtectedHeader({ alg: 'RS256', kid: 'tests' }).sign(privateKey);
  return { issuer, idToken, accounts, close: () => end(server) };
}

function end(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

/** A browser as far as this takes: cookies by origin, redirects, and the provider's own forms. */
export class Jar {
  readonly #cookies = new Map<string, Map<string, string>>();

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const own = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, own);
    const cookie = [...own].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...(init.headers as Record<string, string>), ...(cookie !== '' && { cookie }) }, signal: AbortSignal.timeout(10_000) });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(line)) own.delete(name);
      else own.set(name, value);
    }
    return response;
  }

  /** A cookie's value, or sets it. */
  cookie(origin: string, name: string, value?: string): string | undefined {
    const own = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, own);
    if (value !== undefined) own.set(name, value);
    return own.get(name);
  }

  /** Signs in at the provider; where it sends the browser then, with the code. */
  async arrive(url: string, account: string): Promise<URL> {
    let at = url;
    for (let step = 0; step < 20; step++) {
      const response = await this.fetch(at);
      const next = response.headers.get('location');
      if (next !== null) {
        at = new URL(next, at).href;
        if (new URL(at).pathname === '/sign-in/back') return new URL(at);
        continue;
      }
      const page = await response.text();
      const action = /action="([^"]+)"/.exec(page)?.[1];
      const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
      if (action === undefined || prompt === undefined) throw new Error(`the provider shows no form: ${page.slice(0, 500)}`);
      const form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: account, password: 'any' }) });
      const answered = await this.fetch(new URL(action, at).href, { method: 'POST', body: form });
      at = new URL(answered.headers.get('location') ?? '', at).href;
      if (new URL(at).pathname === '/sign-in/back') return new URL(at);
    }
    throw new Error('the provider sends the browser around');
  }
}
