import { isObject, type JsonObject } from '@flyball/protocol';
import { randomHandle } from '../../lib/ids.js';
import { errorAnswer, rpcCodes } from './answers.js';
import type { Era } from './eras.js';
import { Hub, type HubUpstream } from './hub.js';
import type { Audience } from './conversation.js';
import { errorText, idKey, type RequestId, type RpcMessage, type RpcRequest, writeMessage } from './message.js';
import type { GatewayPort } from './port.js';
import type { Exchange } from './relay-passing.js';
import { HttpSink } from './sink.js';
import { isWaitCall } from './wait-tool.js';

/** One client's connection: its hub, the requests that are under way, and the stream for what comes by itself. */
class Client implements Audience {
  readonly id = randomHandle();
  readonly hub: Hub;
  readonly sinks = new Map<string, HttpSink>();
  readonly cancels = new Map<string, AbortController>();
  readonly listeners = new Map<RequestId, HttpSink>();
  standing: HttpSink | undefined;

  constructor(
    port: GatewayPort,
    upstreams: readonly HubUpstream[],
    readonly principal: string,
    private readonly era: Era,
  ) {
    this.hub = new Hub(port, upstreams, this);
  }

  hear(message: RpcMessage, during: RequestId | undefined): void {
    if (this.era === 'stateless') return this.#hearStateless(message, during);
    const sink = (during === undefined ? undefined : this.sinks.get(idKey(during))) ?? this.standing;
    if (sink) void sink.send({ data: writeMessage(message) });
    else if (message.kind === 'request') void this.hub.respond({ kind: 'response', id: message.id, error: { code: rpcCodes.methodNotFound, message: 'the client listens to no stream' } });
  }

  /** Clients of the stateless era take no requests, and notifications only where they asked for them. */
  #hearStateless(message: RpcMessage, during: RequestId | undefined): void {
    if (message.kind === 'request') void this.hub.respond({ kind: 'response', id: message.id, error: { code: rpcCodes.methodNotFound, message: 'the client cannot be asked' } });
    else if (message.kind === 'notification' && message.method.endsWith('/list_changed')) {
      for (const [id, sink] of this.listeners) void sink.send({ data: writeMessage({ ...message, params: { ...message.params, _meta: { 'io.modelcontextprotocol/subscriptionId': id } } }) });
    } else if (message.kind === 'notification' && message.method === 'notifications/progress' && during !== undefined) {
      void this.sinks.get(idKey(during))?.send({ data: writeMessage(message) });
    }
  }
}

const clientsOfOneMost = 100;

/** An MCP server over streamable HTTP whose tools are those of its upstreams. */
export class HubEndpoint {
  readonly #clients = new Map<string, Client>();

  constructor(
    private readonly port: GatewayPort,
    private readonly upstreams: readonly HubUpstream[],
  ) {}

  async post(exchange: Exchange, message: RpcMessage, era: Era): Promise<void> {
    const client = await this.#client(exchange, message, era);
    if (!client) return unknownSession(exchange);
    if (message.kind === 'request') return this.#request(exchange, message, era, client);
    if (message.kind === 'response') await client.hub.respond(message);
    else {
      const cancelled = message.method === 'notifications/cancelled' ? message.params['requestId'] : undefined;
      if (typeof cancelled === 'string' || typeof cancelled === 'number') client.cancels.get(idKey(cancelled))?.abort();
      await client.hub.notify(message.method, message.params);
    }
    exchange.response.writeHead(202).end();
  }

  get(exchange: Exchange): Promise<void> {
    const client = this.#named(exchange);
    if (!client) return Promise.resolve(unknownSession(exchange));
    const sink = new HttpSink(exchange.response);
    sink.open();
    client.standing = sink;
    return new Promise((resolve) => exchange.response.once('close', () => {
      if (client.standing === sink) client.standing = undefined;
      resolve();
    }));
  }

