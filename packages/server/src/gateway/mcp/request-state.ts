import { canonicalText, FlyballError, type JsonObject } from '@flyball/protocol';
import { Seal } from '../../lib/seal.js';
import type { RpcRequest } from './message.js';

const seal = new Seal();

/** Who asked what: the state of a question goes back only from there. */
const origin = (owner: string, { method, params }: RpcRequest): string => canonicalText([owner, method, params['name'] ?? params['uri'] ?? '', params['arguments'] ?? {}]);

/** A result whose `requestState` only its own principal can send back, with the request that it was asked about. */
export function sealState(result: JsonObject, owner: string, request: RpcRequest): JsonObject {
  const state = result['requestState'];
  if (typeof state !== 'string') return result;
  return { ...result, requestState: seal.close(JSON.stringify([origin(owner, request), state])) };
}

/** The request with the upstream's own state in it. Throws `request_malformed` for a state that was not given here, to them, for this. */
export function openState(request: RpcRequest, owner: string): RpcRequest {
  const sealed = request.params['requestState'];
  if (sealed === undefined) return request;
  const [from, state] = readState(sealed);
  if (from !== origin(owner, request)) throw new FlyballError('request_malformed', 'expected `requestState` as it was given, with the request that it was given for');
  return { ...request, params: { ...request.params, requestState: state } };
}

function readState(sealed: unknown): readonly [string | undefined, string] {
  const text = typeof sealed === 'string' ? seal.open(sealed) : undefined;
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string' ? [value[0], value[1]] : [undefined, ''];
}
