import type { Entry } from '@flyball/protocol';
import { FlyballError } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import type { OpenHold } from '../board.js';
import type { Resumed } from './access-requests.js';
import { Resuming } from './resuming.js';

function house(answer: (id: string) => Promise<Resumed>, count = 1) {
  const state = { now: 0, bundle: 'one', votes: 1 };
  const tried: string[] = [];
  const troubles: unknown[] = [];
  const hold = (id: string): OpenHold => ({ id, session: 's', digest: id, identity: 'robot', action: id.startsWith('other') ? 'payment' : 'access.request', outcome: 'step_up', atMs: 0, deadlineMs: 9e9, approvals: [], facts: [], after: [], votes: state.votes });
  const ids = Array.from({ length: count }, (_, index) => `hold-${index}`);
  const board = { load: () => Promise.resolve(), list: () => [...ids, 'other'].map(hold), open: (id: string) => (id === 'other' || ids.includes(id) ? hold(id) : undefined) };
  const requests = { resume: (id: string) => (tried.push(id), answer(id)) };
  const resuming = new Resuming({ board, requests, isRequest: (action) => action === 'access.request', bundle: () => state.bundle, now: () => state.now, trouble: (error) => troubles.push(error) });
  const rounds = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      state.now += 1_000;
      await resuming.round();
    }
  };
  return { state, tried, troubles, resuming, rounds };
}

const approval = (hold: string) => ({ kind: 'approval', body: { hold } }) as unknown as Entry;

describe('resuming', () => {
  test('law: what was left by another node or a crash is found; what is no request is left alone', async () => {
    const { tried, rounds } = house(() => Promise.resolve('done'), 3);
    await rounds(1);
    expect(tried).toEqual(['hold-0', 'hold-1', 'hold-2']);
  });

  test('law: an answer is followed up at once, not at the next sweep', async () => {
    const { tried, rounds, resuming } = house(() => Promise.resolve('waits'));
    await rounds(1);
    resuming.notice(approval('hold-0'));
    resuming.notice(approval('other'));
    resuming.notice(approval('nowhere'));
    await rounds(1);
    expect(tried).toEqual(['hold-0', 'hold-0']);
  });

  test('law: what nothing but another bundle can change is not tried again until there is one', async () => {
    const { tried, rounds, state } = house(() => Promise.reject(new FlyballError('approval_refused', 'not registered any more')));
    await rounds(600);
    expect(tried).toHaveLength(1);
    state.bundle = 'two';
    await rounds(600);
    expect(tried).toHaveLength(2);
  });

  test('law: what cannot be carried out now is told and tried again, not more often than twice a minute', async () => {
    const { tried, rounds, troubles } = house(() => Promise.reject(new FlyballError('store_unavailable', 'gone')));
    await rounds(300);
    expect(tried.length).toBeGreaterThanOrEqual(5);
    expect(tried.length).toBeLessThanOrEqual(11);
    expect(troubles).toHaveLength(tried.length);
  });

  test('law: one round looks at so many and no more', async () => {
    const { tried, rounds } = house(() => Promise.resolve('waits'), 1_000);
    await rounds(1);
    expect(tried).toHaveLength(50);
    await rounds(19);
    expect(new Set(tried).size).toBe(1_000);
  });
});
