import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';

export type RequestId = string | number;

export interface RpcRequest {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}

export interface RpcNotification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
}

export interface RpcResponse {
  readonly kind: 'response';
  readonly id: RequestId | null;
  readonly result?: JsonObject;
  readonly error?: RpcError;
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse;

/** Reads one JSON-RPC 2.0 message. Throws `request_malformed` on batches and on whatever else is none. */
export function readMessage(value: Json): RpcMessage {
  if (Array.isArray(value)) throw malformed('one message, not a batch');
  if (!isObject(value) || value['jsonrpc'] !== '2.0') throw malformed('a JSON-RPC 2.0 message');
  const { method, id } = value;
  if (method === undefined) return readResponse(value);
  if (typeof method !== 'string' || method === '') throw malformed('`method` to be a string');
  if ('result' in value || 'error' in value) throw malformed('a request or a response, not both');
  const params = value['params'] ?? {};
  if (!isObject(params)) throw malformed('`params` to be an object');
  if (id === undefined) return { kind: 'notification', method, params };
  if (!isRequestId(id)) throw malformed('`id` to be a string or an integer');
  return { kind: 'request', id, method, params };
}

function readResponse(value: JsonObject): RpcResponse {
  const { id, result, error } = value;
  const named = id === null || id === undefined ? null : id;
  if (named !== null && !isRequestId(named)) throw malformed('`id` to be a string or an integer');
  if (isObject(error) && typeof error['code'] === 'number') return { kind: 'response', id: named, error: error as unknown as RpcError };
  if (isObject(result) && named !== null) return { kind: 'response', id: named, result };
  throw malformed('a request, a notification or a response');
}

export const isRequestId = (id: unknown): id is RequestId => (typeof id === 'string' && id.length <= 256) || (typeof id === 'number' && Number.isSafeInteger(id));

/** Two ids that print alike are still two: `1` and `"1"`. */
export const idKey = (id: RequestId): string => `${typeof id}:${id}`;

export function writeMessage(message: RpcMessage): string {
  switch (message.kind) {
    case 'request':
      return JSON.stringify({ jsonrpc: '2.0', id: message.id, method: message.method, params: message.params });
    case 'notification':
      return JSON.stringify({ jsonrpc: '2.0', method: message.method, params: message.params });
    case 'response':
      return JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(message.error ? { error: message.error } : { result: message.result }) });
  }
}

export const errorText = (id: RequestId | null, error: RpcError): string => JSON.stringify({ jsonrpc: '2.0', id, error });

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
