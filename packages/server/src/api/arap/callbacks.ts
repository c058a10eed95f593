import { createHmac } from 'node:crypto';
import { FlyballError, type JsonObject } from '@flyball/protocol';
import { type Clock, pause } from '../../lib/clock.js';
import { guardedFetch } from '../../lib/guarded-fetch.js';
import type { Log } from '../../lib/log.js';
import { limits } from '../../lib/limits.js';
import type { CallbackPlace, CallbackPolicy } from './callback-policy.js';
import type { Known } from './denial.js';
import type { TaskState } from './task-state.js';
import { statusOf, type Tasks } from './tasks.js';

const waitsMs = [0, 1_000, 5_000, 25_000, 125_000] as const;
const parallelMost = 100;

export interface CallbackParts {
  readonly policy: CallbackPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
  known(): Known;
}

/**
 * Tells who asked that a task has ended: the task and its status, never a result, so a notice gives nobody anything. It is
 * signed as Standard Webhooks says, tried a few times, and then let be: the task can always be looked at.
 */
export class Callbacks {
  #under = 0;

  constructor(private readonly parts: CallbackParts) {}

  async ended(state: TaskState, tasks: Pick<Tasks, 'kept'>): Promise<void> {
    const [first] = state.items;
    const wanted = first && (await tasks.kept(first))?.callback;
    const place = wanted && this.parts.policy.find(wanted.endpoint, state.identity);
    const status = statusOf(state);
    if (!place || (wanted.events && !wanted.events.includes(status)) || this.#under >= parallelMost) return;
    const task = { id: state.task, status, status_endpoint: `${this.parts.known().endpoint}/${state.task}` };
    this.#under++;
    try {
      await this.#deliver(place, { ...(wanted.state !== undefined && { state: wanted.state }), task });
    } finally {
      this.#under--;
    }
  }

  async #deliver(place: CallbackPlace, body: JsonObject & { readonly task: { readonly id: string } }): Promise<void> {
    const text = JSON.stringify(body);
    for (const waitMs of waitsMs) {
      await pause(waitMs, this.parts.stop);
      if (this.parts.stop.aborted) return;
      if (await this.#post(place, body.task.id, text)) return;
    }
    this.parts.log('warn', 'an enforcement point could not be told that its request has ended; it can still look', { task: body.task.id });
  }

  async #post({ url, secret, allowPrivate }: CallbackPlace, task: string, body: string): Promise<boolean> {
    const seconds = String(Math.floor(this.parts.clock.now() / 1_000));
    const signature = createHmac('sha256', secret.reveal()).update(`${task}.${seconds}.${body}`).digest('base64');
    const headers = { 'content-type': 'application/json', 'webhook-id': task, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
    try {
      const { status } = await guardedFetch(url, { bytesMax: limits.callbackAnswerBytesMax, timeoutMs: limits.callbackMs, allowPrivate })(url, { method: 'POST', headers, body });
      return status >= 200 && status < 300;
    } catch (error) {
      if (!(error instanceof Error)) throw new FlyballError('internal', 'an internal error occurred');
      return false;
    }
  }
}
