import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Stages } from '../../action/stages.js';
import type { Issued, Result } from '../../action/states.js';

const tasksMost = 10_000;

/**
 * Which call a task came from: its result is inspected as that call's, and only its own principal reaches it.
 * The upstream sees one credential for everybody and could not tell them apart.
 */
export class TaskBook {
  readonly #calls = new Map<string, Issued>();

  /** Takes note of a result that is a task's handle. */
  learn(call: Issued, owner: string, result: Result): void {
    const id = handleOf(result.value);
    if (result.kind === 'error' || id === undefined) return;
    const [oldest] = this.#calls.keys();
    if (this.#calls.size >= tasksMost && oldest !== undefined) this.#calls.delete(oldest);
    this.#calls.set(key(owner, id), call);
  }

  /** Throws `request_malformed` for a task that is not this principal's, as for one that never was. */
  verifyOwner(upstream: string, method: string, id: string, owner: string): void {
    if (!concernsTask(method)) return;
    if (this.#calls.get(key(owner, id))?.call.upstream !== upstream) throw new FlyballError('request_malformed', 'no such task');
  }

  /** The answer to a request about tasks, as the call that it came from may be answered. */
  inspect(method: string, id: string, owner: string, result: Result, stages: Stages): Result {
    if (result.kind === 'error') return result;
    if (method === 'tasks/list') return { ...result, value: { ...result.value, tasks: this.#own(owner, result.value['tasks']) } };
    const call = concernsTask(method) ? this.#calls.get(key(owner, id)) : undefined;
    if (!call) return result;
    const inspected = (value: JsonObject) => stages.inspect({ ...call, result: { kind: 'result', value } }).released.value;
    if (method === 'tasks/result') return { ...result, value: inspected(result.value) };
    const inner = result.value['result'];
    return isObject(inner) ? { ...result, value: { ...result.value, result: inspected(inner) } } : result;
  }

  #own(owner: string, tasks: Json | undefined): readonly Json[] {
    const all = Array.isArray(tasks) ? (tasks as readonly Json[]) : [];
    return all.filter((task) => isObject(task) && this.#calls.has(key(owner, String(task['taskId']))));
  }
}

const key = (owner: string, id: string): string => `${owner} ${id}`;

const concernsTask = (method: string): boolean => method.startsWith('tasks/') && method !== 'tasks/list';

/** Id of the task that a result is the handle of, in either era's form. */
function handleOf(value: JsonObject): string | undefined {
  const task = isObject(value['task']) ? value['task'] : value['resultType'] === 'task' ? value : undefined;
  return typeof task?.['taskId'] === 'string' ? task['taskId'] : undefined;
}
