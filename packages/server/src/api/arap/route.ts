import type { IncomingMessage, ServerResponse } from 'node:http';
import { FlyballError, isObject, type JsonObject, type Principal } from '@flyball/protocol';
import { readBody } from '../authzen/read-body.js';
import { requestIdHeader } from '../authzen/versions.js';
import { type Catalogs, grantCatalog } from './catalogs.js';
import { paths } from './draft.js';
import { problemAnswer } from './problem.js';
import type { Submissions } from './submissions.js';
import type { Submitter } from './submitter.js';
import type { TaskState } from './task-state.js';
import type { Tasks } from './tasks.js';
import { statusOf } from './tasks.js';

export interface ArapRouteParts {
  readonly submissions: Submissions;
  readonly tasks: Tasks;
  readonly catalogs: Pick<Catalogs, 'document' | 'grants'>;
  readonly tenant: string;
  submitterOf(request: IncomingMessage): Promise<Submitter>;
  /** A task as its caller sees it. */
  view(state: TaskState): Promise<JsonObject>;
  schema(template: string): JsonObject;
  /** Told what went wrong inside; whoever asked is not. */
  trouble(error: unknown): void;
}

const realm = 'flyball';
const pollSeconds = 5;
const notesBytesMax = 16 * 1024;

interface Answered {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
}

/** Access requests over HTTP; true when the request was one of them. */
export function arapRoute(parts: ArapRouteParts): (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean> {
  const prefix = `/${parts.tenant}`;
  return async (request, response, path) => {
    const at = path.startsWith(`${prefix}/access/`) ? path.slice(prefix.length) : path;
    if (at !== paths.requests && ![paths.requests, paths.schemas, paths.catalogs].some((below) => at.startsWith(`${below}/`))) return false;
    const id = request.headers[requestIdHeader];
    const answered = await answer(parts, request, at).catch((thrown: unknown) => failed(parts, thrown));
    const text = JSON.stringify(answered.body);
    response.writeHead(answered.status, { 'content-type': answered.type ?? 'application/json', 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store', ...(id !== undefined && { [requestIdHeader]: id }), ...answered.headers }).end(text);
    return true;
  };
}

async function answer(parts: ArapRouteParts, request: IncomingMessage, at: string): Promise<Answered> {
  const submitter = await parts.submitterOf(request);
  if (at.startsWith(`${paths.schemas}/`)) return request.method === 'GET' ? { status: 200, body: parts.schema(at.slice(paths.schemas.length + 1)) } : notAllowed('GET');
  if (at.startsWith(`${paths.catalogs}/`)) return request.method === 'GET' ? { status: 200, body: await catalog(parts, request, at, submitter) } : notAllowed('GET');
  if (at === paths.requests) return request.method === 'POST' ? submit(parts, request, submitter) : notAllowed('POST');
  const [task = '', what, ...more] = at.slice(paths.requests.length + 1).split('/');
  if (more.length > 0 || (what !== undefined && what !== 'cancel')) throw new FlyballError('not_found', 'nothing is served here');
  if (what === 'cancel') return request.method === 'POST' || request.method === 'DELETE' ? cancel(parts, request, task, submitter.principal) : notAllowed('POST, DELETE');
  return request.method === 'GET' ? shown(parts, await parts.tasks.find(task, submitter.principal)) : notAllowed('GET');
}

/** The Catalogs Document of a denial, or a catalogue that it names. */
function catalog({ catalogs }: ArapRouteParts, { url = '' }: IncomingMessage, at: string, submitter: Submitter): Promise<JsonObject> {
  const [evaluation = '', name, ...more] = at.slice(paths.catalogs.length + 1).split('/');
  if (more.length > 0 || (name !== undefined && name !== grantCatalog)) throw new FlyballError('not_found', 'nothing is served here');
  const question = url.indexOf('?');
  return name === undefined ? catalogs.document(evaluation, submitter) : catalogs.grants(evaluation, new URLSearchParams(question < 0 ? '' : url.slice(question)), submitter);
}

async function submit({ submissions, tasks, view }: ArapRouteParts, request: IncomingMessage, submitter: Submitter): Promise<Answered> {
  if (!isJson(request.headers['content-type'])) throw new FlyballError('request_malformed', 'expected content-type application/json');
  const body = await readBody(request);
  if (!isObject(body)) throw new FlyballError('request_malformed', 'expected a JSON object');
  const key = request.headers['idempotency-key'];
  const task = await submissions.take(body, submitter, typeof key === 'string' ? key : undefined);
  const state = await tasks.find(task, submitter.principal);
  const seen = await view(state);
  const { status_endpoint: location } = seen['task'] as { readonly status_endpoint: string };
  const isPending = statusOf(state) === 'pending';
  return { status: isPending ? 202 : 201, body: seen, headers: { location, ...(isPending && { 'retry-after': String(pollSeconds) }) } };
}

async function shown({ view }: ArapRouteParts, state: TaskState): Promise<Answered> {
  return { status: 200, body: await view(state), headers: statusOf(state) === 'pending' ? { 'retry-after': String(pollSeconds) } : {} };
}

/** A reason and a comment may come along; they decide nothing, and nobody but their author has said them, so they are not kept. */
async function cancel(parts: ArapRouteParts, request: IncomingMessage, task: string, caller: Principal): Promise<Answered> {
  if (Number(request.headers['content-length'] ?? '0') > notesBytesMax) throw new FlyballError('request_too_large', `expected at most ${notesBytesMax} bytes`);
  request.resume();
  return shown(parts, await parts.tasks.cancel(task, caller));
}

function failed({ trouble }: ArapRouteParts, thrown: unknown): Answered {
  const { status, body } = problemAnswer(thrown);
  if (status >= 500) trouble(thrown);
  return { status, body, type: 'application/problem+json', headers: { ...(status === 401 && { 'www-authenticate': `Bearer realm="${realm}"` }), ...(status === 429 && { 'retry-after': String(pollSeconds) }) } };
}

const notAllowed = (allow: string): Answered => ({ status: 405, body: { type: 'about:blank', title: `expected ${allow}`, status: 405 }, type: 'application/problem+json', headers: { allow } });

const isJson = (type: string | undefined): boolean => type !== undefined && /^application\/json\s*(;|$)/i.test(type);
