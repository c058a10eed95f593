import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import { type Ending, run } from '../../action/run.js';
import type { Stages } from '../../action/stages.js';
import type { Issued, Result, ToolDefinition } from '../../action/states.js';
import { type Answer, errorAnswer, rpcCodes, withPromise } from './answers.js';
import { targetOf, toCall, withArguments } from './call.js';
import { type Audience, Conversation } from './conversation.js';
import { type Era, sessionVersions } from './eras.js';
import { answerUnreleased, resultAnswer, withoutHoldState } from './hold-answers.js';
import { answerHeldTask, requestFor, waitForRetry } from './hold-requests.js';
import type { PerformHeld } from './hold-tasks.js';
import { type Introduction, mergeIntroductions, serverInfo, toDiscovery, toSessions, toStateless } from './hub-merge.js';
import { type Destination, destinationOf, isForEveryone, isNobodys, itemsOf, listedIn, type Namespace, ownName, Owners, prefixed, refusingNobodys } from './hub-names.js';
import { limits } from '../../lib/limits.js';
import type { OpenLink } from './link.js';
import { filterTools } from './list-filter.js';
import type { RpcRequest, RpcResponse } from './message.js';
import { type Caller, type GatewayPort, received, recorded } from './port.js';
import { heldTaskOf, missingCapability, withTasks } from './tasks-extension.js';
import { callWaitTool, isWaitCall, withWaitTool } from './wait-tool.js';

export interface HubUpstream extends Namespace {
  readonly open: OpenLink;
  readonly timeoutMs: number;
  readonly unlisted: boolean;
}

/** What one attempt needs beside the request. */
interface Attempting {
  readonly era: Era;
  readonly caller: Caller;
  readonly owner: string;
  readonly destination: Destination;
  readonly stages: Stages;
  readonly cancel?: AbortSignal;
}

const reconnectEveryMs = 1_000;

/**
 * One client's connection to one or several upstreams that are reached by messages: a child's pipes, or
 * HTTP of our own. To the client it is one server.
 */
export class Hub {
  readonly #conversations = new Map<string, Conversation>();
  readonly #owners = new Owners();
  readonly #audience: Audience;
  #introductions: readonly Introduction[] = [];
  #opening: Promise<void> | undefined;
  #reconnecting: Promise<void> = Promise.resolve();
  #reconnectedAtMs = 0;

