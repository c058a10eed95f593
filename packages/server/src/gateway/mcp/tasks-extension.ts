import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import { isTimeId } from '../../lib/ids.js';
import { type Answer, errorAnswer, rpcCodes } from './answers.js';
import type { Era } from './eras.js';
import type { RpcRequest } from './message.js';

/** The tasks extension of MCP 2026-07-28 (modelcontextprotocol/ext-tasks, draft): its identifier, and who speaks it. */
export const tasksExtension = 'io.modelcontextprotocol/tasks';

const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';

/** A server must not answer with a task who did not say in this very request that they know what that is ("Capability Negotiation"). */
export function speaksTasks({ params }: RpcRequest): boolean {
  const meta = isObject(params['_meta']) ? params['_meta'] : {};
  const capabilities = isObject(meta[capabilitiesKey]) ? meta[capabilitiesKey] : {};
  return isObject(capabilities['extensions']) && isObject(capabilities['extensions'][tasksExtension]);
}

/** The parameters' `_meta` of somebody who can be asked nothing: what is performed for a task has nobody to answer back. */
export function metaWithoutCapabilities({ params }: RpcRequest): JsonObject {
  const { progressToken: _token, ...meta } = isObject(params['_meta']) ? params['_meta'] : {};
  return { ...meta, [capabilitiesKey]: {} };
}

/** Capabilities of a server, with the extension. */
export function withTasks(result: JsonObject): JsonObject {
  const capabilities = isObject(result['capabilities']) ? result['capabilities'] : {};
  const extensions = isObject(capabilities['extensions']) ? capabilities['extensions'] : {};
  return { ...result, capabilities: { ...capabilities, extensions: { ...extensions, [tasksExtension]: {} } } };
}

const taskMethods = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);
const prefix = 'flyball-hold-';

/**
 * A hold's task. Its id is the hold's own, of which 74 bits are random: nothing has to be remembered to know it again
 * on another node or after a restart, and whoever guesses it is still not its owner.
 */
export const taskIdOf = (hold: string): string => `${prefix}${hold}`;

/** The hold that a request about tasks is about; nothing for a task of a server. */
export function heldTaskOf({ method, params }: RpcRequest, era: Era): string | undefined {
  const id = era === 'stateless' && taskMethods.has(method) ? params['taskId'] : undefined;
  return holdNamed(id);
}

/** The hold of a task's id. */
export function holdNamed(id: Json | undefined): string | undefined {
  const hold = typeof id === 'string' && id.startsWith(prefix) ? id.slice(prefix.length) : undefined;
  return hold !== undefined && isTimeId(hold) ? hold : undefined;
}

/** The error for whoever asks about tasks and did not say that they know them ("Protocol Errors"). */
export function missingCapability(request: RpcRequest): Answer | undefined {
  const asksTasks = taskMethods.has(request.method) || (request.method === 'subscriptions/listen' && isObject(request.params['notifications']) && request.params['notifications']['taskIds'] !== undefined);
  if (!asksTasks || speaksTasks(request)) return undefined;
  return errorAnswer(request.id, { code: rpcCodes.capability, message: 'expected the client capability of the tasks extension', data: { requiredCapabilities: { extensions: { [tasksExtension]: {} } } } }, 400);
}
