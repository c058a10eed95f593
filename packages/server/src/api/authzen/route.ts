import type { IncomingMessage, ServerResponse } from 'node:http';
import { FlyballError, type Json, type JsonObject, type Principal, toFlyballError } from '@flyball/protocol';
import type { Asker, Evaluator } from './evaluator.js';
import { statusOf } from './decision.js';
import { type Metadata, metadataMaxAgeSeconds } from './metadata.js';
import { type OutcomeRecord, reportOutcome } from './outcomes.js';
import { readBody } from './read-body.js';
import { readObject } from './read-request.js';
import type { Searcher } from './searcher.js';
import { paths, requestIdHeader } from './versions.js';

export interface AuthzenParts {
  readonly evaluator: Evaluator;
  readonly searcher: Searcher;
  readonly outcomes: OutcomeRecord;
  readonly metadata: Metadata;
  readonly tenant: string;
  /** Scheme and authority under which machines know this server. */
  origin(): string;
  askerOf(request: IncomingMessage): Asker;
  identify(request: IncomingMessage): Promise<Principal>;
  /** Told what went wrong inside; whoever asked is not. */
  trouble(error: FlyballError): void;
}

type Answering = (from: JsonObject, request: IncomingMessage) => Promise<object>;

const realm = 'flyball';

/** The AuthZEN Authorization API 1.0 over HTTP; true when the request was one of it. On the path of evaluations there is no framework. */
export function authzenRoute(parts: AuthzenParts): (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean> {
  const { evaluator, searcher, outcomes } = parts;
  const posts: ReadonlyMap<string, Answering> = new Map<string, Answering>([
    [paths.evaluation, (from, request) => evaluator.one(from, parts.askerOf(request))],
    [paths.evaluations, (from, request) => evaluator.many(from, parts.askerOf(request))],
    [paths.searchSubject, (from, request) => searcher.search(from, 'subject', parts.askerOf(request))],
    [paths.searchResource, (from, request) => searcher.search(from, 'resource', parts.askerOf(request))],
    [paths.searchAction, (from, request) => searcher.search(from, 'action', parts.askerOf(request))],
    [paths.outcomes, async (from, request) => reportOutcome(from, await parts.identify(request), outcomes)],
  ]);
  const prefix = `/${parts.tenant}`;
  const home = (path: string) => (path.startsWith(`${prefix}/access/`) ? path.slice(prefix.length) : path);
  return async (request, response, path) => {
    if (path === paths.keys || path === paths.metadata || path === `${paths.metadata}${prefix}`) {
      await sendMetadata(parts, request, response, path);
      return true;
    }
    const at = home(path);
    if (!at.startsWith('/access/v1/')) return false;
    const answering = posts.get(at);
    const id = request.headers[requestIdHeader];
    if (!answering || request.method !== 'POST') sendText(response, id, answering ? 405 : 404, answering ? 'expected POST' : 'nothing is served here', answering ? { allow: 'POST' } : {});
    else await answer(parts, answering, request, response, id);
    return true;
  };
}

async function answer(parts: AuthzenParts, answering: Answering, request: IncomingMessage, response: ServerResponse, id: string | string[] | undefined): Promise<void> {
  try {
    if (!isJson(request.headers['content-type'])) throw new FlyballError('request_malformed', 'expected content-type application/json');
    const text = JSON.stringify(await answering(readObject(await readBody(request)), request));
    sendJson(response, id, text);
  } catch (thrown) {
    const error = toFlyballError(thrown);
    const status = statusOf(error) ?? 503;
    if (status === 500) parts.trouble(error);
    sendText(response, id, status, error.message, status === 401 ? { 'www-authenticate': `Bearer realm="${realm}"` } : {});
  }
}

const isJson = (type: string | undefined): boolean => type !== undefined && (type === 'application/json' || /^application\/json\s*(;|$)/i.test(type));

function sendJson(response: ServerResponse, id: string | string[] | undefined, text: string, more: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...(id !== undefined && { [requestIdHeader]: id }), ...more }).end(text);
}

/** An error is its message (API 1.0, section 10.1.2). */
function sendText(response: ServerResponse, id: string | string[] | undefined, status: number, text: string, more: Readonly<Record<string, string>>): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text), 'x-content-type-options': 'nosniff', ...(id !== undefined && { [requestIdHeader]: id }), ...more }).end(text);
}

async function sendMetadata({ metadata, origin }: AuthzenParts, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const id = request.headers[requestIdHeader];
  if (request.method !== 'GET' && request.method !== 'HEAD') return sendText(response, id, 405, 'expected GET', { allow: 'GET, HEAD' });
  const value: Json = path === paths.keys ? metadata.keys : await metadata.of(origin(), path.slice(paths.metadata.length));
  sendJson(response, id, JSON.stringify(value), { 'cache-control': `max-age=${metadataMaxAgeSeconds}` });
}
