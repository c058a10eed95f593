import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Result } from '../../action/states.js';
import { isTimeId } from '../../lib/ids.js';
import { limits } from '../../lib/limits.js';
import type { Answer } from './answers.js';
import type { Era } from './eras.js';
import { resultAnswer } from './hold-answers.js';
import { askerOf, noSuchHold } from './hold-requests.js';
import { factsOf, wordsOf, waitToolName } from './hold-words.js';
import { itemsOf } from './hub-names.js';
import type { RpcMessage, RpcRequest } from './message.js';
import type { Caller, GatewayPort } from './port.js';
import { holdNamed } from './tasks-extension.js';

const secondsMost = limits.holdWaitMsMax / 1_000;

/** The one tool of Flyball's own. It is always listed where a policy can ask people: a list must not change with what a client did (MCP 2026-07-28, "Tools: Capabilities"). */
export const waitTool: JsonObject = {
  name: waitToolName,
  title: 'Wait for an answer',
  description: `Waits until a held action was answered. Use it only after a tool said "Held" and named a hold. It changes nothing and performs nothing: once it says that the hold is approved, call the held tool again with exactly the same arguments.`,
  inputSchema: {
    type: 'object',
    properties: {
      hold: { type: 'string', description: 'The id of the hold, as the held tool gave it.' },
      seconds: { type: 'integer', minimum: 1, maximum: secondsMost, default: secondsMost, description: 'How long to wait at most.' },
    },
    required: ['hold'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
};

/** A page of tools with this one: on the first page, always in the same place. A server's tool of the same name is not shown; it could not be called. */
export function withWaitTool(result: Result, params: JsonObject): Result {
  if (result.kind === 'error') return result;
  const others = itemsOf(result.value, 'tools').filter(({ name }) => name !== waitToolName);
  return { ...result, value: { ...result.value, tools: params['cursor'] === undefined ? [...others, waitTool] : others } };
}

export interface Waiter {
  readonly era: Era;
  readonly caller: Caller;
  readonly gone: AbortSignal;
  /** Takes progress notifications to the client. */
  readonly tell: (message: RpcMessage) => void;
}

/** Whether a request is for the tool. Its name is Flyball's: no server can take it. */
export const isWaitCall = ({ method, params }: RpcRequest): boolean => method === 'tools/call' && params['name'] === waitToolName;

/** Answers a call of the tool. Only the one who was held, in the same session, learns of a hold. */
export async function callWaitTool(port: GatewayPort, request: RpcRequest, { era, caller, gone, tell }: Waiter): Promise<Answer> {
  const wish = readWish(request.params['arguments'] ?? {});
  const asker = await askerOf(port, request, caller);
  if (wish === undefined) return toolText(request, era, `Expected {"hold": "ID", "seconds": 1 to ${secondsMost}} with the id of a hold.`, true);
  const status = await port.waiting.settled(wish.hold, asker.owner, wish.seconds * 1_000, gone, progress(request, wish.seconds, tell));
  if (!status) return toolText(request, era, `${(await noSuchHold(port, asker, 'hold')).message} of this identity and session.`, true);
  return toolText(request, era, wordsOf(status, 'tool'), false, factsOf(status));
}

function readWish(args: Json): { readonly hold: string; readonly seconds: number } | undefined {
  if (!isObject(args)) return undefined;
  const { hold, seconds = secondsMost, ...others } = args;
  const id = holdNamed(hold) ?? hold;
  const isTime = typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= secondsMost;
  return typeof id === 'string' && isTimeId(id) && isTime && Object.keys(others).length === 0 ? { hold: id, seconds } : undefined;
}

/** Tells a client that asked for it how far the wait is ("Progress"). */
function progress({ params }: RpcRequest, seconds: number, tell: (message: RpcMessage) => void): (passedMs: number) => void {
  const token = isObject(params['_meta']) ? params['_meta']['progressToken'] : undefined;
  if (typeof token !== 'string' && typeof token !== 'number') return () => undefined;
  return (passedMs) => tell({ kind: 'notification', method: 'notifications/progress', params: { progressToken: token, progress: passedMs / 1_000, total: seconds, message: 'nobody has answered yet' } });
}

function toolText(request: RpcRequest, era: Era, text: string, isError: boolean, facts?: JsonObject): Answer {
  return resultAnswer(request, {
    ...(era === 'stateless' && { resultType: 'complete' }),
    isError,
    content: [{ type: 'text', text }],
    ...(facts && { structuredContent: facts }),
  });
}
