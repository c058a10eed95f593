import { FlyballError } from '@flyball/protocol';
import type { Board, Dependents } from './approval/index.js';
import type { AttemptRecorder, Follower, Names, Settler, Spool } from './ledger/index.js';
import { pause, type StoreClock } from './lib/clock.js';
import type { Log } from './lib/log.js';
import { repeat } from './lib/repeat.js';
import type { ActiveBundle } from './policy/index.js';

const settleEveryMs = 1_000;
const followEveryMs = 400;
const refreshEveryMs = 15_000;
const clockJumpMs = 5_000;

/** Records the outcomes that had to wait on disk, and settles what is overdue. */
export function settleJob(settler: Settler, recorder: AttemptRecorder, spool: Spool, stop: AbortSignal, log: Log): Promise<void> {
  const step = async () => {
    await spool.drain((draft) => recorder.record(draft));
    await settler.run();
  };
  const failed = (error: unknown) => log('error', 'what is overdue cannot be settled now; it is tried again', { reason: error instanceof FlyballError ? error.message : 'unknown' });
  return repeat(step, { everyMs: settleEveryMs, stop, failed });
}

/** Several nodes on one store: what another one recorded is known here within a second. */
export function followJob(follower: Follower, stop: AbortSignal, log: Log): Promise<void> {
  return repeat(() => follower.look(), { everyMs: followEveryMs, stop, failed: () => log('warn', 'what other nodes recorded cannot be read now; it is tried again') });
}

/** Reads what was open before this node began, then keeps what waits behind a hold in step with it. */
export function dependentsJob(dependents: Dependents, board: Board, stop: AbortSignal, log: Log): Promise<void> {
  const step = async () => {
    await board.load();
    await dependents.round();
  };
  return repeat(step, { everyMs: settleEveryMs, stop, failed: () => log('warn', 'what depends on holds cannot be told now; it is tried again') });
}

export interface Refreshed {
  readonly store: { now(): Promise<number> };
  readonly clock: StoreClock;
  readonly names: Names;
  readonly bundle: ActiveBundle;
}

/** Keeps to the store's clock and to the names that the store has. While it cannot be asked, the monotonic counter goes on from where it was. */
export async function refreshJob({ store, clock, names, bundle }: Refreshed, stop: AbortSignal, log: Log): Promise<void> {
  const step = async () => {
    const before = clock.offsetMs;
    clock.set(await store.now());
    if (Math.abs(clock.offsetMs - before) > clockJumpMs) log('warn', 'this machine\'s clock and the store\'s have moved apart; the store\'s counts', { offset_ms: clock.offsetMs, before_ms: before });
    await names.refresh(bundle.current.people.keys());
  };
  const failed = () => log('warn', 'the store cannot be asked for the time');
  await pause(refreshEveryMs, stop);
  // Told each time, not only the first.
  await repeat(() => step().catch(failed), { everyMs: refreshEveryMs, stop, failed });
}
