import { isObject, type JsonObject } from '@flyball/protocol';
import type { Ending } from '../../action/run.js';
import type { Hold, Situated } from '../../action/states.js';
import { type Answer, answerTo, errorAnswer, promised, rpcCodes, toolAnswer } from './answers.js';
import type { Era } from './eras.js';
import { timeOf, whileWaiting } from './hold-words.js';
import type { RpcRequest } from './message.js';
import { misfitWords } from './misfits.js';
import { speaksTasks, taskIdOf } from './tasks-extension.js';

export interface Asking {
  readonly era: Era;
  /** The endpoint has a tool to wait with. */
  readonly offersWait: boolean;
  /** Sent again with the state of a hold, and waited for it. */
  readonly waited: boolean;
  readonly nowMs: number;
  /** Whether a tool is listed to who asks. */
  couldAllow(situated: Situated): boolean;
}

type Held = Extract<Ending, { kind: 'held' }>;
type Unreleased = Exclude<Ending, { kind: 'released' }>;

/** What is said about an attempt that was not released. A question that waits is said in the form that the client knows best. */
export function answerUnreleased(request: RpcRequest, ending: Unreleased, asking: Asking): Answer {
  if (ending.kind !== 'held') {
    const isToolCall = request.method === 'tools/call';
    const besides = isToolCall && ending.kind === 'refused' && ending.error.code === 'denied' ? misfitWords(ending.reached, (situated) => asking.couldAllow(situated)) : '';
    return answerTo(request.id, ending, { era: asking.era, isToolCall, besides });
  }
  return promised(heldAnswer(request, ending, asking), ending.hold.promise);
}

function heldAnswer(request: RpcRequest, ending: Held, { era, offersWait, waited, nowMs }: Asking): Answer {
  const facts = decisionOf(ending);
  const text = holdText(ending, offersWait);
  const isToolCall = request.method === 'tools/call';
  if (era === 'stateless' && isToolCall && speaksTasks(request)) return resultAnswer(request, taskOf(ending, nowMs, text, facts));
  if (era === 'stateless' && !waited && canRetry(request)) return resultAnswer(request, { resultType: 'input_required', requestState: stateOf(ending.hold.id), _meta: { 'flyball/decision': facts } });
  if (isToolCall) return toolAnswer(request.id, era, text, facts);
  return errorAnswer(request.id, { code: rpcCodes.denied, message: text, data: { 'flyball/decision': facts } });
}

const decisionOf = ({ hold, decided }: Held): JsonObject => ({ outcome: hold.outcome, hold: hold.id, expires_at: timeOf(hold.deadlineMs), evaluation: decided.id, ...(hold.promise !== undefined && { promise: hold.promise }) });

function holdText(ending: Held, offersWait: boolean): string {
  const { hold } = ending;
  const what = hold.outcome === 'step_up' ? 'people to agree' : 'facts that are missing';
  return `Held: waiting for ${what} until ${timeOf(hold.deadlineMs)} (hold ${hold.id}). ${earlierText(ending)}${whileWaiting(hold.id, offersWait ? 'tool' : 'nothing')}`;
}

/** Calling again after a question expired asks another one; whoever calls is told, or they would take it for the first. */
function earlierText({ hold, decided }: Held): string {
  const { holds } = decided.session.state;
  const earlier = Object.hasOwn(holds, decided.digest) ? holds[decided.digest] : undefined;
  if (!earlier || earlier.id === hold.id || (earlier.status !== 'expired' && earlier.status !== 'pending')) return '';
  return `This is a new question: the earlier one (hold ${earlier.id}) expired without an answer. `;
}

/** How long a task that is over can still be asked for its result. */
export const keptMs = 10 * 60_000;
export const pollEveryMs = 5_000;

/** CreateTaskResult of the tasks extension. Waiting for a third person is `working`: `input_required` would be a question to the client. */
function taskOf({ hold }: Held, nowMs: number, statusMessage: string, facts: JsonObject): JsonObject {
  return { resultType: 'task', ...taskFields(hold, nowMs), status: 'working', statusMessage, _meta: { 'flyball/decision': facts } };
}

export function taskFields({ id, deadlineMs }: Pick<Hold, 'id' | 'deadlineMs'>, nowMs: number): JsonObject {
  const createdAtMs = msOf(id);
  return { taskId: taskIdOf(id), createdAt: timeOf(createdAtMs), lastUpdatedAt: timeOf(nowMs), ttlMs: Math.max(0, deadlineMs - createdAtMs) + keptMs, pollIntervalMs: pollEveryMs };
}

/** When an id of version 7 was made. */
const msOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

const retried = new Set(['tools/call', 'resources/read', 'prompts/get']);

/**
 * Answers that have the client send its request again (MCP 2026-07-28, "Multi Round-Trip Requests") are for three
 * methods. A request that is itself the next leg of a server's question keeps the server's state.
 */
const canRetry = ({ method, params }: RpcRequest): boolean => retried.has(method) && params['requestState'] === undefined && params['inputResponses'] === undefined;

const statePrefix = 'flyball-hold.';

/**
 * The state names the hold and is not sealed. It gives nobody anything: the hold is waited for only by its owner, and
 * the request is decided from the top, whatever its state said. So it is good on every node, also after a restart.
 */
const stateOf = (hold: string): string => `${statePrefix}${hold}`;

/** The request without the state of a hold, and that hold, if it came with one. */
export function withoutHoldState(request: RpcRequest): { readonly request: RpcRequest; readonly hold: string | undefined } {
  const state = request.params['requestState'];
  if (typeof state !== 'string' || !state.startsWith(statePrefix)) return { request, hold: undefined };
  const { requestState: _state, ...params } = request.params;
  return { request: { ...request, params }, hold: state.slice(statePrefix.length) };
}

export const resultAnswer = ({ id }: RpcRequest, result: JsonObject): Answer => ({ status: 200, text: JSON.stringify({ jsonrpc: '2.0', id, result }) });

/** What an answer's text says: a result, or an error. */
export function saidIn(answer: Answer): { readonly result: JsonObject } | { readonly error: JsonObject } {
  const said = JSON.parse(answer.text) as JsonObject;
  return isObject(said['result']) ? { result: said['result'] } : { error: isObject(said['error']) ? said['error'] : {} };
}
