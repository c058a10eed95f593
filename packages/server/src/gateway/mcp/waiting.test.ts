import { expect, test } from 'vitest';
import { pause } from '../../lib/clock.js';
import type { HoldDesk, HoldStatus } from './hold-desk.js';
import { Waiting } from './waiting.js';

const owner = { identity: 'tester' };
const clock = { now: () => Math.floor(performance.now()), offsetMs: 0 };
const pending = (over: Partial<HoldStatus> = {}): HoldStatus => ({ id: 'hold', state: 'pending', deadlineMs: clock.now() + 60_000, agreed: [], missing: [], arrived: false, ...over });

/** A desk on which one hold waits until the test says what became of it. */
function deskWith(status: HoldStatus): { readonly desk: HoldDesk; set(next: HoldStatus): void; readonly listening: Set<() => void> } {
  let now = status;
  const listening = new Set<() => void>();
  const none = () => Promise.resolve(undefined);
  const refuse = () => Promise.reject(new Error('not asked here'));
  const wait: HoldDesk['wait'] = async (_id, _owner, ms, signal) => {
    const woken = new AbortController();
    const wake = () => woken.abort();
    listening.add(wake);
    await pause(ms, AbortSignal.any([signal, woken.signal]));
    listening.delete(wake);
    return now;
  };
  return { desk: { status: () => Promise.resolve(now), wait, cancel: refuse, attach: refuse, call: none, use: none }, set: (next) => { now = next; listening.forEach((wake) => wake()); }, listening };
}

const waitingOn = (desk: HoldDesk) => new Waiting({ desk, clock, offers: () => true });

test('law: every wait ends: answered, when the time is up, at the deadline, and when nobody listens any more', async () => {
  const { desk, set, listening } = deskWith(pending());
  const waiting = waitingOn(desk);
  const never = new AbortController();
  expect((await waiting.settled('hold', owner, 30, never.signal))?.state).toBe('pending');
  const gone = new AbortController();
  const left = waiting.settled('hold', owner, 55_000, gone.signal);
  setTimeout(() => gone.abort(), 20);
  expect((await left)?.state).toBe('pending');
  const answered = waiting.settled('hold', owner, 55_000, never.signal);
  setTimeout(() => set(pending({ state: 'approved' })), 20);
  expect((await answered)?.state).toBe('approved');
  set(pending({ deadlineMs: clock.now() + 30 }));
  const late = waiting.settled('hold', owner, 55_000, never.signal);
  setTimeout(() => set(pending({ state: 'expired' })), 20);
  expect((await late)?.state).toBe('expired');
  set(pending({ arrived: true }));
  expect((await waiting.settled('hold', owner, 55_000, never.signal))?.arrived).toBe(true);
  expect([waiting.waits, listening.size]).toEqual([0, 0]);
});

test('attack: one identity has only so many waits open; the next is answered at once, and nobody else is kept from waiting', async () => {
  const { desk, set } = deskWith(pending());
  const waiting = waitingOn(desk);
  const gone = new AbortController();
  const open = Array.from({ length: 32 }, () => waiting.settled('hold', owner, 55_000, gone.signal));
  await pause(10);
  expect(waiting.waits).toBe(32);
  expect((await waiting.settled('hold', owner, 55_000, gone.signal))?.state).toBe('pending');
  const other = waiting.settled('hold', { identity: 'other' }, 55_000, gone.signal);
  await pause(10);
  expect(waiting.waits).toBe(33);
  set(pending({ state: 'refused' }));
  expect(new Set((await Promise.all([...open, other])).map((status) => status?.state))).toEqual(new Set(['refused']));
  expect(waiting.waits).toBe(0);
});
