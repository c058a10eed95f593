import { describe, expect, test } from 'vitest';
import { earliestId, isTimeId, timeId } from './ids.js';

const now = 1_750_000_000_000;

describe('ids that sort by time', () => {
  test('law: what one process names in one millisecond sorts in the order in which it was named, and no two are the same', () => {
    const ids = Array.from({ length: 50_000 }, () => timeId(now));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isTimeId)).toBe(true);
  });

  test('law: a later millisecond sorts after, an earlier one before, whatever was counted', () => {
    const moments = Array.from({ length: 500 }, (_, n) => now + ((n * 7_919) % 500));
    const made = moments.map((ms) => ({ ms, id: timeId(ms) }));
    expect([...made].sort((left, right) => (left.id < right.id ? -1 : 1)).map(({ ms }) => ms)).toEqual(Array.from({ length: 500 }, (_, n) => now + n));
  });

  test('law: the smallest id of a moment is before all of it and after all before it', () => {
    for (let n = 0; n < 1_000; n++) expect([timeId(now - 1) < earliestId(now), earliestId(now) <= timeId(now)]).toEqual([true, true]);
  });

  test('attack: processes that start in the same millisecond: their ids have random places of their own', () => {
    const tails = Array.from({ length: 10_000 }, () => timeId(now).slice(24));
    expect(new Set(tails).size).toBe(tails.length);
  });

  test('story: the time is the first 48 bits; a time before 1970 is 1970', () => {
    expect(Number.parseInt(timeId(now).replaceAll('-', '').slice(0, 12), 16)).toBe(now);
    expect(timeId(-5).startsWith('00000000-0000-7')).toBe(true);
  });
});
