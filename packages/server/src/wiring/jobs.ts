import { type Entry, FlyballError } from '@flyball/protocol';
import { type AccessRequests, type ApprovalRoom, type Board, Dependents, type Notifier, StandingResume } from '../approval/index.js';
import { type AttemptRecorder, Follower, type Ledger, type Names, Settler, type Spool, type TransparencyLog } from '../ledger/index.js';
import { pause, type StoreClock } from '../lib/clock.js';
import type { Log } from '../lib/log.js';
import { repeat } from '../lib/repeat.js';
import type { ActiveBundle, Policy } from '../policy/index.js';
import type { OpenStore } from '../store/open.js';
import { notifyJob } from './channels.js';
import { arrivalsJob } from './facts.js';
import { type GrantsFoundation, knownOutcome, resumeJob } from './grants.js';

const settleEveryMs = 1_000;
const followEveryMs = 400;
const refreshEveryMs = 15_000;
const clockJumpMs = 5_000;

export interface JobParts extends Refreshed {
  readonly store: OpenStore;
  readonly ledger: Ledger;
  readonly board: Board;
  readonly listeners: Set<(entry: Entry) => void>;
  readonly transparency: TransparencyLog;
  readonly recorder: AttemptRecorder;
  readonly spool: Spool;
  readonly approval: ApprovalRoom;
  readonly policy: Policy;
  readonly requests: AccessRequests;
  readonly foundation: GrantsFoundation;
  readonly notifier: Notifier | undefined;
}

/** Everything that goes on by itself, until it is told to stop. */
export function startJobs(parts: JobParts, stop: AbortSignal, log: Log): readonly Promise<void>[] {
  const { store, ledger, board, listeners, transparency, recorder, spool, approval, policy, requests, foundation, notifier, clock } = parts;
  const noticed = (entry: Entry) => {
    board.apply(entry);
    listeners.forEach((listener) => listener(entry));
  };
  const follower = new Follower(store.log, ledger.projections, noticed, () => board.reload());
  return [
    settleJob(new Settler(ledger, clock, knownOutcome(ledger)), recorder, spool, stop, log),
    transparency.run(stop),
    ...(store.kind === 'postgres' ? [followJob(follower, stop, log)] : []),
    refreshJob(parts, stop, log),
    dependentsJob(new Dependents(board, approval.questions, approval.holds), board, stop, log),
    arrivalsJob({ board, holds: approval.holds, ledger, policy, clock }, stop, log),
    resumeJob(requests, foundation, (listener) => listeners.add(listener), stop, log),
    standingJob(approval, clock, (listener) => listeners.add(listener), stop, log),
    ...(notifier ? [notifyJob(notifier, approval, stop)] : []),
  ];
}

/** Records the outcomes that had to wait on disk, and settles what is overdue. */
function settleJob(settler: Settler, recorder: AttemptRecorder, spool: Spool, stop: AbortSignal, log: Log): Promise<void> {
  const step = async () => {
    await spool.drain((draft) => recorder.record(draft));
    await settler.run();
  };
  const failed = (error: unknown) => log('error', 'what is overdue cannot be settled now; it is tried again', { reason: error instanceof FlyballError ? error.message : 'unknown' });
  return repeat(step, { everyMs: settleEveryMs, stop, failed });
}

/** Several nodes on one store: what another one recorded is known here within a second. */
function followJob(follower: Follower, stop: AbortSignal, log: Log): Promise<void> {
  return repeat(() => follower.look(), { everyMs: followEveryMs, stop, failed: () => log('warn', 'what other nodes recorded cannot be read now; it is tried again') });
}

/** Reads what was open before this node began, then keeps what waits behind a hold in step with it. */
function dependentsJob(dependents: Dependents, board: Board, stop: AbortSignal, log: Log): Promise<void> {
  const step = async () => {
    await board.load();
    await dependents.round();
  };
  return repeat(step, { everyMs: settleEveryMs, stop, failed: () => log('warn', 'what depends on holds cannot be told now; it is tried again') });
}

/** Begins standing approvals that a crash kept from the record. */
function standingJob({ board, standing }: ApprovalRoom, clock: StoreClock, listen: (listener: StandingResume['notice']) => void, stop: AbortSignal, log: Log): Promise<void> {
  const trouble = (error: unknown) => log('warn', 'a standing approval cannot begin now; it is tried again', { reason: error instanceof FlyballError ? error.message : 'unknown' });
  const resume = new StandingResume({ board, standing, now: () => clock.now(), trouble });
  listen((entry) => resume.notice(entry));
  return repeat(() => resume.round(), { everyMs: settleEveryMs, stop, failed: trouble });
}

export interface Refreshed {
  readonly store: { now(): Promise<number> };
  readonly clock: StoreClock;
  readonly names: Names;
  readonly bundle: ActiveBundle;
}

/** Keeps to the store's clock and to the names that the store has. While it cannot be asked, the monotonic counter goes on from where it was. */
async function refreshJob({ store, clock, names, bundle }: Refreshed, stop: AbortSignal, log: Log): Promise<void> {
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
