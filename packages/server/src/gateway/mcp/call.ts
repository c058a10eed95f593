import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Call, ToolDefinition } from '../../action/states.js';
import type { RpcRequest } from './message.js';

const nameMost = 2_048;

/** What a request aims at, read from the place that its method has for it. Throws `request_malformed`. */
export function targetOf({ method, params }: RpcRequest): string {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return named(params['name'], 'name');
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return named(params['uri'], 'uri');
    case 'tasks/get':
    case 'tasks/result':
    case 'tasks/cancel':
    case 'tasks/update':
      return named(params['taskId'], 'taskId');
    case 'completion/complete': {
      const ref = params['ref'];
      if (!isObject(ref)) throw malformed('`ref` to be an object');
      return ref['type'] === 'ref/prompt' ? named(ref['name'], 'ref.name') : named(ref['uri'], 'ref.uri');
    }
    default:
      return '';
  }
}

/** Names are compared exactly, so what only looks like another name is refused: a lenient server might take it for that one. */
function named(value: Json | undefined, where: string, form: 'NFC' | 'NFKC' = where === 'name' ? 'NFKC' : 'NFC'): string {
  if (typeof value !== 'string' || value === '' || value.length > nameMost) throw malformed(`\`${where}\` to be a string of 1 to ${nameMost} characters`);
  if (value !== value.normalize(form) || value !== value.trim() || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value)) throw malformed(`\`${where}\` without control, invisible or unnormalised characters`);
  return value;
}

export function toCall(upstream: string, request: RpcRequest, tool: ToolDefinition | undefined, name = targetOf(request)): Call {
  return { upstream, method: request.method, name, params: request.params, args: argumentsOf(request), ...(tool && { tool }), ...saidOf(request) };
}

const holdsMost = 20;

/** What a caller says of its call beside it, in `_meta`: which holds it depends on, and how sure it is of what it recommends. */
function saidOf({ params }: RpcRequest): Pick<Call, 'after' | 'confidence'> {
  const meta = isObject(params['_meta']) ? params['_meta'] : {};
  const { 'flyball/after': after, 'flyball/confidence': confidence } = meta;
  if (after !== undefined && !(Array.isArray(after) && after.length <= holdsMost && after.every((id) => typeof id === 'string'))) throw malformed(`\`_meta["flyball/after"]\` to be at most ${holdsMost} ids of holds`);
  if (confidence !== undefined && !(typeof confidence === 'number' && confidence >= 0 && confidence <= 1)) throw malformed('`_meta["flyball/confidence"]` to be a number from 0 to 1');
  return { ...(after !== undefined && { after: after as readonly string[] }), ...(confidence !== undefined && { confidence }) };
}

function argumentsOf({ method, params }: RpcRequest): JsonObject {
  if (method !== 'tools/call' && method !== 'prompts/get') return {};
  const args = params['arguments'] ?? {};
  if (!isObject(args)) throw malformed('`arguments` to be an object');
  return args;
}

/** The parameters with the arguments that were decided on, also where the client left them away. */
export function withArguments(method: string, params: JsonObject, args: JsonObject): JsonObject {
  const takes = method === 'tools/call' || method === 'prompts/get';
  return takes && (params['arguments'] !== undefined || Object.keys(args).length > 0) ? { ...params, arguments: args } : params;
}

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
