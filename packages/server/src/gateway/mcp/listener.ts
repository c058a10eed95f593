import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { FlyballError, type JsonObject, type Principal } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { Secret } from '../../lib/secret.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import { type Answer, errorAnswer, rpcCodes } from './answers.js';
import { claimedVersion, type Era, eraOf, isClientNotification, isMethodOf, missingMeta, statelessVersion } from './eras.js';
import { headerMismatch, isForeignOrigin } from './http-guards.js';
import { readMessage, type RpcMessage } from './message.js';
import { type Caller, type GatewayPort, identified, received } from './port.js';
import type { Exchange } from './relay-passing.js';

/** One MCP endpoint: a relay to one upstream, or a hub of several. */
export interface Endpoint {
  post(exchange: Exchange, message: RpcMessage, era: Era): Promise<void>;
  get(exchange: Exchange): Promise<void>;
  delete(exchange: Exchange): Promise<void>;
  close(): Promise<void>;
}

/** A request of the machines' own interface that is not MCP, such as opening a session; true when it was answered. */
export type OtherRoute = (request: IncomingMessage, response: ServerResponse, path: string, readBody: () => Promise<Uint8Array>) => Promise<boolean>;

export interface ListenerSettings {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** True for the names, with port, under which this server answers. */
  isAllowedHost(host: string): boolean;
  /** This server as a protected resource (RFC 9728). */
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly other: OtherRoute;
  /** Certificate and key in PEM, where it is served over HTTPS directly. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

const metadataPath = '/.well-known/oauth-protected-resource';
const keepAliveMs = 65_000;
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 60_000;
const checkEveryMs = 2_000;

/** The machines' listener. Administrators have another one, on another port, with credentials of their own. */
export function createListener(port: GatewayPort, settings: ListenerSettings): Server {
  const options = { maxHeaderSize: limits.headerBytesMax, keepAliveTimeout: keepAliveMs, headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, connectionsCheckingInterval: checkEveryMs };
  const listener: RequestListener = (request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    serve(port, settings, request, response).catch((error: unknown) => {
      const known = error instanceof FlyballError ? error : undefined;
      if (!known) port.log('error', 'a request could not be handled', { reason: error instanceof Error ? error.message : 'unknown' });
      reply(response, errorAnswer(null, known ? toRpcError(known) : { code: rpcCodes.internal, message: 'an internal error occurred; nothing was allowed' }, statusOf(known)), settings);
    });
  };
  return settings.tls ? createSecureServer({ ...options, ...settings.tls }, listener) : createServer(options, listener);
}

async function serve(port: GatewayPort, settings: ListenerSettings, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request);
  if (isForeignOrigin(request.headers, (host) => settings.isAllowedHost(host))) return refuse(response, settings, path, new FlyballError('denied', 'requests from this host or origin are not taken'), 403);
  if (path === metadataPath || path.startsWith(`${metadataPath}/`)) return json(response, 200, metadata(settings));
  const endpoint = settings.endpoints.get(path);
  if (!endpoint) {
    if (await settings.other(request, response, path, () => readBody(request))) return;
    return refuse(response, settings, path, new FlyballError('not_found', 'nothing is served here; MCP endpoints are `/mcp` and `/mcp/NAME`'), 404);
  }
  switch (request.method) {
    case 'POST':
      return post(port, settings, endpoint, request, response);
    case 'GET':
    case 'DELETE': {
      const exchange = await toExchange(port, request, response);
      return request.method === 'GET' ? endpoint.get(exchange) : endpoint.delete(exchange);
    }
    default:
      response.writeHead(405, { allow: 'POST, GET, DELETE' }).end();
  }
}

async function post(port: GatewayPort, settings: ListenerSettings, endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange = await toExchange(port, request, response);
  if (!(request.headers['content-type'] ?? '').toLowerCase().startsWith('application/json')) return reply(response, errorAnswer(null, { code: rpcCodes.invalid, message: 'expected content-type application/json' }, 415), settings);
  const body = await readBody(request);
  let message: RpcMessage;
  try {
    message = readMessage(parseStrictJson(body));
  } catch (error) {
    const refused = error instanceof FlyballError ? error : new FlyballError('request_malformed', 'expected JSON');
    return reply(response, errorAnswer(null, { code: refused.message.includes('JSON text') ? rpcCodes.parse : rpcCodes.invalid, message: refused.message }, refused.code === 'request_too_large' ? 413 : 400), settings);
  }
  const version = request.headers['mcp-protocol-version'];
  const era = eraOf(message.kind === 'response' ? {} : message.params, typeof version === 'string' ? version : undefined);
  const wrong = message.kind === 'request' ? faultOf(message, era, request) : undefined;
  if (wrong) return reply(response, wrong, settings);
  if (message.kind === 'notification' && !isClientNotification(message.method)) return void response.writeHead(202).end();
  await endpoint.post(exchange, message, era);
}

