import type { IncomingHttpHeaders } from 'node:http';
import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { type Ending, run } from '../../action/run.js';
import type { Issued, Received, Result, ToolDefinition } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { hasTwins } from '../../lib/strict-json.js';
import { type Answer, errorAnswer, promiseHeader, rpcCodes } from './answers.js';
import { targetOf, toCall, withArguments } from './call.js';
import { type Era } from './eras.js';
import { type Frame, readFrames } from './frames.js';
import { answerUnreleased, withoutHoldState } from './hold-answers.js';
import { answerHeldTask, type HeldEndpoint, requestFor, waitForRetry } from './hold-requests.js';
import type { PerformHeld } from './hold-tasks.js';
import { encodeHeader } from './http-guards.js';
import { parameterHeaders, parameterMismatch } from './parameter-headers.js';
import type { HttpUpstream, UpstreamReply } from './http-upstream.js';
import { filterTools } from './list-filter.js';
import { errorText, idKey, type RequestId, type RpcMessage, type RpcRequest, type RpcResponse, writeMessage } from './message.js';
import { type GatewayPort, received, recorded } from './port.js';
import { type Pending, RelayConnection, RelayConnections } from './relay-connection.js';
import { type Delivery, parseMessage, pendingFor, refusedByUpstream } from './relay-delivery.js';
import { closing, endOfListening, type Exchange, lastText, type Passing, unknownConnection, withoutProgress } from './relay-passing.js';
import { openState, sealState } from './request-state.js';
import { HttpSink, nobody, type Sink } from './sink.js';
import { heldTaskOf, withTasks } from './tasks-extension.js';

export interface RelaySettings {
  readonly timeoutMs: number;
  /** Lets tools be called that the server does not list, if the catalogue has them. */
  readonly unlisted: boolean;
}

/**
 * Passes one client's MCP connection over HTTP on to one upstream over HTTP, message by message: what the
 * upstream says comes through as it is, and every request is an attempt first.
 */
export class HttpRelay {
  readonly #connections = new RelayConnections();

  constructor(
    private readonly port: GatewayPort,
    private readonly upstream: HttpUpstream,
    private readonly settings: RelaySettings,
  ) {}

