import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '@flyball/protocol';
import type { Result } from '../../action/states.js';
import { errorAnswer, rpcCodes } from './answers.js';
import type { Era } from './eras.js';
import { readFrames } from './frames.js';
import type { UpstreamReply } from './http-upstream.js';
import type { RpcRequest } from './message.js';
import type { Caller } from './port.js';
import type { RelayConnection } from './relay-connection.js';
import type { Delivery } from './relay-delivery.js';

/** One exchange with a client over HTTP. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
  /** Who calls, as one text: connections belong to it. */
  readonly principal: string;
}

/** One request on its way to the upstream and back. */
export interface Passing {
  readonly exchange: Exchange;
  readonly request: RpcRequest;
  readonly era: Era;
  readonly connection: RelayConnection;
  readonly delivery: Delivery;
  /** The connection that an `initialize` opens. */
  readonly opened: (session: string) => RelayConnection;
}

export function withoutProgress(meta: JsonObject): JsonObject {
  const { progressToken: _token, ...rest } = meta;
  return rest;
}

/** The answer to `ping`, which is nobody's decision (COAZ-MCP, "Pass-through"). */
export async function lastText(reply: UpstreamReply): Promise<string> {
  let text = '';
  for await (const frame of readFrames(reply.body, reply.contentType)) text = frame.data;
  return text;
}

/** A signal that also fires when the client goes away. */
export function closing(response: ServerResponse, signal: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return AbortSignal.any([signal, gone.signal]);
}

/** A client that stops listening has had what it asked for. */
export function endOfListening(signal: AbortSignal): (error: unknown) => Result {
  return (error) => {
    if (signal.aborted) return { kind: 'result', value: {} };
    throw error;
  };
}

export function unknownConnection(response: ServerResponse): void {
  const { status, text } = errorAnswer(null, { code: rpcCodes.denied, message: 'no such MCP session; send `initialize` again' }, 404);
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}
