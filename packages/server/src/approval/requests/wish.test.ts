import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callOf, endOf, faultOf } from './wish.js';

const nowMs = 1_750_000_000_000;
const minuteMs = 60_000;
const terms = { description: 'reads', owner: 'ann', longestMs: 480 * minuteMs };
const wish = { grant: 'db-read', why: 'a reason', byPerson: false };

describe('what is asked for', () => {
  test('law: no grant is longer than what was asked for, agreed to and declared, nor later than its end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }), fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 1e9 }), (minutes, untilIn, cap, laterMs) => {
        const until = untilIn === undefined ? undefined : new Date(nowMs + untilIn).toISOString();
        const call = callOf({ ...wish, minutes, until }, nowMs);
        const at = nowMs + laterMs;
        const ends = endOf({ ...call.args, minutes: Math.min(minutes, cap) }, terms, at);
        expect(ends).toBeLessThanOrEqual(at + Math.min(minutes, cap, 480) * minuteMs);
        if (untilIn !== undefined) expect(ends).toBeLessThanOrEqual(nowMs + untilIn);
      }),
    );
  });

  test.each([{ minutes: 0 }, { minutes: -5 }, { minutes: 1.5 }, { minutes: NaN }, { minutes: Infinity }, { minutes: 1e9 }, {}, { until: 'soon' }, { until: new Date(nowMs).toISOString() }, { until: new Date(nowMs - 1).toISOString(), minutes: 5 }])('attack: %j is refused', (more) => {
    expect(() => callOf({ ...wish, ...more }, nowMs)).toThrow('nothing was granted');
  });

  test.each([[-1, undefined], [0, 'request_malformed'], [1, 'request_malformed']] as const)('abuse 36: looked at %i ms after the end that was asked for: %s', (late, code) => {
    const call = callOf({ ...wish, until: new Date(nowMs + 600_000).toISOString() }, nowMs);
    expect(faultOf(call, terms, nowMs + 600_000 + late)?.code).toBe(code);
  });

  test('law: with the same words it is the same attempt, whenever it is asked; arguments that are none are no time', () => {
    expect(callOf({ ...wish, minutes: 5 }, nowMs)).toEqual(callOf({ ...wish, minutes: 5 }, nowMs + 3_600_000));
    expect(endOf({}, terms, nowMs)).toBe(nowMs);
    expect(endOf({ minutes: '480', until: 'never' }, terms, nowMs)).toBe(nowMs);
  });
});
