import { FlyballError, type JsonObject } from '@flyball/protocol';
import type { Reached } from '../../action/stages.js';
import type { Situated } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { type Answer, errorAnswer, rpcCodes } from './answers.js';
import { toCall } from './call.js';
import { resultAnswer } from './hold-answers.js';
import type { HeldCall, HoldOwner } from './hold-desk.js';
import type { PerformHeld } from './hold-tasks.js';
import type { RpcRequest } from './message.js';
import { type Caller, type GatewayPort, received } from './port.js';
import { metaWithoutCapabilities, missingCapability } from './tasks-extension.js';

/** Where the tasks of holds are asked for. */
export interface HeldEndpoint {
  reaches(upstream: string): boolean;
  readonly perform: PerformHeld;
}

interface Asker {
  readonly owner: HoldOwner;
  readonly reached: Situated;
}

/** Who asks about a hold, and in which session; refused like any other request when that cannot be said. */
export async function askerOf(port: GatewayPort, request: RpcRequest, caller: Caller): Promise<Asker> {
  let reached: Reached = received(port, caller, toCall('flyball', request, undefined), limits.attemptMs);
  try {
    const identified = await port.stages.identify(reached);
    reached = identified;
    const situated = await port.stages.situate(identified);
    const { principal, session } = situated;
    return { owner: { identity: principal.identity.id, onBehalfOf: principal.onBehalfOf, session: session.state.id }, reached: situated };
  } catch (error) {
    if (error instanceof FlyballError) await port.stages.record.refusal(reached, error);
    throw error;
  }
}

/** A hold that is not there and one of somebody else get the same answer; that somebody asked is recorded (abuse 57). */
export async function noSuchHold(port: GatewayPort, { reached }: Asker, what: 'hold' | 'task'): Promise<FlyballError> {
  const error = new FlyballError('not_found', `no such ${what}`);
  await port.stages.record.refusal(reached, error);
  return error;
}

/** `tasks/get`, `tasks/update` and `tasks/cancel` for the task of a hold. */
export async function answerHeldTask(port: GatewayPort, request: RpcRequest, caller: Caller, hold: string, endpoint: HeldEndpoint, gone: AbortSignal): Promise<Answer> {
  const missing = missingCapability(request);
  if (missing) return missing;
  const asker = await askerOf(port, request, caller);
  const { desk, tasks } = port.waiting;
  const [status, call] = await Promise.all([desk.status(hold, asker.owner), desk.call(hold, asker.owner)]);
  const unknown = async () => errorAnswer(request.id, { code: rpcCodes.params, message: (await noSuchHold(port, asker, 'task')).message });
  // What was asked may have been erased; that there is a question stays.
  if (!status || (call && (call.method !== 'tools/call' || !endpoint.reaches(call.upstream)))) return unknown();
  if (request.method === 'tasks/get') {
    const task = await tasks.get(hold, asker.owner, port.stages, endpoint.perform, gone);
    return task ? resultAnswer(request, task) : unknown();
  }
  if (request.method === 'tasks/cancel' && (status.state === 'pending' || status.state === 'approved')) await cancel(port, hold, asker.owner);
  // Nothing was asked of the client, so whatever a `tasks/update` brings answers no question ("Task Update Requests").
  return resultAnswer(request, acknowledged);
}

const acknowledged: JsonObject = { resultType: 'complete' };

/** What is over cannot be taken back; the client is told so by the task itself ("Task Cancellation"). */
async function cancel(port: GatewayPort, hold: string, owner: HoldOwner): Promise<void> {
  try {
    await port.waiting.desk.cancel(hold, owner);
  } catch (error) {
    if (!(error instanceof FlyballError && error.code === 'already_settled')) throw error;
  }
}

/** The call that a hold asked for, as whoever polls for it would send it now. */
export function requestFor({ name, args }: HeldCall, poll: RpcRequest, id: string): RpcRequest {
  return { kind: 'request', id: `flyball-${id}`, method: 'tools/call', params: { name, arguments: args ?? {}, _meta: metaWithoutCapabilities(poll) } };
}

/** How long a request that comes again with the state of a hold is kept for the answer. Shorter than the minute that clients and proxies give it. */
const retryMs = 50_000;

/** Waits for a hold that a request came back with. Whoever may not know of it is not kept, and learns nothing. */
export async function waitForRetry(port: GatewayPort, request: RpcRequest, caller: Caller, hold: string, gone: AbortSignal): Promise<void> {
  const { owner } = await askerOf(port, request, caller);
  await port.waiting.settled(hold, owner, retryMs, gone);
}
