import type { Clock } from '../../lib/clock.js';
import { limits } from '../../lib/limits.js';
import { type HoldDesk, type HoldOwner, type HoldStatus, isWaiting } from './hold-desk.js';
import { HoldTasks } from './hold-tasks.js';

export interface WaitingParts {
  readonly desk: HoldDesk;
  readonly clock: Clock;
  /** Whether the active policy could ask anybody at all. */
  readonly offers: () => boolean;
}

const waitsOfOneMost = 32;
const waitsMost = 5_000;
/** How often a wait looks by itself, and shows that it goes on. */
const lookEveryMs = 5_000;

/** Everything that machines wait on here. Nothing of it is a promise: what counts is in the record. */
export class Waiting {
  readonly tasks: HoldTasks;
  readonly #waits = new Map<string, number>();
  #all = 0;

  constructor(private readonly parts: WaitingParts) {
    this.tasks = new HoldTasks(parts.desk, parts.clock);
  }

  get desk(): HoldDesk {
    return this.parts.desk;
  }

  /** Clients are told of tasks and of the tool to wait with only where there is something to wait for. */
  get offers(): boolean {
    return this.parts.offers();
  }

  /** Waits that are under way. */
  get waits(): number {
    return this.#all;
  }

  /**
   * The hold's status once it is no longer pending, or after the time, or when the signal aborts. Who has too many
   * waits open is answered at once.
   *
   * @param tick told now and then how many milliseconds have passed
   */
  async settled(id: string, owner: HoldOwner, ms: number, signal: AbortSignal, tick: (passedMs: number) => void = () => undefined): Promise<HoldStatus | undefined> {
    const status = await this.desk.status(id, owner);
    const key = JSON.stringify([owner.identity, owner.onBehalfOf ?? null]);
    if (!status || !isWaiting(status) || !this.#enter(key)) return status;
    try {
      return await this.#await(status, owner, Math.min(ms, limits.holdWaitMsMax), signal, tick);
    } finally {
      this.#leave(key);
    }
  }

  async #await(first: HoldStatus, owner: HoldOwner, ms: number, signal: AbortSignal, tick: (passedMs: number) => void): Promise<HoldStatus | undefined> {
    const { clock, desk } = this.parts;
    const begunAtMs = clock.now();
    for (let status: HoldStatus | undefined = first; ; ) {
      const passedMs = clock.now() - begunAtMs;
      if (!status || !isWaiting(status) || passedMs >= ms || signal.aborted) return status;
      if (passedMs > 0) tick(passedMs);
      // At its deadline a hold has expired, whoever has noted it.
      const untilDeadlineMs = Math.max(1, status.deadlineMs - clock.now() + 1);
      status = await desk.wait(first.id, owner, Math.min(ms - passedMs, lookEveryMs, untilDeadlineMs), signal);
    }
  }

  #enter(key: string): boolean {
    const own = this.#waits.get(key) ?? 0;
    if (own >= waitsOfOneMost || this.#all >= waitsMost) return false;
    this.#waits.set(key, own + 1);
    this.#all++;
    return true;
  }

  #leave(key: string): void {
    const own = (this.#waits.get(key) ?? 1) - 1;
    if (own > 0) this.#waits.set(key, own);
    else this.#waits.delete(key);
    this.#all--;
  }
}
