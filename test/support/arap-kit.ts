import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose';
import { command, root, type RunningGovernor, waitFor } from './governor.js';

const bundleFiles = ['catalogue.yaml', 'people.yaml', 'identities.yaml', 'policies/reading.cedar'];

/** The bundle of the conformance suite: reports are read when somebody agrees. */
export const arapBundle = (): Readonly<Record<string, string>> => Object.fromEntries(bundleFiles.map((file) => [`bundle/${file}`, readFileSync(join(root, 'test/arap/bundle', file), 'utf8')]));

export type Body = Readonly<Record<string, unknown>>;

export interface Asked extends Body {
  readonly subject: Body;
  readonly resource: { readonly type: string; readonly id: string };
  readonly action: Body;
  readonly context?: Body;
}

export const report = (id: string, context?: Body): Asked => ({ subject: { type: 'user', id: `reader-of-${id}` }, resource: { type: 'report', id }, action: { name: 'can_read' }, ...(context && { context }) });

export interface Told {
  readonly decision: boolean;
  readonly context: Body & { readonly evaluation_id: string; readonly reason?: string; readonly next_action?: string; readonly access_request?: { readonly expires_at: string; readonly binding_token: string } };
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly json: Body & { readonly type?: string; readonly task?: TaskView; readonly result?: { readonly approval: Approval } };
}

export interface TaskView {
  readonly id: string;
  readonly status: string;
  readonly items?: readonly { readonly status: string; readonly result?: { readonly approval: Approval } }[];
}

export interface Approval extends Body {
  readonly id: string;
  readonly state: string;
  readonly approved_until: string;
}

/** An enforcement point without a library. */
export class Pep {
  constructor(
    readonly governor: RunningGovernor,
    readonly token: string,
  ) {}

  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
  }

  async evaluate(asked: Body): Promise<Told> {
    const { status, json } = await this.post('/access/v1/evaluation', asked);
    if (status !== 200) throw new Error(`evaluated with ${status}: ${JSON.stringify(json)}`);
    return json as unknown as Told;
  }

  /** A submission of what was just denied. */
  async denied(asked: Asked): Promise<Body> {
    const { context } = await this.evaluate(asked);
    const hint = context.access_request;
    if (!hint) throw new Error(`not requestable: ${JSON.stringify(context)}`);
    return { ...asked, denial: { evaluation_id: context.evaluation_id, expires_at: hint.expires_at, binding_token: hint.binding_token } };
  }

  submit(body: Body | string, key?: string): Promise<Answer> {
    return this.post('/access/v1/requests', body, key === undefined ? {} : { 'idempotency-key': key });
  }

  async open(asked: Asked): Promise<TaskView> {
    const { status, json } = await this.submit(await this.denied(asked));
    if (status !== 202 || !json.task) throw new Error(`submitted with ${status}: ${JSON.stringify(json)}`);
    return json.task;
  }

  task = (id: string): Promise<Answer> => this.#ask(`/access/v1/requests/${id}`, {});
  cancel = (id: string): Promise<Answer> => this.post(`/access/v1/requests/${id}/cancel`, {});

  async approval(asked: Asked): Promise<Approval> {
    const { id } = await this.open(asked);
    await answer(this.governor, asked, 'approve');
    return waitFor(async () => (await this.task(id)).json.result?.approval, 20_000);
  }

  again = (asked: Body, approval: unknown): Promise<Told> => this.evaluate({ ...asked, context: { ...(asked['context'] as Body | undefined), approval } });

  async #ask(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(`${this.governor.machines}${path}`, { ...init, headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...init.headers } });
    const text = await response.text();
    return { status: response.status, type: response.headers.get('content-type') ?? '', json: (text.startsWith('{') ? JSON.parse(text) : { text }) as Answer['json'] };
  }
}

/** The administrators' API, as a person. */
export async function desk(governor: RunningGovernor, person: string, path: string, body?: object): Promise<unknown> {
  const { status, value } = await governor.ask(person, body ? 'POST' : 'GET', path, body);
  if (status >= 400) throw new Error(JSON.stringify(value));
  return value;
}

const known = new Map<string, string>();

/** What a person sees of a question. */
export async function shown(governor: RunningGovernor, hold: string): Promise<string> {
  return ((await desk(governor, 'ann', `/v1/questions/${hold}`)) as { readonly preview: { readonly text: string } }).preview.text;
}

/** Ids of the holds that wait, by the resource that they are about. */
export async function waiting(governor: RunningGovernor): Promise<ReadonlyMap<string, string>> {
  const holds = (await desk(governor, 'operator', '/v1/holds')) as readonly { readonly id: string }[];
  const found = new Map<string, string>();
  for (const { id } of holds) {
    const name = known.get(id) ?? /"(r-[A-Za-z0-9-]+)"/.exec(await shown(governor, id))?.[1];
    if (name === undefined) continue;
    known.set(id, name);
    found.set(name, id);
  }
  return found;
}

export async function answer(governor: RunningGovernor, { resource }: Asked, verb: 'approve' | 'refuse' | 'cancel'): Promise<string> {
  const hold = (await waiting(governor)).get(resource.id);
  if (hold === undefined) throw new Error(`nobody is asked about ${resource.id}`);
  if (verb !== 'cancel') {
    await desk(governor, 'ann', `/v1/holds/${hold}/answer`, { agrees: verb === 'approve', reason: 'test' });
    return hold;
  }
  const { code, stderr } = await command(governor.directory, [verb, hold]);
  if (code !== 0) throw new Error(stderr);
  return hold;
}

/** A signed value with other claims, by the installation's own key: what a leaked key or another service of it could make. */
export function resigned(governor: RunningGovernor, jws: string, change: JWTPayload, header: Body = {}): Promise<string> {
  const key = createPrivateKey(readFileSync(join(governor.directory, '.flyball/authzen-key.pem')));
  const claims = Object.fromEntries(Object.entries({ ...decodeJwt(jws), ...change }).filter(([, value]) => value !== undefined));
  return new SignJWT(claims).setProtectedHeader({ ...decodeProtectedHeader(jws), alg: 'EdDSA', ...header }).sign(key);
}