  constructor(
    private readonly port: GatewayPort,
    private readonly upstreams: readonly HubUpstream[],
    audience: Audience,
  ) {
    this.#audience = {
      hear: (message, during, upstream) => {
        if (message.kind === 'notification' && message.method === 'notifications/tools/list_changed') port.tools.invalidate(upstream);
        audience.hear(message, during, upstream);
      },
    };
  }

  /** Name under which requests that concern the whole endpoint are decided. */
  get name(): string {
    return this.upstreams.length === 1 ? (this.upstreams[0]?.upstream ?? ownName) : ownName;
  }

  async request(sent: RpcRequest, era: Era, caller: Caller, owner: string, cancel: AbortSignal = new AbortController().signal): Promise<Answer> {
    if (sent.method === 'ping') return resultAnswer(sent, {});
    try {
      const own = await this.#aboutHolds(sent, era, caller, owner, cancel);
      if (own) return own;
      const { request, hold } = era === 'stateless' ? withoutHoldState(sent) : { request: sent, hold: undefined };
      if (hold !== undefined) await waitForRetry(this.port, request, caller, hold, cancel);
      const destination = destinationOf(request, targetOf(request), this.upstreams, this.#owners);
      const ending = await this.#attempt(request, { era, caller, owner, destination, stages: this.port.stages, cancel });
      if (ending.kind !== 'released') return answerUnreleased(request, ending, { era, offersWait: this.port.waiting.offers, waited: hold !== undefined, nowMs: this.port.stages.clock.now(), couldAllow: (situated) => this.port.couldAllow(situated) });
      const { released: { kind, value }, intent } = ending.inspected;
      return { status: 200, text: JSON.stringify({ jsonrpc: '2.0', id: request.id, ...(kind === 'error' ? value : { result: withPromise(value, intent.promise) }) }) };
    } catch (error) {
      if (!(error instanceof FlyballError)) throw error;
      return errorAnswer(sent.id, { code: error.code === 'request_malformed' ? rpcCodes.params : rpcCodes.internal, message: error.message });
    }
  }

  /** What is asked of Flyball itself: the tool to wait with, and the tasks of holds. */
  async #aboutHolds(request: RpcRequest, era: Era, caller: Caller, owner: string, gone: AbortSignal): Promise<Answer | undefined> {
    const { port } = this;
    if (isWaitCall(request)) return callWaitTool(port, request, { era, caller, gone, tell: (message) => this.#audience.hear(message, request.id, ownName) });
    const hold = heldTaskOf(request, era);
    if (hold === undefined) return era === 'stateless' && port.waiting.offers ? missingCapability(request) : undefined;
    const perform: PerformHeld = (call, stages) => this.#attempt(requestFor(call, request, port.newId()), { era, caller, owner, destination: call, stages });
    return answerHeldTask(port, request, caller, hold, { reaches: (name) => this.#upstream(name) !== undefined, perform }, gone);
  }

  async #attempt(request: RpcRequest, { era, caller, owner, destination, stages, cancel }: Attempting): Promise<Ending> {
    const { upstream, name } = destination;
    const target = targetOf(request);
    this.port.tasks.verifyOwner(upstream, request.method, target, owner);
    // The rewritten name is what is decided on and what is sent.
    const own = name === target ? request : { ...request, params: { ...request.params, name } };
    const nobodys = isNobodys(request.method, destination);
    // A call needs its tool's definition to be decided; all else connects to servers only when it is allowed.
    if (era === 'stateless' && request.method === 'tools/call' && !nobodys) await this.#connect(upstream);
    else if (era === 'stateless') await this.#reconnecting;
    else if (request.method !== 'initialize') await this.#begun();
    const timeoutMs = this.#upstream(upstream)?.timeoutMs ?? Math.max(...this.upstreams.map((one) => one.timeoutMs));
    const attempt = (known?: ToolDefinition) => received(this.port, caller, toCall(upstream, own, known, name), timeoutMs);
    if (nobodys) return run(attempt(), refusingNobodys(stages), () => Promise.reject(new FlyballError('internal', 'no upstream server has this')), cancel);
    const tool = own.method === 'tools/call' ? await recorded(this.port, attempt, this.#tool({ upstream, name })) : undefined;
    return run(attempt(tool), stages, (issued, signal) => this.#performed(own, era, issued, signal, owner), cancel);
  }

  async notify(method: string, params: JsonObject): Promise<void> {
    // A cancelled request's own signal tells its upstream, which knows it by another id.
    if (method === 'notifications/cancelled') return;
    await Promise.allSettled([...this.#conversations.values()].map((conversation) => conversation.tell(method, params)));
  }

  async respond(response: RpcResponse): Promise<void> {
    for (const conversation of this.#conversations.values()) if (await conversation.answer(response)) return;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#conversations.values()].map((conversation) => conversation.close()));
    this.#conversations.clear();
  }

  #upstream(name: string): HubUpstream | undefined {
    return this.upstreams.find((upstream) => upstream.upstream === name);
  }

  /** What came back, with tasks held to the call that they came from. */
  async #performed(request: RpcRequest, era: Era, issued: Issued, signal: AbortSignal, owner: string): Promise<Result> {
    const result = await this.#perform(request, era, issued, signal);
    this.port.tasks.learn(issued, owner, result);
    return this.port.tasks.inspect(request.method, issued.call.name, owner, result, this.port.stages);
  }

  async #perform(request: RpcRequest, era: Era, issued: Issued, signal: AbortSignal): Promise<Result> {
    const { method } = request;
    if (era === 'stateless') await this.#connect(issued.call.upstream);
    const params = era === 'stateless' ? toSessions(request.params) : request.params;
    if (method === 'initialize') return this.#initialize(params);
    // Whether this client may listen is all there is to decide; who sends to it is the endpoint's business.
    if (method === 'subscriptions/listen') return { kind: 'result', value: { resultType: 'complete' } };
    if (method === 'server/discover') return { kind: 'result', value: this.port.waiting.offers ? withTasks(toDiscovery(this.#introductions)) : toDiscovery(this.#introductions) };
    const withArgs = withArguments(method, params, issued.effectiveArgs);
    const conversation = this.#conversations.get(issued.call.upstream);
    if (!conversation && !isForEveryone(method)) throw new FlyballError('performed_failed', 'the upstream server is not connected; nothing was sent');
    const answered = conversation ? await this.#askOne(conversation, method, withArgs, request, issued, signal) : await this.#askAll(method, withArgs, request, issued, signal);
    const result = method === 'tools/list' && this.port.waiting.offers ? withWaitTool(answered, params) : answered;
    return era === 'stateless' && result.kind === 'result' ? { ...result, value: toStateless(method, result.value) } : result;
  }

  async #initialize(params: JsonObject): Promise<Result> {
    const capabilities = isObject(params['capabilities']) ? params['capabilities'] : {};
    await this.#introduce(capabilities, String(params['protocolVersion']), false, params['clientInfo'] as JsonObject | undefined);
    return { kind: 'result', value: mergeIntroductions(this.#introductions) };
  }

  /** A request that comes while the connection is still beginning waits for it; one that comes before is out of order. */
  async #begun(): Promise<void> {
    if (!this.#opening) throw new FlyballError('request_malformed', 'expected `initialize` first');
    await this.#opening;
  }

  /** A stateless client's connection. Nobody waits for a server that the request does not go to. */
  async #connect(upstream: string): Promise<void> {
    await this.#introduce({}, sessionVersions[0], true);
    const reconnected = this.#reconnectOnce();
    if (this.#conversations.get(upstream)?.isLost ?? true) await reconnected;
  }

  /** What was lost is looked for at once; what was never there, not more than once in a second. */
  #reconnectOnce(): Promise<void> {
    const now = this.port.stages.clock.now();
    const lost = [...this.#conversations.values()].some((conversation) => conversation.isLost);
    const absent = this.upstreams.length > this.#conversations.size && now - this.#reconnectedAtMs >= reconnectEveryMs;
    if (!lost && !absent) return this.#reconnecting;
    this.#reconnectedAtMs = now;
    this.#reconnecting = this.#reconnect();
    return this.#reconnecting;
  }

  /** Connects again to what was lost, or was not there: a stateless client cannot begin anew. */
  async #reconnect(): Promise<void> {
    const missing = this.upstreams.filter(({ upstream }) => this.#conversations.get(upstream)?.isLost ?? true);
    const params = { protocolVersion: sessionVersions[0], capabilities: {}, clientInfo: serverInfo };
    const opened = await Promise.all(missing.map((upstream) => this.#open(upstream, params, true)));
    const fresh = opened.filter((introduction) => introduction !== undefined);
    this.#introductions = [...this.#introductions.filter(({ upstream }) => !fresh.some((other) => other.upstream === upstream)), ...fresh];
  }

  /** Begins a connection to every upstream, once. One that does not come up is left out; without any there is nothing to offer. */
  #introduce(capabilities: JsonObject, protocolVersion: string, announce: boolean, clientInfo: JsonObject = serverInfo): Promise<void> {
    this.#opening ??= (async () => {
      const tried = await Promise.all(this.upstreams.map((upstream) => this.#open(upstream, { protocolVersion, capabilities, clientInfo }, announce)));
      this.#introductions = tried.filter((introduction) => introduction !== undefined);
      if (this.#introductions.length > 0) return;
      this.#opening = undefined;
      throw new FlyballError('performed_failed', 'no upstream server could be reached');
    })();
    return this.#opening;
  }

  async #open(upstream: HubUpstream, params: JsonObject, announce: boolean): Promise<Introduction | undefined> {
    const conversation = new Conversation(upstream.open, this.#audience);
    try {
      const answer = await conversation.ask('initialize', params, undefined, AbortSignal.timeout(Math.max(1, Math.floor(upstream.timeoutMs * patiencePart))));
      if (!answer.result) throw new FlyballError('performed_failed', 'the upstream server did not take `initialize`');
      if (announce) await conversation.tell('notifications/initialized', {});
      this.#conversations.set(upstream.upstream, conversation);
      return { upstream: upstream.upstream, result: answer.result };
    } catch (error) {
      this.port.log('warn', 'an upstream server could not be reached', { upstream: upstream.upstream, reason: error instanceof FlyballError ? error.message : 'unknown' });
      await conversation.close();
      return undefined;
    }
  }

  async #tool({ upstream, name }: Destination): Promise<ToolDefinition | undefined> {
    const conversation = this.#conversations.get(upstream);
    const absent = { name, digest: 'sha256:', accepted: false, definition: {} };
    if (!conversation) return absent;
    const patience = () => AbortSignal.timeout(this.#upstream(upstream)?.timeoutMs ?? limits.attemptMs);
    const list = async (cursor: string | undefined) => (await conversation.ask('tools/list', cursor === undefined ? {} : { cursor }, undefined, patience())).result ?? {};
    const tool = await this.port.tools.find(upstream, name, list);
    if (tool || this.#upstream(upstream)?.unlisted) return tool;
    return absent;
  }

  async #askOne(conversation: Conversation, method: string, params: JsonObject, request: RpcRequest, issued: Issued, signal: AbortSignal): Promise<Result> {
    const answer = await conversation.ask(method, params, request.id, signal);
    if (!answer.result) return { kind: 'error', value: { error: { code: answer.error?.code ?? rpcCodes.internal, message: answer.error?.message ?? 'no result', ...(answer.error?.data !== undefined && { data: answer.error.data }) } } };
    const task = answer.result['task'];
    if (isObject(task)) this.#owners.learn(conversation.upstream, 'tasks', [task]);
    return { kind: 'result', value: await this.#listed(conversation.upstream, method, answer.result, issued) };
  }

  /** A page of a list as this client may see it. */
  async #listed(upstream: string, method: string, result: JsonObject, issued: Issued): Promise<JsonObject> {
    const field = listedIn(method);
    if (field === undefined) return result;
    const shown = method === 'tools/list' ? await filterTools(this.port, issued, upstream, result) : result;
    const items = itemsOf(shown, field);
    this.#owners.learn(upstream, field, items);
    const prefix = this.#upstream(upstream)?.prefix ?? '';
    return prefix === '' ? shown : { ...shown, [field]: prefixed(items, prefix, field) };
  }

  /** What concerns every upstream is asked of every one; lists come back as one, without those that do not answer. */
  async #askAll(method: string, params: JsonObject, request: RpcRequest, issued: Issued, signal: AbortSignal): Promise<Result> {
    const asked = [...this.#conversations.values()].filter((conversation) => !conversation.isLost);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.floor((issued.deadlineMs - this.port.stages.clock.now()) * patiencePart)))]);
    const settled = await Promise.allSettled(asked.map((conversation) => this.#askPages(conversation, method, params, request, issued, bounded)));
    const answers = settled.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    settled.forEach((answer, index) => {
      if (answer.status === 'rejected') this.port.log('warn', 'an upstream server is left out of an answer', { upstream: asked[index]?.upstream ?? '', method });
    });
    const good = answers.filter((answer) => answer.kind === 'result').map((answer) => answer.value);
    const [first] = answers;
    if (good.length === 0) return first ?? { kind: 'error', value: { error: { code: rpcCodes.internal, message: 'no upstream server answered' } } };
    const field = listedIn(method);
    return { kind: 'result', value: field === undefined ? (good[0] ?? {}) : { [field]: good.flatMap((value) => itemsOf(value, field)) } };
  }

  /** All pages of one upstream's list; one answer to whatever else. */
  async #askPages(conversation: Conversation, method: string, params: JsonObject, request: RpcRequest, issued: Issued, signal: AbortSignal): Promise<Result> {
    const { cursor: _cursor, ...rest } = params;
    const field = listedIn(method);
    let result = await this.#askOne(conversation, method, rest, request, issued, signal);
    if (field === undefined || result.kind === 'error') return result;
    const items = [...itemsOf(result.value, field)];
    for (let page = 1; page < limits.pagesMax && typeof result.value['nextCursor'] === 'string'; page++) {
      result = await this.#askOne(conversation, method, { ...rest, cursor: result.value['nextCursor'] }, request, issued, signal);
      items.push(...itemsOf(result.value, field));
    }
    return { kind: 'result', value: { [field]: items } };
  }
}

/** Part of an attempt's time that one upstream may take of an answer that is put together from several. */
const patiencePart = 0.8;