  async post(exchange: Exchange, message: RpcMessage, era: Era): Promise<void> {
    const connection = this.#connection(exchange);
    if (!connection) return unknownConnection(exchange.response);
    if (message.kind === 'request' && message.method !== 'ping') return this.#request(exchange, message, era, connection);
    if (message.kind === 'notification' && message.method === 'notifications/cancelled') this.#cancel(connection, message.params['requestId']);
    const reply = await this.upstream.exchange({ method: 'POST', headers: this.#headers(exchange.request.headers, connection), body: writeMessage(message), signal: AbortSignal.timeout(this.settings.timeoutMs) });
    if (message.kind === 'request') return new HttpSink(exchange.response).answer(reply.status, await lastText(reply));
    reply.discard();
    exchange.response.writeHead(reply.status).end();
  }

  /** The stream for what the upstream says by itself, and for what was missed when another one broke. */
  async get(exchange: Exchange): Promise<void> {
    const connection = this.#connection(exchange);
    if (!connection) return unknownConnection(exchange.response);
    const abort = new AbortController();
    exchange.response.once('close', () => abort.abort());
    const reply = await this.upstream.exchange({ method: 'GET', headers: this.#headers(exchange.request.headers, connection), signal: abort.signal });
    if (reply.status !== 200) {
      reply.discard();
      exchange.response.writeHead(reply.status).end();
      return;
    }
    const sink = new HttpSink(exchange.response);
    sink.open();
    await this.#pump(reply, connection, sink).catch(() => undefined);
    sink.end();
  }

  async delete(exchange: Exchange): Promise<void> {
    const connection = this.#connection(exchange);
    if (!connection?.upstreamSession) return unknownConnection(exchange.response);
    const reply = await this.upstream.exchange({ method: 'DELETE', headers: this.#headers(exchange.request.headers, connection), signal: AbortSignal.timeout(this.settings.timeoutMs) });
    reply.discard();
    if (reply.status < 300 || reply.status === 404) this.#connections.close(connection.id);
    exchange.response.writeHead(reply.status).end();
  }

  close(): Promise<void> {
    return this.upstream.close();
  }

  /** The named connection; a passing one for what comes without a name; nothing for a name that is not the caller's. */
  #connection({ request, principal }: Exchange): RelayConnection | undefined {
    const id = request.headers['mcp-session-id'];
    return typeof id === 'string' ? this.#connections.find(id, principal) : new RelayConnection(principal, undefined);
  }

  async #request(exchange: Exchange, sent: RpcRequest, era: Era, from: RelayConnection): Promise<void> {
    let connection = from;
    const delivery: Delivery = pendingFor(new HttpSink(exchange.response, () => ({ ...(connection !== from && { 'mcp-session-id': connection.id }), ...promiseHeader(delivery.promise) })), () => cancel.abort());
    const cancel = new AbortController();
    const listens = sent.method === 'subscriptions/listen';
    if (era === 'stateless' && !listens) exchange.response.once('close', () => cancel.abort());
    if (connection.pending.has(idKey(sent.id))) return delivery.sink.answer(400, errorText(sent.id, { code: rpcCodes.invalid, message: 'a request with this id is under way' }));
    connection.pending.set(idKey(sent.id), delivery);
    const opened = (session: string) => (connection = this.#connections.open(exchange.principal, session));
    const { request, hold } = era === 'stateless' ? withoutHoldState(sent) : { request: sent, hold: undefined };
    const ending = await this.#run({ exchange, request, era, connection, delivery, opened }, hold, listens ? undefined : cancel.signal);
    await this.#deliver(request, ending, delivery, { era, waited: hold !== undefined });
    connection.pending.delete(idKey(sent.id));
    delivery.finish();
  }

  /** Sends the request on, as it was decided on, and takes back what comes. */
  async #perform({ exchange, request, era, connection, delivery, opened }: Passing, issued: Issued, signal: AbortSignal): Promise<Result> {
    delivery.promise = issued.intent.promise;
    const listens = request.method === 'subscriptions/listen';
    const unsealed = openState(request, exchange.principal);
    const outgoing = { ...unsealed, params: withArguments(unsealed.method, unsealed.params, issued.effectiveArgs) };
    const ended = listens ? closing(exchange.response, signal) : signal;
    const reply = await this.upstream.exchange({ method: 'POST', headers: { ...this.#headers(exchange.request.headers, connection, outgoing), ...parameterHeaders(issued.call.tool, issued.effectiveArgs) }, body: writeMessage(outgoing), signal: ended });
    const on = reply.session !== undefined && request.method === 'initialize' ? opened(reply.session) : connection;
    if (reply.status >= 400) return refusedByUpstream(reply, delivery);
    const answered = this.#answer(reply, on, request.id, delivery, era);
    const raw = await (listens ? answered.catch(endOfListening(ended)) : answered);
    this.port.tasks.learn(issued, exchange.principal, raw);
    const result = this.port.tasks.inspect(request.method, issued.call.name, exchange.principal, raw, this.port.stages);
    delivery.rewritten = result !== raw;
    if (result.kind === 'error') return result;
    const value = await this.#shown(exchange, request, issued, result.value);
    delivery.rewritten ||= value !== result.value;
    return { ...result, value };
  }

  /** What came back as this client may have it; the same object where its bytes can pass as they are. */
  async #shown(exchange: Exchange, request: RpcRequest, issued: Issued, value: JsonObject): Promise<JsonObject> {
    if (request.method === 'tools/list') return filterTools(this.port, issued, this.upstream.name, value);
    if (request.method === 'server/discover' && this.port.waiting.offers) return withTasks(value);
    return sealState(value, exchange.principal, request);
  }

  async #run(passing: Passing, hold: string | undefined, cancel: AbortSignal | undefined): Promise<Ending | Answer> {
    const { exchange, request, era } = passing;
    const gone = cancel ?? new AbortController().signal;
    try {
      const held = heldTaskOf(request, era);
      if (held !== undefined) return await answerHeldTask(this.port, request, exchange.caller, held, this.#held(exchange, request, era), gone);
      if (hold !== undefined) await waitForRetry(this.port, request, exchange.caller, hold, gone);
      const name = targetOf(request);
      this.port.tasks.verifyOwner(this.upstream.name, request.method, name, exchange.principal);
      openState(request, exchange.principal);
      const { attempt, found } = await this.#attempt(passing);
      const wrong = request.method === 'tools/call' ? parameterMismatch(exchange.request.headers, found, attempt.call.args) : undefined;
      if (wrong !== undefined) return errorAnswer(request.id, { code: rpcCodes.headerMismatch, message: `the header \`${wrong}\` does not say what the body says` }, 400);
      return await run(attempt, this.port.stages, (issued, signal) => this.#perform(passing, issued, signal), cancel);
    } catch (error) {
      if (!(error instanceof FlyballError)) throw error;
      return errorAnswer(request.id, { code: error.code === 'request_malformed' ? rpcCodes.params : rpcCodes.internal, message: error.message });
    }
  }

  async #attempt({ exchange, request, connection }: Passing): Promise<{ readonly attempt: Received; readonly found: ToolDefinition | undefined }> {
    const timeoutMs = request.method === 'subscriptions/listen' ? limits.attemptMsMax : this.settings.timeoutMs;
    const name = targetOf(request);
    const attempt = (tool?: ToolDefinition) => received(this.port, exchange.caller, toCall(this.upstream.name, request, tool, name), timeoutMs);
    const found = request.method === 'tools/call' ? await recorded(this.port, attempt, this.#tool(name, exchange, request, connection)) : undefined;
    return { attempt: attempt(found), found };
  }

  /** Tasks of holds on this upstream, carried out on a connection of their own that nobody listens to. */
  #held(exchange: Exchange, poll: RpcRequest, era: Era): HeldEndpoint {
    const perform: PerformHeld = async (call, stages) => {
      const connection = new RelayConnection(exchange.principal, undefined);
      const passing: Passing = { exchange, request: requestFor(call, poll, this.port.newId()), era, connection, delivery: pendingFor(nobody, () => undefined), opened: () => connection };
      const { attempt } = await this.#attempt(passing);
      return run(attempt, stages, (issued, signal) => this.#perform(passing, issued, signal)).finally(() => passing.delivery.finish());
    };
    return { reaches: (upstream) => upstream === this.upstream.name, perform };
  }

  /** A tool's definition from the server itself. One that it does not list is unknown, so nobody can have agreed to it. */
  async #tool(name: string, exchange: Exchange, request: RpcRequest, connection: RelayConnection): Promise<ToolDefinition | undefined> {
    const meta = isObject(request.params['_meta']) ? { _meta: withoutProgress(request.params['_meta']) } : {};
    const list = async (cursor: string | undefined): Promise<JsonObject> => {
      const ask: RpcRequest = { kind: 'request', id: `flyball-${this.port.newId()}`, method: 'tools/list', params: { ...meta, ...(cursor !== undefined && { cursor }) } };
      const reply = await this.upstream.exchange({ method: 'POST', headers: this.#headers(exchange.request.headers, connection, ask), body: writeMessage(ask), signal: AbortSignal.timeout(this.settings.timeoutMs) });
      for await (const frame of readFrames(reply.body, reply.contentType)) {
        const message = parseMessage(frame.data);
        if (message?.kind === 'response' && message.id === ask.id) return message.result ?? {};
      }
      return {};
    };
    const tool = await this.port.tools.find(this.upstream.name, name, list);
    if (tool || this.settings.unlisted) return tool;
    return { name, digest: 'sha256:', accepted: false, definition: {} };
  }

  /** The answer to one request, whichever stream of the connection it comes on. */
  async #answer(reply: UpstreamReply, connection: RelayConnection, id: RequestId, delivery: Delivery, era: Era): Promise<Result> {
    let resolve: (result: Result) => void = () => undefined;
    const answer = new Promise<Result>((done) => (resolve = done));
    let resumable = false;
    const pending: Pending = Object.assign(delivery, {
      answer: (response: RpcResponse) => resolve(response.error ? { kind: 'error', value: { error: response.error as unknown as JsonObject } } : { kind: 'result', value: response.result ?? {} }),
    });
    connection.pending.set(idKey(id), pending);
    const ended = this.#pump(reply, connection, delivery.sink, (frame) => (resumable ||= frame.id !== undefined && era === 'sessions')).then(() => {
      if (delivery.frame) return;
      if (resumable && connection.upstreamSession !== undefined) delivery.sink.end();
      else throw new FlyballError('performed_unknown', 'the upstream server ended without an answer');
    });
    // A stream that ends early on a connection that can be resumed brings its answer later, on another one.
    return Promise.race([answer, ended.then(() => answer)]);
  }

  async #pump(reply: UpstreamReply, connection: RelayConnection, sink: Sink, see: (frame: Frame) => void = () => undefined): Promise<void> {
    for await (const frame of readFrames(reply.body, reply.contentType)) {
      see(frame);
      const message = parseMessage(frame.data);
      const pending = message?.kind === 'response' && message.id !== null ? connection.pending.get(idKey(message.id)) : undefined;
      if (message?.kind === 'response' && pending) {
        Object.assign(pending, { sink, frame });
        // A server that answers with a stream may have more to say on it; its client is given one too.
        if (reply.contentType.includes('text/event-stream')) sink.open();
        pending.answer(message);
        await pending.delivered;
        if (reply.contentType.includes('application/json')) return;
      } else if (message && message.kind !== 'response') {
        if (message.method === 'notifications/tools/list_changed') this.port.tools.invalidate(this.upstream.name);
        await sink.send({ ...frame, data: writeMessage(message) });
      } else if (frame.data === '') await sink.send(frame);
    }
  }

  #cancel(connection: RelayConnection, id: Json | undefined): void {
    if (typeof id === 'string' || typeof id === 'number') connection.pending.get(idKey(id))?.cancel();
  }

  async #deliver(request: RpcRequest, ending: Ending | Answer, delivery: Delivery, { era, waited }: { readonly era: Era; readonly waited: boolean }): Promise<void> {
    if (!('kind' in ending)) return delivery.sink.answer(ending.status, ending.text);
    if (ending.kind !== 'released') {
      // The relay shows its server's own tools and no other, so it has none to wait with.
      const answer = answerUnreleased(request, ending, { era, offersWait: false, waited, nowMs: this.port.stages.clock.now(), couldAllow: (situated) => this.port.couldAllow(situated) });
      return delivery.sink.answer(answer.status, answer.text, {}, answer.headers);
    }
    const { released, result } = ending.inspected;
    const { data, event, id, retry } = delivery.frame ?? { data: '' };
    const around = { ...(event !== undefined && { event }), ...(id !== undefined && { id }), ...(retry !== undefined && { retry }) };
    // Bytes that another parser could read in another way are written anew, as they were judged.
    const untouched = data !== '' && released === result && !delivery.rewritten && !hasTwins(data);
    const text = untouched ? data : JSON.stringify({ jsonrpc: '2.0', id: request.id, ...(released.kind === 'error' ? released.value : { result: released.value }) });
    await delivery.sink.answer(delivery.status, text, around);
  }

  /** Headers for the upstream: the protocol's own, never the client's credentials. */
  #headers(incoming: IncomingHttpHeaders, connection: RelayConnection, request?: RpcRequest): Record<string, string> {
    const passed = ['mcp-protocol-version', 'last-event-id'];
    const copied = Object.fromEntries(passed.flatMap((name) => (typeof incoming[name] === 'string' ? [[name, incoming[name]]] : [])));
    const stateless = incoming['mcp-method'] !== undefined && request;
    return {
      ...copied,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(connection.upstreamSession !== undefined && { 'mcp-session-id': connection.upstreamSession }),
      ...(stateless && { 'mcp-method': request.method }),
      ...(stateless && typeof incoming['mcp-name'] === 'string' && request.method !== 'tools/list' && { 'mcp-name': encodeHeader(targetOf(request)) }),
    };
  }
}
