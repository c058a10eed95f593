import type { FactRule } from '@flyball/protocol';
import { expect, test } from 'vitest';
import { FakeClock } from '../../../../../test/support/identity-kit.js';
import type { DecisionInputs } from '../../action/states.js';
import { Arrivals, type WaitingHold } from './arrivals.js';

const rule = (...needs: readonly string[]): FactRule => ({ policy: 'window', needs, withinMs: 60_000, reason: 'window' });
const inputs: DecisionInputs = { principal: {}, action: 'pay', resources: [], context: {}, entities: [] };
const second = 1_000;

function house(holds: readonly WaitingHold[], over: Partial<{ waits: (names: readonly string[]) => boolean; inputsOf: (id: string) => DecisionInputs | undefined; arrived: (id: string) => void }> = {}) {
  const clock = new FakeClock();
  const asked: number[] = [];
  const told: string[] = [];
  const list = [...holds];
  const waiting = {
    list: () => list,
    inputsOf: (id: string) => Promise.resolve(over.inputsOf ? over.inputsOf(id) : inputs),
    arrived: (id: string, facts: readonly string[]) => Promise.resolve().then(() => (over.arrived?.(id), void told.push(`${id}: ${facts.join()}`))),
  };
  const began = clock.ms;
  const arrivals = new Arrivals(waiting, (_inputs, names) => (asked.push(Math.round((clock.ms - began) / second)), Promise.resolve(over.waits?.(names) ?? true)), clock);
  const run = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      await arrivals.round().catch(() => undefined);
      clock.ms += second;
    }
  };
  return { clock, asked, told, list, run };
}

const hold = (id: string, over: Partial<WaitingHold> = {}): WaitingHold => ({ id, deadlineMs: Number.MAX_SAFE_INTEGER, facts: [rule('change_window')], ...over });

test('story: asked after five seconds, then ever less often, every minute at last', async () => {
  const { asked, run } = house([hold('a')]);
  await run(300);
  expect(asked).toEqual([5, 15, 35, 75, 135, 195, 255]);
});

test('story: told once when everything that its rules need is there', async () => {
  const seen: (readonly string[])[] = [];
  const { told, run } = house([hold('a', { facts: [rule('vendor', 'change_window'), rule('change_window')] })], { waits: (names) => (seen.push(names), seen.length < 3) });
  await run(400);
  expect(seen[0]).toEqual(['change_window', 'vendor']);
  expect(told).toEqual(['a: change_window,vendor']);
});

test('story: told again when it had gone and came back before anybody asked', async () => {
  const answers = [false, false, true, false];
  let at = 0;
  const { told, run } = house([hold('a')], { waits: () => answers[at++] ?? false });
  await run(400);
  expect(told).toHaveLength(2);
});

test('law: what is over, settled or erased is asked about no more', async () => {
  const { asked, told, list, run, clock } = house([hold('over', { deadlineMs: new FakeClock().ms + 3 * second }), hold('erased'), hold('settled')], { inputsOf: (id) => (id === 'erased' ? undefined : inputs) });
  await run(4);
  list.splice(2);
  await run(100);
  expect([asked, told]).toEqual([[], []]);
  expect(clock.ms).toBeGreaterThan(0);
});

test('attack: a flood of holds is worked off so many in a round, the longest-waiting first', async () => {
  const { asked, run } = house(Array.from({ length: 1_000 }, (_, i) => hold(`h${i}`)));
  await run(6);
  expect(asked).toHaveLength(200);
  await run(4);
  expect(asked).toHaveLength(1_000);
});

test('attack: one hold that cannot be recorded keeps no other from being told', async () => {
  const { told, run } = house([hold('bad'), hold('good')], {
    waits: () => false,
    arrived: (id) => {
      if (id === 'bad') throw new Error('the store is down');
    },
  });
  await run(8);
  expect(told).toEqual(['good: change_window']);
});
