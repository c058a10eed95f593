import { afterEach, expect, test, vi } from 'vitest';
import { pause, StoreClock } from './clock.js';

afterEach(() => vi.useRealTimers());

const year = 365 * 24 * 60 * 60_000;

test.each([['back an hour', -3_600_000], ['forward a year', year], ['to 1970', -Date.now()]])('abuse 81: the machine\'s wall clock goes %s: no expiry moves', (_name, by) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const clock = new StoreClock();
  clock.set(5_000_000);
  vi.setSystemTime(Date.now() + by);
  expect(clock.now()).toBeGreaterThanOrEqual(5_000_000);
  expect(clock.now()).toBeLessThan(5_000_000 + 5_000);
});

test('law: the clock follows the store\'s and tells how far the machine is off', () => {
  const clock = new StoreClock();
  clock.set(Date.now() + 60_000);
  expect(Math.abs(clock.offsetMs - 60_000)).toBeLessThan(5_000);
  expect(Math.abs(clock.now() - Date.now() - 60_000)).toBeLessThan(5_000);
});

test('law: between two settings time never goes back, and it is whole milliseconds', async () => {
  const clock = new StoreClock();
  clock.set(1_000);
  let last = clock.now();
  for (let round = 0; round < 200; round++) {
    const next = clock.now();
    expect(Number.isInteger(next)).toBe(true);
    expect(next).toBeGreaterThanOrEqual(last);
    last = next;
    if (round % 50 === 0) await pause(2);
  }
});

test('abuse 81: a store that answers with no time does not stop the clock', () => {
  const clock = new StoreClock();
  clock.set(Number.NaN);
  expect(Number.isFinite(clock.now())).toBe(true);
});

test('law: a pause ends early and without an error when it is aborted', async () => {
  const controller = new AbortController();
  const began = performance.now();
  const waiting = pause(60_000, controller.signal);
  controller.abort();
  await waiting;
  await pause(60_000, controller.signal);
  expect(performance.now() - began).toBeLessThan(1_000);
});
