import { isObject, type JsonObject } from '@flyball/protocol';
import type { Ending } from '../../action/run.js';
import type { Era } from './eras.js';
import { errorText, type RequestId, type RpcError } from './message.js';

/** An answer of ours to one request, and the HTTP status that goes with it. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Codes of COAZ-MCP, Draft 1: mapping error, denial, no decision; and JSON-RPC's own. */
export const rpcCodes = { parse: -32700, invalid: -32600, methodNotFound: -32601, params: -32602, internal: -32603, denied: -32001, headerMismatch: -32020, capability: -32021, version: -32022 } as const;

const guidance = {
  denied: 'Nothing has happened. This action is not allowed for this identity and session. Do not try the same effect in another way; report it, or ask the owner for access.',
  refused: 'Nothing has happened. Do not try the same effect in another way; tell whoever gave you this task.',
  unknown: 'Whether this action had its effect is not known. Do not repeat it; check the target first.',
  failed: 'This action was begun and failed without an effect.',
} as const;

interface Told {
  readonly era: Era;
  readonly isToolCall: boolean;
  /** Sentences about the request itself that go with a denial. */
  readonly besides?: string;
}

/** What is said to the machine about an attempt that ended without its result: the kind of thing and what to do, never which rule. */
export function answerTo(id: RequestId, ending: Exclude<Ending, { kind: 'released' | 'held' }>, told: Told): Answer {
  const { era, isToolCall } = told;
  switch (ending.kind) {
    case 'refused':
      return promised(refusal(id, ending, told), ending.promise);
    case 'broken': {
      const text = ending.effect === 'failed' ? guidance.failed : ending.effect === 'unknown' ? guidance.unknown : ending.error.message;
      const message = `${ending.error.message}. ${text}`;
      const { id: evaluation, intent } = ending.intended;
      return promised(isToolCall ? toolAnswer(id, era, message, { outcome: ending.effect, evaluation, promise: intent.promise }) : errorAnswer(id, { code: rpcCodes.internal, message }), intent.promise);
    }
  }
}

function refusal(id: RequestId, { error, reached, promise }: Extract<Ending, { kind: 'refused' }>, { era, isToolCall, besides = '' }: Told): Answer {
  switch (error.code) {
    case 'unauthenticated':
      return { status: 401, text: errorText(id, { code: rpcCodes.denied, message: error.message }) };
    case 'identity_refused':
      return { status: 403, text: errorText(id, { code: rpcCodes.denied, message: error.message }) };
    case 'request_malformed':
    case 'request_too_large':
      return errorAnswer(id, { code: rpcCodes.params, message: error.message });
    case 'denied':
    case 'action_unknown':
    case 'approval_refused':
    case 'session_refused':
    case 'tool_quarantined': {
      const message = `Denied: ${error.message}. ${besides}${error.code === 'approval_refused' ? guidance.refused : guidance.denied}`;
      return isToolCall ? toolAnswer(id, era, message, { outcome: 'deny', kind: error.code, requestable: error.code === 'denied' && error.detail === 'no_permit', evaluation: reached.id, promise }) : errorAnswer(id, { code: rpcCodes.denied, message });
    }
    default:
      return errorAnswer(id, { code: rpcCodes.internal, message: `${error.message}. Nothing has happened.` });
  }
}

/** Where an answer's bytes pass as they came, the log's promise is a header: a C2SP signed note in base64url. */
export const promiseHeader = (promise: string | undefined): Readonly<Record<string, string>> => (promise === undefined ? {} : { 'flyball-promise': Buffer.from(promise).toString('base64url') });

export const promised = (answer: Answer, promise: string | undefined): Answer => ({ ...answer, headers: { ...answer.headers, ...promiseHeader(promise) } });

/** A result with the log's promise that its intent is recorded. */
export const withPromise = (value: JsonObject, promise: string): JsonObject => ({ ...value, _meta: { ...(isObject(value['_meta']) ? value['_meta'] : {}), 'flyball/promise': promise } });

/** A tool result that the model can read and act on; COAZ-MCP allows it for denials. */
export function toolAnswer(id: RequestId, era: Era, text: string, flyball: object): Answer {
  const result = { ...(era === 'stateless' && { resultType: 'complete' }), isError: true, content: [{ type: 'text', text }], _meta: { 'flyball/decision': flyball } };
  return { status: 200, text: JSON.stringify({ jsonrpc: '2.0', id, result }) };
}

export const errorAnswer = (id: RequestId | null, error: RpcError, status = 200): Answer => ({ status, text: errorText(id, error) });
