import { connect as connectSocket, type Socket } from 'node:net';
import { raw, type RawAnswer } from './mcp.js';

/** Both ways to one upstream: the relay, which passes bytes, and the hub, which speaks for itself. */
export const paths = ['/mcp/canary', '/mcp'] as const;

const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'wire', version: '1' } };

export const rpc = (id: unknown, method: string, params: unknown = {}): string => JSON.stringify({ jsonrpc: '2.0', id, method, params });
export const toolCall = (name: unknown, args: unknown = {}, id: unknown = 7): string => rpc(id, 'tools/call', { name, arguments: args });

/** A stateless request of 2026-07-28 and the headers that go with it. */
export function stateless(id: unknown, method: string, params: Readonly<Record<string, unknown>> = {}): { readonly body: string; readonly headers: Readonly<Record<string, string>> } {
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const name = params['name'] ?? params['uri'] ?? params['taskId'];
  return {
    body: rpc(id, method, { _meta: meta, ...params }),
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...(typeof name === 'string' && { 'mcp-name': name }) },
  };
}

/** A client without a library: an MCP session, and whatever bytes one likes on it. */
export class WireClient {
  constructor(
    readonly url: string,
    readonly token: string,
    readonly session: string,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return raw(this.url, body, this.token, { ...(this.session !== '' && { 'mcp-session-id': this.session }), ...this.headers, ...headers });
  }

  call(name: unknown, args: unknown = {}, id: unknown = 7): Promise<RawAnswer> {
    return this.post(toolCall(name, args, id));
  }
}

export async function openWire(url: string, token: string, headers: Readonly<Record<string, string>> = {}, params: object = hello): Promise<WireClient> {
  const answer = await raw(url, rpc('hello', 'initialize', params), token, headers);
  const client = new WireClient(url, token, answer.headers.get('mcp-session-id') ?? '', headers);
  await client.post(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  return client;
}

/** What an answer says: the `result`, else the `error`. */
export function resultOf(answer: RawAnswer): Readonly<Record<string, unknown>> {
  const body = (answer.body ?? {}) as { result?: Record<string, unknown>; error?: Record<string, unknown> };
  return body.result ?? body.error ?? {};
}

export const textOf = (answer: RawAnswer): string => ((resultOf(answer)['content'] as { text?: string }[] | undefined) ?? []).map(({ text }) => text ?? '').join('\n');

/** True for every answer that says that the call was not made: a JSON-RPC error, or a tool result that is one. */
export function isRefusal(answer: RawAnswer): boolean {
  const body = (answer.body ?? {}) as { result?: { isError?: boolean }; error?: object };
  return answer.status >= 400 || body.error !== undefined || body.result?.isError === true;
}

export const socketTo = (url: string): Socket => {
  const { hostname, port } = new URL(url);
  return connectSocket(Number(port), hostname);
};

/** The head of an HTTP request, as text. */
export function head(url: string, bytes: number, token: string, headers: Readonly<Record<string, string>> = {}): string {
  const { host, pathname } = new URL(url);
  const all = { host, 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${token}`, 'content-length': String(bytes), connection: 'close', ...headers };
  return `POST ${pathname} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

const silenceMs = 1_500;

/** Sends pieces, one after the other in packets of their own; resolves with all that came back when the connection ends or falls silent. */
export async function inPieces(url: string, pieces: Iterable<string | Uint8Array>): Promise<string> {
  const socket = socketTo(url).setNoDelay(true);
  let text = '';
  let ended: () => void = () => undefined;
  const end = new Promise<void>((done) => (ended = done));
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    socket.setTimeout(silenceMs, ended);
  });
  socket.on('error', () => undefined).on('close', () => ended());
  await new Promise<void>((done) => socket.once('connect', () => done()));
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((done) => setTimeout(done, 1));
  }
  await end;
  socket.destroy();
  return text;
}

/** What a promise brings in time, else nothing: for what must not wait for ever. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = new Promise<undefined>((done) => setTimeout(() => done(undefined), ms).unref());
  return Promise.race([promise.catch(() => undefined), late]);
}
