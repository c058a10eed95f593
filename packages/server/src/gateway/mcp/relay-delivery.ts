import { FlyballError, isObject, type Json } from '@flyball/protocol';
import type { Result } from '../../action/states.js';
import { rpcCodes } from './answers.js';
import type { UpstreamReply } from './http-upstream.js';
import { readMessage, type RpcMessage } from './message.js';
import type { Pending } from './relay-connection.js';
import type { Sink } from './sink.js';

/** What is known of an answer until it is delivered. */
export interface Delivery extends Pending {
  status: number;
  /** True when what is released is not what came, so that its bytes cannot pass as they are. */
  rewritten: boolean;
  /** The log's promise that the intent is recorded. */
  promise?: string;
  readonly finish: () => void;
}

export function pendingFor(sink: Sink, cancel: () => void): Delivery {
  let finish: () => void = () => undefined;
  const delivered = new Promise<void>((resolve) => (finish = resolve));
  return { sink, frame: undefined, answer: () => undefined, cancel, delivered, status: 200, rewritten: false, finish: () => finish() };
}

/** An upstream that answers with an HTTP error did not take the request; after a 5xx nobody knows. */
export async function refusedByUpstream(reply: UpstreamReply, delivery: Delivery): Promise<Result> {
  const text = await reply.text();
  if (reply.status >= 500) throw new FlyballError('performed_unknown', `the upstream server answered with status ${reply.status}`);
  // Its own credential was refused, not the client's: that is for operators to mend.
  if (reply.status !== 400 && reply.status !== 404) throw new FlyballError('performed_failed', `the upstream server refused the request with status ${reply.status}`);
  const body = parseJson(text);
  const error = isObject(body) && isObject(body['error']) ? body['error'] : { code: rpcCodes.internal, message: `the upstream server answered with status ${reply.status}` };
  delivery.status = reply.status;
  delivery.frame = { data: isObject(body) ? text : JSON.stringify({ jsonrpc: '2.0', id: null, error }) };
  return { kind: 'error', value: { error } };
}

/** The message in a frame; nothing for what is none. */
export function parseMessage(text: string): RpcMessage | undefined {
  const value = text === '' ? undefined : parseJson(text);
  try {
    return value === undefined ? undefined : readMessage(value);
  } catch {
    return undefined;
  }
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
