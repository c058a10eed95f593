import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What reached an upstream, exactly. */
export interface Seen {
  readonly http: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly id: unknown;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export type ToolSpec = Readonly<Record<string, unknown>> & { readonly name: string };

/** Answers one request in a way of its own; anything but `true` leaves it to the ordinary answers. */
export type Behaviour = (seen: Seen, response: ServerResponse) => boolean | undefined;

export const tool = (name: string, extra: Readonly<Record<string, unknown>> = {}): ToolSpec => ({ name, description: `Does ${name}`, inputSchema: { type: 'object' }, ...extra });

/** An MCP server over HTTP in this process, whose every byte the test decides. */
export class Upstream {
  readonly seen: Seen[] = [];
  behaviour: Behaviour = () => undefined;
  stop: () => void = () => undefined;
  url = '';

  constructor(public tools: readonly ToolSpec[]) {}

  /** Requests of one method, or those for one tool. */
  of(method: string, name?: string): readonly Seen[] {
    return this.seen.filter((seen) => seen.method === method && (name === undefined || seen.params['name'] === name));
  }

  answer(seen: Seen, response: ServerResponse): void {
    if (this.behaviour(seen, response) === true) return;
    if (seen.http !== 'POST') return void response.writeHead(405).end();
    if (seen.id === undefined) return void response.writeHead(202).end();
    const result = this.#ordinary(seen);
    if (result) json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, result }), seen.method === 'initialize' ? { 'mcp-session-id': `u-${Math.random()}` } : {});
    else json(response, JSON.stringify({ jsonrpc: '2.0', id: seen.id, error: { code: -32601, message: 'method not found' } }));
  }

  #ordinary({ method, params }: Seen): object | undefined {
    switch (method) {
      case 'initialize':
        return { protocolVersion: params['protocolVersion'], capabilities: { tools: { listChanged: true }, resources: {}, prompts: {} }, serverInfo: { name: 'upstream', version: '1' } };
      case 'server/discover':
        return { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 0, cacheScope: 'public' };
      case 'ping':
        return {};
      case 'tools/list':
        return { tools: this.tools };
      case 'tools/call':
        return { content: [{ type: 'text', text: `done ${String(params['name'])}` }] };
      default:
        return undefined;
    }
  }
}

export function json(response: ServerResponse, text: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text);
}

/** Begins a stream of events; each text is sent as it is. */
export function stream(response: ServerResponse, ...events: string[]): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  events.forEach((text) => response.write(text));
  return response;
}

export const event = (message: unknown): string => `data: ${JSON.stringify(message)}\n\n`;

export async function startUpstream(tools: readonly ToolSpec[], behaviour?: Behaviour): Promise<Upstream> {
  const upstream = new Upstream(tools);
  if (behaviour) upstream.behaviour = behaviour;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    response.on('error', () => undefined);
    request.on('error', () => undefined).on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const message = (text === '' ? {} : JSON.parse(text)) as { id?: unknown; method?: string; params?: Record<string, unknown> };
      const seen: Seen = { http: request.method ?? '', headers: request.headers, text, id: message.id, method: message.method ?? '', params: message.params ?? {} };
      upstream.seen.push(seen);
      upstream.answer(seen, response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  upstream.stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return upstream;
}
