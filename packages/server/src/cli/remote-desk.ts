import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import type { Desk, LogStatus, Thread } from '../api/desk.js';
import { RemoteAccessDesk } from './remote-access-desk.js';
import { type Ask, RemoteWaitingDesk } from './remote-waiting-desk.js';
import type { ArchivedBody, Erased, ErasureWish } from '../ledger/index.js';

/** The administrators' desk of a server that is running. */
export class RemoteDesk implements Desk {
  readonly #ask: Ask = (method, path, body) => this.#call(path, { method, ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) });
  readonly waiting = new RemoteWaitingDesk(this.#ask);
  readonly access = new RemoteAccessDesk(this.#ask);

  constructor(
    private readonly base: string,
    private readonly token: string,
  ) {}

  sessions = (most: number) => this.#get<Awaited<ReturnType<Desk['sessions']>>>(`/v1/sessions?most=${most}`);
  actions = (most: number, session?: string) => this.#get<Awaited<ReturnType<Desk['actions']>>>(`/v1/actions?most=${most}${session === undefined ? '' : `&session=${encodeURIComponent(session)}`}`);
  explain = (id: string) => this.#get<Awaited<ReturnType<Desk['explain']>>>(`/v1/actions/${encodeURIComponent(id)}`);
  holds = () => this.#get<Awaited<ReturnType<Desk['holds']>>>('/v1/holds');
  tools = () => this.#get<Awaited<ReturnType<Desk['tools']>>>('/v1/tools');
  status = () => this.#get<JsonObject>('/v1/status');
  reload = () => this.#post('/v1/bundle/reload', {});
  log = () => this.#get<LogStatus>('/v1/log');
  receipts = (id: string, withBody: boolean) => this.#get<Thread>(`/v1/receipts/${encodeURIComponent(id)}?thread=1${withBody ? '&body=1' : ''}`);
  bodies = (after: string, most: number) => this.#get<readonly ArchivedBody[]>(`/v1/log/bodies?after=${encodeURIComponent(after)}&most=${most}`);
  retireKey = (key: string) => this.#post('/v1/log/keys/retire', { key });
  erase = (wish: ErasureWish) => this.#post('/v1/erase', wish as JsonObject) as Promise<unknown> as Promise<Erased>;
  acceptTool = (upstream: string, tool: string) => this.#post('/v1/tools/accept', { upstream, tool });

  async logFile(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#fetch(`/v1/log/${path}`, {})).arrayBuffer());
  }

  async receipt(id: string, withBody: boolean): Promise<string> {
    return (await this.#fetch(`/v1/receipts/${encodeURIComponent(id)}${withBody ? '?body=1' : ''}`, {})).text();
  }

  #get<T>(path: string): Promise<T> {
    return this.#call(path, {}) as Promise<T>;
  }

  #post(path: string, body: JsonObject): Promise<JsonObject> {
    return this.#call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) as Promise<JsonObject>;
  }

  async #call(path: string, init: RequestInit): Promise<unknown> {
    return (await this.#fetch(path, init)).json();
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(`${this.base}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${this.token}` }, redirect: 'error', signal: AbortSignal.timeout(30_000) });
    if (response.ok) return response;
    const value: unknown = await response.json().catch(() => undefined);
    const error = isObject(value) && isObject(value['error']) ? value['error'] : {};
    throw new FlyballError((error['code'] ?? 'internal') as FlyballError['code'], String(error['message'] ?? `the server answered with status ${response.status}`));
  }
}
