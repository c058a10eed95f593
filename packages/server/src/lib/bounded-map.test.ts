import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../test/support/identity-kit.js';
import { BoundedMap } from './bounded-map.js';

interface Kept {
  readonly owner: string;
  readonly endsAtMs: number;
}

const mapOf = (clock: FakeClock, perOwnerMost = 2, allMost = 3) => new BoundedMap<Kept>(clock, { perOwnerMost, allMost, ownerOf: ({ owner }) => owner, endsAtMs: ({ endsAtMs }) => endsAtMs });
const there = (map: BoundedMap<Kept>, ...keys: string[]) => keys.filter((key) => map.find(key));

describe('what is kept for a while', () => {
  test('law: it is there until its end, and not at it', () => {
    const clock = new FakeClock();
    const map = mapOf(clock);
    map.add('a', { owner: 'ann', endsAtMs: clock.ms + 10 });
    clock.ms += 9;
    expect(there(map, 'a')).toEqual(['a']);
    clock.ms += 1;
    expect(there(map, 'a')).toEqual([]);
  });

  test('law: what is too much for one owner puts out the oldest of that owner, and nobody else\'s', () => {
    const clock = new FakeClock();
    const map = mapOf(clock, 2, 10);
    const endsAtMs = clock.ms + 10;
    for (const [key, owner] of [['b', 'ben'], ['1', 'ann'], ['2', 'ann'], ['3', 'ann']] as const) map.add(key, { owner, endsAtMs });
    expect(there(map, 'b', '1', '2', '3')).toEqual(['b', '2', '3']);
  });

  test('law: what is too much for all puts out the oldest, and what is over goes before it', () => {
    const clock = new FakeClock();
    const map = mapOf(clock);
    map.add('a', { owner: 'ann', endsAtMs: clock.ms + 100 });
    map.add('b', { owner: 'ben', endsAtMs: clock.ms + 10 });
    map.add('c', { owner: 'cyd', endsAtMs: clock.ms + 100 });
    clock.ms += 10;
    map.add('d', { owner: 'dan', endsAtMs: clock.ms + 100 });
    expect(there(map, 'a', 'b', 'c', 'd')).toEqual(['a', 'c', 'd']);
    map.add('e', { owner: 'eve', endsAtMs: clock.ms + 100 });
    expect(there(map, 'a', 'c', 'd', 'e')).toEqual(['c', 'd', 'e']);
  });

  test('law: another value keeps the age of the first, and brings nothing back that is gone', () => {
    const clock = new FakeClock();
    const map = mapOf(clock, 2, 10);
    const kept = { owner: 'ann', endsAtMs: clock.ms + 10 };
    map.add('1', kept);
    map.add('2', kept);
    map.replace('1', { ...kept, endsAtMs: clock.ms + 20 });
    map.add('3', kept);
    map.replace('1', kept);
    expect(there(map, '1', '2', '3')).toEqual(['2', '3']);
  });
});
