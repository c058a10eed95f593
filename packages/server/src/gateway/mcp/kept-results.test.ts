import { expect, test } from 'vitest';
import { KeptResults } from './kept-results.js';

const clock = { at: 0, offsetMs: 0, now: () => clock.at };
const result = (text: string) => ({ result: { content: [{ type: 'text', text }] } });

test('story: a result is there for its owner, for a while', () => {
  const kept = new KeptResults(clock, 1_000);
  kept.keep('hold', 'mine', result('a'));
  expect(kept.find('hold', 'mine')).toEqual(result('a'));
  expect(kept.find('hold', 'another')).toBeUndefined();
  clock.at = 999;
  expect(kept.find('hold', 'mine')).toEqual(result('a'));
  clock.at = 1_000;
  expect(kept.find('hold', 'mine')).toBeUndefined();
});

test('attack: results fill no memory: one that is too large is not kept, and of many the oldest go', () => {
  const kept = new KeptResults(clock, 1_000_000);
  kept.keep('large', 'mine', result('x'.repeat(4 * 1024 * 1024)));
  expect(kept.find('large', 'mine')).toBeUndefined();
  for (let each = 0; each < 40; each++) kept.keep(`big-${each}`, 'mine', result('x'.repeat(1024 * 1024)));
  const there = Array.from({ length: 40 }, (_, each) => kept.find(`big-${each}`, 'mine') !== undefined);
  expect(there.filter(Boolean).length).toBe(31);
  expect(there.slice(-31).every(Boolean)).toBe(true);
  for (let each = 0; each < 1_100; each++) kept.keep(`small-${each}`, 'mine', result('x'));
  expect(kept.find('small-99', 'mine')).toBeUndefined();
  expect(kept.find('small-1099', 'mine')).toBeDefined();
});
