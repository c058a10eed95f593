import { FlyballError, isObject, type Json, type JsonObject, type Principal } from '@flyball/protocol';
import type { HoldStatus } from '../../approval/index.js';
import type { Clock } from '../../lib/clock.js';
import { limits } from '../../lib/limits.js';
import type { ItemStatus } from './draft.js';
import { type Became, whatBecameOf } from './grant-status.js';
import { problem } from './problem.js';
import type { ArapRecord } from './record.js';
import { aggregate, type SettledBody, statusesOf, type TaskItem, type TaskState, taskStream } from './task-state.js';

/** What tasks need of the questions that they stand for. */
export interface TaskQuestions {
  status(hold: string): Promise<Pick<HoldStatus, 'state' | 'deadlineMs'>>;
  cancel(hold: string, identity: string): Promise<unknown>;
}

/** What was kept of a submitted item, unless it was erased. */
export interface Kept {
  readonly resource: JsonObject;
  readonly action: JsonObject;
  readonly callback?: { readonly endpoint: string; readonly state?: Json; readonly events?: readonly string[] };
}

/** Tasks of enforcement points: each item stands for one question to people, or for one request for a grant, and everything is in the record. */
export class Tasks {
  constructor(
    private readonly record: ArapRecord,
    private readonly questions: TaskQuestions,
    private readonly clock: Clock,
    /** Told when the last item of a task has ended, on the node that wrote it. */
    private readonly ended: (task: TaskState) => void,
  ) {}

  /**
   * A task of this caller's, with its items as they stand now. Whoever else asks is told what they would be told of a
   * task that never was. Throws `unknown_task` and `task_expired`.
   */
  async find(task: string, { identity, onBehalfOf }: Principal): Promise<TaskState> {
    const { state } = await this.record.read<TaskState>(taskStream(task));
    if (!state || state.identity !== identity.id || onBehalfOf !== undefined) throw unknownTask();
    if (expiresAtMs(state) <= this.clock.now()) throw problem('task_expired', 'this task is over, and is not kept any longer');
    return this.settle(state);
  }

  /** Writes down what has ended since. */
  async settle(state: TaskState): Promise<TaskState> {
    const seen = new Set<'pending' | 'written' | 'ended'>();
    for (const item of state.items) if (!item.ended) seen.add(await this.#settleItem(state, item));
    if (!seen.has('written') && !seen.has('ended')) return state;
    const { state: now } = await this.record.read<TaskState>(taskStream(state.task));
    if (!now) return state;
    if (seen.has('written') && !statusesOf(now).includes('pending')) this.ended(now);
    return now;
  }

  /** Takes back whatever waits (section Cancellation). Throws `invalid_task_state` when nothing does. */
  async cancel(task: string, caller: Principal): Promise<TaskState> {
    const state = await this.find(task, caller);
    const waiting = state.items.filter(({ ended }) => !ended);
    for (const item of waiting) {
      const became = await this.#became(item);
      if (became.status === 'pending' && became.hold !== undefined) await ignoringSettled(this.questions.cancel(became.hold, caller.identity.id));
    }
    const after = await this.settle(state);
    const isCancelled = (opened: string) => after.items.some((item) => item.opened === opened && item.ended?.status === 'cancelled');
    if (!waiting.some(({ opened }) => isCancelled(opened))) throw problem('invalid_task_state', 'this task has ended, or what it asked for is being carried out; there is nothing to cancel');
    return after;
  }

  /** What was submitted as an item. */
  async kept({ opened }: TaskItem): Promise<Kept | undefined> {
    const content: unknown = JSON.parse((await this.record.content(opened)) ?? 'null');
    return isObject(content) && isObject(content['bound']) ? ({ ...content['bound'], ...(isObject(content['callback']) && { callback: content['callback'] }) } as unknown as Kept) : undefined;
  }

  /** Whether the item has ended, and who wrote that: of several who notice, one tells. */
  async #settleItem({ task }: TaskState, item: TaskItem): Promise<'pending' | 'written' | 'ended'> {
    const became = await this.#became(item);
    if (became.status === 'pending') return 'pending';
    const body: SettledBody = became.status === 'approved' ? { status: 'approved', until: became.untilMs, ...(became.grant !== undefined && { grant: became.grant }) } : { status: became.status };
    const written = await ignoringSettled(this.record.append({ kind: 'request.settled', streams: [{ stream: taskStream(task) }], settles: item.opened, body }));
    return written ? 'written' : 'ended';
  }

  async #became(item: TaskItem): Promise<Became> {
    if (item.asks) return whatBecameOf(item, this.record, this.clock.now());
    const { state, deadlineMs } = await this.questions.status(item.hold);
    const status = toStatus(state);
    switch (status) {
      case 'pending':
        return { status, hold: item.hold };
      case 'approved':
        return { status, untilMs: deadlineMs };
      default:
        return { status };
    }
  }
}

/** What a question's state is to who submitted it (section Mapping Backend States); `docs/authzen.md` has the table. */
export function toStatus(state: HoldStatus['state']): ItemStatus {
  switch (state) {
    case 'pending':
      return 'pending';
    case 'approved':
    case 'used':
      return 'approved';
    case 'refused':
      return 'denied';
    case 'expired':
      return 'expired';
    case 'cancelled':
    case 'superseded':
      return 'cancelled';
  }
}

/** How long a task can be looked at: a day longer than anything can happen to it. */
export const expiresAtMs = ({ items }: TaskState): number => Math.max(...items.map(({ deadlineMs }) => deadlineMs)) + limits.taskKeptMs;

export const statusOf = (state: TaskState) => aggregate(statusesOf(state));

/** That somebody else was first is what was wanted. */
async function ignoringSettled<T>(doing: Promise<T>): Promise<T | undefined> {
  try {
    return await doing;
  } catch (error) {
    if (!(error instanceof FlyballError && error.code === 'already_settled')) throw error;
    return undefined;
  }
}

export const unknownTask = (): FlyballError => problem('unknown_task', 'no such task');
