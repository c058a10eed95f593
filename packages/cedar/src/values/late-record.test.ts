import { describe, expect, test } from 'vitest';
import { CedarError } from '../errors.js';
import { toRecord } from './json.js';
import { lateRecord } from './late-record.js';
import { equals, identityOf } from './value.js';

const json = { text: 'a', number: 7, flag: false, list: [1, 'two'], inner: { deep: { er: 'x' } }, when: { __extn: { fn: 'datetime', arg: '2026-11-22' } }, '': 'no name', constructor: 'its own' };

describe('a record whose members are read when they are asked for', () => {
  test('is the same value as one that was read at once, from whichever side it is looked at', () => {
    const [late, whole] = [lateRecord(json), toRecord(json)];
    expect(late.attributes.size).toBe(whole.attributes.size);
    expect(equals(late, whole)).toBe(true);
    expect(equals(toRecord(json), lateRecord(json))).toBe(true);
    expect(identityOf(lateRecord(json))).toBe(identityOf(whole));
    expect([...lateRecord(json).attributes.keys()]).toEqual([...whole.attributes.keys()]);
    expect([...lateRecord(json).attributes.values()].map(identityOf)).toEqual([...whole.attributes.values()].map(identityOf));
    for (const name of Object.keys(json)) expect(identityOf(late.attributes.get(name) ?? '')).toBe(identityOf(whole.attributes.get(name) ?? ''));
  });

  test('is the same after some of its members were asked for out of order', () => {
    const late = lateRecord(json);
    late.attributes.get('when');
    late.attributes.get('text');
    expect(equals(late, toRecord(json))).toBe(true);
    expect(identityOf(late)).toBe(identityOf(toRecord(json)));
  });

  test('has no member that the object has not itself', () => {
    const late = lateRecord({ own: 1 });
    for (const name of ['toString', 'hasOwnProperty', '__proto__']) {
      expect(late.attributes.has(name)).toBe(false);
      expect(late.attributes.get(name)).toBeUndefined();
    }
  });

  test('a member that is no value of Cedar is refused when it is asked for, also with all the others', () => {
    const late = lateRecord({ good: 1, bad: null, half: '\uD800' });
    expect(late.attributes.get('good')).toBe(1);
    expect(() => late.attributes.get('bad')).toThrow(CedarError);
    expect(() => late.attributes.get('half')).toThrow('well-formed');
    expect(() => [...late.attributes]).toThrow(CedarError);
    // It did not become readable by having been asked for.
    expect(() => late.attributes.get('bad')).toThrow(CedarError);
  });
});
