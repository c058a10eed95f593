import { createHash, randomBytes } from 'node:crypto';
import { type Canary, startCanary } from './canary.js';
import { moneyBundle, openClient } from './exported-record.js';
import { type RunningGovernor, startGovernor } from './governor.js';
import { decisionOf } from './mcp.js';
import { apiAudience, clientId, clientSecret, Jar, startProvider, type TestProvider } from './oidc.js';
import { freePort } from './programs.js';
import { resultOf, type WireClient } from './wire.js';

/** A governor with people who sign in at a provider of their own, and a machine whose payments wait for them. */
export interface PeopleHouse {
  readonly governor: RunningGovernor;
  readonly provider: TestProvider;
  readonly canary: Canary;
  readonly client: WireClient;
  /** Where browsers reach the pages. */
  readonly address: string;
  close(): Promise<void>;
}

export const guards = `
@id("signed") @outcome("step_up") @approvers("finance") @signature("webauthn") @reason("payments above 1,000 are signed by finance")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };
@id("asked") @outcome("step_up") @approvers("finance") @standing("count=3, within=2h") @reason("payments are agreed to by finance")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.lessThanOrEqual(decimal("1000.0")) };
`;

export const peopleOf = (issuer: string): string => `people:
  - { id: ann, groups: [finance], also: ["${issuer}|ann"] }
  - { id: ben, groups: [finance], also: ["${issuer}|ben"] }
  - { id: cid, groups: [sales], also: ["${issuer}|cid"] }
  - { id: audrey, groups: [finance], auditor: true, also: ["${issuer}|audrey"] }
  - { id: adam, groups: [], administrator: true, also: ["${issuer}|adam"] }
`;

export async function openPeopleHouse(options: { readonly signIn?: string; readonly clients?: readonly string[] } = {}): Promise<PeopleHouse> {
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const provider = await startProvider(address, options.clients);
  const canary = await startCanary();
  const config = `identity: { local: true }\nadministrators: { host: 127.0.0.1, port: ${port} }\nsign_in:\n  issuer: ${provider.issuer}\n  client_id: ${clientId}\n  client_secret_from_env: SIGN_IN_SECRET\n  address: ${address}\n  allow_private_address: true\n${options.signIn ?? ''}`;
  const governor = await startGovernor({ files: moneyBundle(guards, peopleOf(provider.issuer)), upstreams: `  canary: { url: "${canary.url}" }`, config, env: { SIGN_IN_SECRET: clientSecret } });
  const client = await openClient(governor);
  const close = async () => {
    await governor.remove();
    canary.stop();
    await provider.close();
  };
  return { governor, provider, canary, client, address, close };
}

/** Asks for a transfer that has to wait; the hold's id. */
export async function held({ client }: PeopleHouse, to: string, amount = 2_000): Promise<string> {
  const answer = await client.call('transfer', { to, amount });
  const { hold } = decisionOf(resultOf(answer));
  if (hold === undefined) throw new Error(`not held: ${answer.text}`);
  return hold;
}

/** An access token of the provider for a resource, as a program of the person's own would get one. */
export async function accessToken({ provider, address }: PeopleHouse, account: string, resource = apiAudience): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const parameters = { client_id: clientId, redirect_uri: `${address}/sign-in/back`, response_type: 'code', scope: 'openid api', resource, code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' };
  const back = await new Jar().arrive(`${provider.issuer}/auth?${new URLSearchParams(parameters)}`, account);
  const form = new URLSearchParams({ grant_type: 'authorization_code', code: back.searchParams.get('code') ?? '', redirect_uri: `${address}/sign-in/back`, code_verifier: verifier, resource });
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
  const response = await fetch(`${provider.issuer}/token`, { method: 'POST', body: form, headers: { authorization: `Basic ${basic}` } });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error('the provider gave out no access token');
  return token;
}

/** Somebody's browser without a window. */
export class Visitor {
  readonly jar = new Jar();
  formToken = '';

  constructor(private readonly address: string) {}

  async ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly value: Record<string, unknown>; readonly headers: Headers }> {
    const own = { origin: this.address, 'flyball-form-token': this.formToken, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const sent = Object.fromEntries(Object.entries({ ...(method !== 'GET' && own), ...headers }).filter(([, value]) => value !== ''));
    const response = await this.jar.fetch(`${this.address}${path}`, { method, headers: sent, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, value: text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as Record<string, unknown>) : {}, headers: response.headers };
  }

  /** Where the provider sends the browser back to, with a code; nothing was redeemed yet. */
  async toProvider(account: string, fresh = false): Promise<URL> {
    const { status, value } = await this.ask('POST', '/sign-in/start', { return_to: '/', fresh });
    if (status !== 200) throw new Error(`sign-in did not begin: ${status} ${JSON.stringify(value)}`);
    return this.jar.arrive(String(value['url']), account);
  }

  async finish(back: URL): Promise<{ readonly status: number; readonly value: Record<string, unknown> }> {
    return this.ask('POST', '/sign-in/finish', { query: back.search.slice(1) });
  }

  async signIn(account: string, fresh = false): Promise<this> {
    const { status, value } = await this.finish(await this.toProvider(account, fresh));
    if (status !== 200) throw new Error(`not signed in: ${status} ${JSON.stringify(value)}`);
    this.formToken = String((await this.ask('GET', '/v1/me')).value['form_token']);
    return this;
  }
}
