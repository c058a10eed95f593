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
  /** Who asks, by the headers alone; whoever is refused is refused in the record. Throws `unauthenticated` or `identity_refused`. */
  identify(request: IncomingMessage, asksFor: 'decisions' | 'outcomes'): Promise<Principal>;
  /** Told what went wrong inside; whoever asked is not. */
  trouble(error: FlyballError): void;
}

interface Post {
  readonly asksFor: 'decisions' | 'outcomes';
  answer(from: JsonObject, request: IncomingMessage, caller: Principal): Promise<object>;
}

const realm = 'flyball';

/** The AuthZEN Authorization API 1.0 over HTTP; true when the request was one of it. On the path of evaluations there is no framework. */
export function authzenRoute(parts: AuthzenParts): (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean> {
  const { evaluator, searcher, outcomes } = parts;
  const deciding = (answer: Post['answer']): Post => ({ asksFor: 'decisions', answer });
  const posts: ReadonlyMap<string, Post> = new Map<string, Post>([
    [paths.evaluation, deciding((from, request) => evaluator.one(from, parts.askerOf(request)))],
    [paths.evaluations, deciding((from, request) => evaluator.many(from, parts.askerOf(request)))],
    [paths.searchSubject, deciding((from, request) => searcher.search(from, 'subject', parts.askerOf(request)))],
    [paths.searchResource, deciding((from, request) => searcher.search(from, 'resource', parts.askerOf(request)))],
    [paths.searchAction, deciding((from, request) => searcher.search(from, 'action', parts.askerOf(request)))],
    [paths.outcomes, { asksFor: 'outcomes', answer: (from, _request, caller) => reportOutcome(from, caller, outcomes) }],
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
    const post = posts.get(at);
    const id = request.headers[requestIdHeader];
    if (!post || request.method !== 'POST') sendText(response, id, post ? 405 : 404, post ? 'expected POST' : 'nothing is served here', post ? { allow: 'POST' } : {});
    else await answer(parts, post, request, response, id);
    return true;
  };
}

/** Nothing is said of a body to whom nobody knows: who asks is established by the headers, before any of it is read. */
async function answer(parts: AuthzenParts, post: Post, request: IncomingMessage, response: ServerResponse, id: string | string[] | undefined): Promise<void> {
  try {
    const caller = await parts.identify(request, post.asksFor);
    if (!isJson(request.headers['content-type'])) throw new FlyballError('request_malformed', 'expected content-type application/json');
    const text = JSON.stringify(await post.answer(readObject(await readBody(request)), request, caller));
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
