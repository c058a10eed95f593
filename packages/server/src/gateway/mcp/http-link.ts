import { setMaxListeners } from 'node:events';
import { FlyballError } from '@flyball/protocol';
import { readFrames } from './frames.js';
import type { HttpUpstream, UpstreamReply } from './http-upstream.js';
import type { Link, LinkListener } from './link.js';
import { type RpcMessage, writeMessage } from './message.js';
import { parseMessage } from './relay-delivery.js';

const patienceMs = 60_000;

/** A connection of our own to an MCP server over streamable HTTP, in the era of sessions. */
export class HttpLink implements Link {
  #session: string | undefined;
  #version: string | undefined;
  readonly #closing = new AbortController();

  constructor(
    private readonly server: HttpUpstream,
    private readonly listener: LinkListener,
  ) {
    // Every request that is under way listens for the end of the connection.
    setMaxListeners(0, this.#closing.signal);
  }

  get upstream(): string {
    return this.server.name;
  }

  async send(message: RpcMessage, signal: AbortSignal = AbortSignal.timeout(patienceMs)): Promise<void> {
    const ending = AbortSignal.any([this.#closing.signal, signal]);
    const reply = await this.server.exchange({ method: 'POST', headers: this.#headers(), body: writeMessage(message), signal: ending });
    if (reply.status >= 400) return this.#refused(message, reply);
    if (message.kind === 'request' && message.method === 'initialize') this.#session = reply.session;
    if (message.kind === 'notification' && message.method === 'notifications/initialized') void this.#listen();
    void this.#pump(reply, message);
  }

  async close(): Promise<void> {
    if (this.#session !== undefined) {
      const ended = await this.server.exchange({ method: 'DELETE', headers: this.#headers(), signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      ended?.discard();
    }
    this.#closing.abort();
  }

  async #refused(message: RpcMessage, reply: UpstreamReply): Promise<void> {
    const answer = parseMessage(await reply.text());
    if (reply.status === 404 && this.#session !== undefined) this.listener.lost('the upstream server no longer knows this connection');
    if (reply.status < 500 && message.kind === 'request' && answer?.kind === 'response' && answer.error) this.listener.message({ ...answer, id: message.id });
    else if (reply.status >= 500) throw new FlyballError('performed_unknown', `the upstream server answered with status ${reply.status}`);
    else throw new FlyballError('performed_failed', `the upstream server refused the request with status ${reply.status}`);
  }

  /** Stream for what the server says by itself; a server need not have one. */
  async #listen(): Promise<void> {
    try {
      const reply = await this.server.exchange({ method: 'GET', headers: this.#headers(), signal: this.#closing.signal });
      if (reply.status === 200) await this.#pump(reply, undefined);
      else reply.discard();
    } catch {
      // What is only said by itself is never waited for.
    }
  }

  async #pump(reply: UpstreamReply, asked: RpcMessage | undefined): Promise<void> {
    let answered = asked?.kind !== 'request';
    try {
      for await (const frame of readFrames(reply.body, reply.contentType)) {
        const message = parseMessage(frame.data);
        if (!message) continue;
        if (message.kind === 'response' && asked?.kind === 'request' && message.id === asked.id) answered = true;
        if (message.kind === 'response' && message.result && asked?.kind === 'request' && asked.method === 'initialize') this.#version = String(message.result['protocolVersion']);
        this.listener.message(message);
      }
      if (!answered) throw new Error('no answer');
    } catch (cause) {
      if (answered || asked?.kind !== 'request') return;
      this.listener.unanswered(asked.id, new FlyballError('performed_unknown', 'the upstream server ended without an answer', { cause }));
    }
  }

  #headers(): Record<string, string> {
    return {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(this.#session !== undefined && { 'mcp-session-id': this.#session }),
      ...(this.#version !== undefined && { 'mcp-protocol-version': this.#version }),
    };
  }
}