  async delete(exchange: Exchange): Promise<void> {
    const client = this.#named(exchange);
    if (!client) return unknownSession(exchange);
    this.#clients.delete(client.id);
    await client.hub.close();
    exchange.response.writeHead(204).end();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.hub.close()));
    this.#clients.clear();
  }

  /** `initialize` begins a connection; a stateless request shares one with its principal's others; all else names its own. */
  async #client(exchange: Exchange, message: RpcMessage, era: Era): Promise<Client | undefined> {
    if (era === 'stateless') return this.#shared(exchange.principal);
    if (message.kind !== 'request' || message.method !== 'initialize' || exchange.request.headers['mcp-session-id'] !== undefined) return this.#named(exchange);
    const client = new Client(this.port, this.upstreams, exchange.principal, era);
    await this.#keep(client.id, client);
    return client;
  }

  async #shared(principal: string): Promise<Client> {
    const key = `stateless ${principal}`;
    const known = this.#clients.get(key);
    if (known) return known;
    const client = new Client(this.port, this.upstreams, principal, 'stateless');
    await this.#keep(key, client);
    return client;
  }

  async #keep(key: string, client: Client): Promise<void> {
    this.#clients.set(key, client);
    // Whoever opens too many loses their own oldest, never somebody else's.
    const own = [...this.#clients].filter(([, known]) => known.principal === client.principal);
    const [oldest] = own;
    if (own.length <= clientsOfOneMost || !oldest) return;
    this.#clients.delete(oldest[0]);
    await oldest[1].hub.close();
  }

  /** A connection that was not allowed to begin is none. */
  async #drop(client: Client): Promise<void> {
    this.#clients.delete(client.id);
    await client.hub.close();
  }

  #named({ request, principal }: Exchange): Client | undefined {
    const id = request.headers['mcp-session-id'];
    const client = typeof id === 'string' && !id.startsWith('stateless ') ? this.#clients.get(id) : undefined;
    return client?.principal === principal ? client : undefined;
  }

  async #request(exchange: Exchange, request: RpcRequest, era: Era, client: Client): Promise<void> {
    const begins = request.method === 'initialize';
    let begun = false;
    const sink = new HttpSink(exchange.response, () => (begins && begun ? { 'mcp-session-id': client.id } : {}) as Record<string, string>);
    if (request.method === 'subscriptions/listen') return this.#listen(exchange, request, client, sink);
    const key = idKey(request.id);
    if (client.sinks.has(key) && era === 'sessions') return sink.answer(400, errorText(request.id, { code: rpcCodes.invalid, message: 'a request with this id is under way' }));
    const cancel = new AbortController();
    // Waiting has no effect that would have to go on when nobody listens any more.
    if (era === 'stateless' || isWaitCall(request)) exchange.response.once('close', () => cancel.abort());
    client.sinks.set(key, sink);
    client.cancels.set(key, cancel);
    try {
      const answer = await client.hub.request(request, era, exchange.caller, exchange.principal, cancel.signal);
      begun = answer.text.includes('"result":');
      if (begins && !begun) await this.#drop(client);
      await sink.answer(answer.status, answer.text, {}, answer.headers);
    } finally {
      client.sinks.delete(key);
      client.cancels.delete(key);
    }
  }

  /** A stream of what changes. What is not offered here is not acknowledged. */
  async #listen({ response, caller }: Exchange, request: RpcRequest, client: Client, sink: HttpSink): Promise<void> {
    const decided = await client.hub.request(request, 'stateless', caller, client.principal);
    if (decided.status !== 200 || decided.text.includes('"error"')) return sink.answer(decided.status, decided.text, {}, decided.headers);
    const wished = isObject(request.params['notifications']) ? request.params['notifications'] : {};
    const honoured: JsonObject = Object.fromEntries(Object.entries(wished).filter(([name, value]) => name.endsWith('ListChanged') && value === true));
    const meta = { 'io.modelcontextprotocol/subscriptionId': request.id };
    client.listeners.set(request.id, sink);
    await sink.send({ data: writeMessage({ kind: 'notification', method: 'notifications/subscriptions/acknowledged', params: { _meta: meta, notifications: honoured } }) });
    await new Promise<void>((resolve) => response.once('close', () => resolve()));
    client.listeners.delete(request.id);
  }
}

function unknownSession({ response }: Exchange): void {
  const { status, text } = errorAnswer(null, { code: rpcCodes.denied, message: 'no such MCP session; send `initialize` again' }, 404);
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}
