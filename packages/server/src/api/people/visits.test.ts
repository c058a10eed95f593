import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../../test/support/identity-kit.js';
import { idleMs, visitMs, Visits } from './visits.js';

const proven = { issuer: 'https://idp.example', subject: 'a', claims: {}, authenticatedAtMs: undefined };

describe('a visit', () => {
  test('law: it ends after half an hour without a person, and after eight hours with one', () => {
    const clock = new FakeClock();
    const visits = new Visits(clock);
    const idle = visits.open('ann', proven);
    clock.ms += idleMs;
    expect(visits.find(idle)).toBeUndefined();
    const busy = visits.open('ann', proven);
    const until = clock.ms + visitMs;
    for (; clock.ms + idleMs - 1 < until; clock.ms += idleMs - 1) expect(visits.find(busy)?.person).toBe('ann');
    expect(visits.find(busy)?.person).toBe('ann');
    clock.ms = until;
    expect(visits.find(busy)).toBeUndefined();
  });

  test('law: a page that looks for news by itself keeps no visit alive', () => {
    const clock = new FakeClock();
    const visits = new Visits(clock);
    const handle = visits.open('ann', proven);
    clock.ms += idleMs - 1;
    expect(visits.find(handle, true)).toBeDefined();
    clock.ms += 1;
    expect(visits.find(handle)).toBeUndefined();
  });

  test('law: nobody is fresh who was not asked to prove it now, and nobody for longer than five minutes', () => {
    const clock = new FakeClock();
    const visits = new Visits(clock);
    const freshUntil = (authenticatedAtMs: number | undefined) => (visits.find(visits.open('ann', { ...proven, authenticatedAtMs }))?.freshUntilMs ?? 0) - clock.ms;
    expect(freshUntil(undefined)).toBeLessThan(0);
    expect(freshUntil(clock.ms)).toBe(300_000);
    expect(freshUntil(clock.ms + 86_400_000)).toBe(300_000);
  });

  test('attack: one person who signs in without end fills no memory and puts nobody else out', () => {
    const visits = new Visits(new FakeClock());
    const bens = visits.open('ben', proven);
    const anns = Array.from({ length: 200 }, () => visits.open('ann', proven));
    expect(anns.filter((handle) => visits.find(handle))).toHaveLength(20);
    expect(visits.find(bens)?.person).toBe('ben');
    expect(visits.find('')).toBeUndefined();
  });
});