/** What is wrong with a request before anyone is asked about it. */
function faultOf(message: Extract<RpcMessage, { kind: 'request' }>, era: Era, request: IncomingMessage): Answer | undefined {
  const claim = claimedVersion(message.params);
  const header = request.headers['mcp-protocol-version'];
  if (claim !== undefined && header !== undefined && claim !== header) return errorAnswer(message.id, { code: rpcCodes.headerMismatch, message: 'the header `MCP-Protocol-Version` does not say what the body says' }, 400);
  if (era === 'stateless') {
    const missing = missingMeta(message.params);
    if (missing !== undefined) return errorAnswer(message.id, { code: rpcCodes.params, message: `expected \`_meta\` with \`${missing}\`` }, 400);
    if (claim !== statelessVersion) return errorAnswer(message.id, { code: rpcCodes.version, message: 'this version is not spoken here', data: { supported: [statelessVersion], requested: claim ?? '' } }, 400);
    const mismatch = headerMismatch(request.headers, message);
    if (mismatch !== undefined) return errorAnswer(message.id, { code: rpcCodes.headerMismatch, message: `the header \`${mismatch}\` is missing or does not say what the body says` }, 400);
  }
  if (isMethodOf(era, message.method)) return undefined;
  return errorAnswer(message.id, { code: rpcCodes.methodNotFound, message: 'method not found' }, era === 'stateless' ? 404 : 200);
}

/** Knows who calls before anything else is done with a request. Throws `unauthenticated` or `identity_refused`. */
async function toExchange(port: GatewayPort, request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const caller = callerOf(request);
  const { principal } = await identified(port, received(port, caller, { upstream: '', method: 'connect', name: '', params: {}, args: {} }, 0));
  return { request, response, caller, principal: principalKey(principal) };
}

export function callerOf(request: IncomingMessage): Caller {
  const match = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(request.headers.authorization ?? '');
  const session = request.headers['flyball-session'];
  return {
    presented: match?.[1] === undefined ? { kind: 'none' } : { kind: 'bearer', token: new Secret(match[1]) },
    ...(typeof session === 'string' && { sessionHandle: session }),
    address: request.socket.remoteAddress ?? '',
    gateway: 'mcp-http',
  };
}

const principalKey = ({ identity, onBehalfOf }: Principal): string => JSON.stringify([identity.id, onBehalfOf ?? null]);

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > limits.requestBytesMax) throw new FlyballError('request_too_large', `expected at most ${limits.requestBytesMax} bytes`);
    parts.push(part);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

const metadata = ({ resource, authorizationServers }: ListenerSettings): JsonObject => ({ resource, authorization_servers: authorizationServers, bearer_methods_supported: ['header'] });

function statusOf(error: FlyballError | undefined): number {
  switch (error?.code) {
    case 'unauthenticated':
      return 401;
    case 'identity_refused':
    case 'session_refused':
      return 403;
    case 'request_too_large':
      return 413;
    case 'request_malformed':
      return 400;
    case 'not_found':
      return 404;
    case 'already_settled':
      return 409;
    case 'performed_failed':
    case 'performed_unknown':
      return 502;
    default:
      return 503;
  }
}

const toRpcError = (error: FlyballError) => ({ code: rpcCodes.denied, message: error.message });

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?')[0] ?? '/';

/** An error in the form of its path: JSON-RPC where MCP is spoken, else a code of docs/errors.md. */
function refuse(response: ServerResponse, settings: ListenerSettings, path: string, { code, message }: FlyballError, status: number): void {
  const speaksMcp = path === '/mcp' || path.startsWith('/mcp/');
  reply(response, speaksMcp ? errorAnswer(null, { code: code === 'not_found' ? rpcCodes.invalid : rpcCodes.denied, message }, status) : { status, text: JSON.stringify({ error: { code, message } }) }, settings);
}

/** Where whoever has no token, or a wrong one, learns how to get one (RFC 9728, section 5.1). */
export const challengeOf = (resource: string): string => `Bearer resource_metadata="${new URL(metadataPath, resource).href}", error="invalid_token"`;

function reply(response: ServerResponse, { status, text, headers }: Answer, { resource }: ListenerSettings): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const challenge = status === 401 ? { 'www-authenticate': challengeOf(resource) } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 413 && { connection: 'close' }), ...challenge, ...headers }).end(text);
}

function json(response: ServerResponse, status: number, value: JsonObject): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
