import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binary, bothEngines, ofContext, policyWhen } from '../../../../test/support/cedar-kit.js';
import { applyExtension } from './extension-functions.js';
import { fromValue, type Json, type JsonObject, toValue } from './json.js';
import { equals, type Value } from './value.js';
import { attempt } from '../expressions/parts.js';
import { EvaluationError } from '../errors.js';

const numRuns = 3_000;

/** A good text with one or two characters changed, left out, doubled or put in. */
function near(texts: readonly string[], characters: string): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(60), fc.constantFrom('replace', 'insert', 'remove', 'double'), fc.constantFrom(...characters));
  const edited = (text: string, [position, kind, character]: readonly [number, string, string]) => {
    const at = position % (text.length + 1);
    const [before, here, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
    return before + (kind === 'replace' ? character : kind === 'insert' ? character + here : kind === 'double' ? here + here : '') + after;
  };
  return fc.tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 2 })).map(([text, edits]) => edits.reduce(edited, text));
}

const digits = fc.stringMatching(/^[0-9]{1,21}$/);
const amount = fc.constantFrom('0', '1', '9', '23', '59', '999', '00', '106751991167', '9223372036854775807', '9223372036854775808');
const twoDigits = fc.constantFrom('00', '01', '02', '12', '13', '23', '24', '28', '29', '30', '31', '32', '59', '60', '61', '99');
const year = fc.constantFrom('0000', '0001', '0004', '0100', '1600', '1900', '1970', '2000', '2024', '2026', '2100', '9999');
const group = fc.constantFrom('0', '1', 'ff', 'FFFF', '2001', 'db8', '00', '0000', '10000', 'g', '');

const kinds: readonly [string, fc.Arbitrary<string>, readonly string[], readonly string[]][] = [
  [
    'decimal',
    fc.oneof(
      near(['0.0', '-0.0', '1.5', '-12.3456', '922337203685477.5807', '-922337203685477.5808', '922337203685477.5808', '-922337203685477.5809', '000000000000000000000000000001.0', '1.23450'], '0123456789.-+ e_,١'),
      fc.tuple(fc.constantFrom('', '-', '+'), digits, fc.constantFrom('', '.', '.0', '.5', '.5807', '.5808', '.58080', '.12345', '.00000')).map((parts) => parts.join('')),
    ),
    ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'],
    [],
  ],
  [
    'ip',
    fc.oneof(
      near(['0.0.0.0', '127.0.0.1', '127.0.0.1/8', '10.0.0.0/8', '255.255.255.255/32', '224.0.0.0/3', '239.1.2.3/4', '::', '::1', '::1/127', 'ff00::/8', 'ff00::/7', '2001:db8::1/32', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '::ffff:1.2.3.4', 'FFFF:ffff:FFFF:ffff:FFFF:ffff:FFFF:ffff/128', '0:0:0:0:0:0:0:1'], '0123456789abfF.:/ -+%g'),
      fc.tuple(fc.array(group, { maxLength: 9 }).map((groups) => groups.join(':')), fc.constantFrom('', '/0', '/1', '/128', '/129', '/032', '/')).map((parts) => parts.join('')),
      fc.tuple(fc.array(fc.constantFrom('0', '1', '01', '127', '224', '255', '256', ''), { maxLength: 5 }).map((octets) => octets.join('.')), fc.constantFrom('', '/0', '/4', '/8', '/32', '/33', '/08', '/+8')).map((parts) => parts.join('')),
    ),
    ['isInRange'],
    ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'],
  ],
  [
    'datetime',
    fc.oneof(
      near(['1970-01-01', '2024-02-29', '2023-02-29', '2026-11-22T10:30:00Z', '2026-11-22T10:30:00.250Z', '2026-11-22T10:30:00+0530', '2026-11-22T23:59:59.999-2359', '0000-01-01T00:00:00Z', '0000-01-01T00:00:00+2359', '9999-12-31T23:59:59-2359'], '0123456789-:TZ.+ tz'),
      fc.tuple(year, twoDigits, twoDigits).map((parts) => parts.join('-')),
      fc.tuple(fc.tuple(year, twoDigits, twoDigits).map((parts) => parts.join('-')), fc.tuple(twoDigits, twoDigits, twoDigits).map((parts) => parts.join(':')), fc.constantFrom('', '.000', '.999', '.1', '.1234'), fc.constantFrom('Z', '', '+0000', '-0000', '+2359', '+2400', '-0060', '+01:00')).map(([date, time, fraction, zone]) => `${date}T${time}${fraction}${zone}`),
    ),
    ['<', '<=', '>', '>='],
    [],
  ],
  [
    'duration',
    fc.oneof(
      near(['0ms', '1d2h3m4s5ms', '-1h', '90m', '1m1ms', '5s', '9223372036854775807ms', '-9223372036854775808ms', '9223372036854775808ms', '106751991167d7h12m55s807ms', '106751991167d7h12m55s808ms', '-106751991167d7h12m55s808ms', '153722867280912930m', '000000000000000000000001s'], '0123456789dhms-+ .'),
      fc.tuple(fc.constantFrom('', '-', '+'), fc.subarray(['d', 'h', 'm', 's', 'ms']), fc.array(amount, { minLength: 5, maxLength: 5 })).map(([sign, units, amounts]) => sign + units.map((unit, index) => `${amounts[index] ?? ''}${unit}`).join('')),
      fc.tuple(fc.integer({ min: 0, max: 120 }), fc.constantFrom('d', 'h', 'm', 's', 'ms')).map(([zeros, unit]) => `${'0'.repeat(zeros)}1${unit}`),
    ),
    ['<', '<=', '>', '>='],
    ['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'],
  ],
];

const made = (kind: string, name: string): JsonObject => ({ [kind]: [ofContext(name)] });

function policiesOf(kind: string, comparisons: readonly string[], tests: readonly string[]): Readonly<Record<string, JsonObject>> {
  const [a, b] = [made(kind, 'a'), made(kind, 'b')];
  const compare = (operator: string): Json => (/^[<>]/.test(operator) ? binary(operator, a, b) : { [operator]: [a, b] });
  const asked = (name: string): Json => (kind === 'duration' ? binary('==', { [name]: [a] }, { [name]: [b] }) : { [name]: [a] });
  return { parses: policyWhen(binary('==', a, a)), 'a == b': policyWhen(binary('==', a, b)), ...Object.fromEntries([...comparisons.map((name) => [name, policyWhen(compare(name))] as const), ...tests.map((name) => [name, policyWhen(asked(name))] as const)]) };
}

test.each(kinds)('law: near-valid texts of %s are taken, compared and tested as the reference engine does', (kind, texts, comparisons, tests) => {
  const ask = bothEngines(policiesOf(kind, comparisons, tests));
  const seen = { taken: 0, refused: 0 };
  fc.assert(fc.property(texts, texts, (a, b) => {
    const { own, reference } = ask({ a, b });
    expect(own, JSON.stringify({ a, b })).toEqual(reference);
    seen[own.errors.includes('parses') ? 'refused' : 'taken']++;
  }), { numRuns });
  // Texts that are all good, or all bad, would compare nothing.
  expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(numRuns / 20);
});

test('law: dates and times of a datetime, and what is counted from it, are those of the reference engine', () => {
  const [at, span] = [made('datetime', 'a'), made('duration', 'b')];
  const [, datetimes] = kinds[2] ?? [];
  const [, durations] = kinds[3] ?? [];
  if (!datetimes || !durations) throw new Error('expected both kinds');
  const epoch = { datetime: [{ Value: '1970-01-01' }] };
  const shifted = { offset: [at, span] };
  const millis = (datetime: Json): JsonObject => ({ toMilliseconds: [{ durationSince: [datetime, epoch] }] });
  const ask = bothEngines({ date: policyWhen(binary('<', { toDate: [shifted] }, at)), time: policyWhen(binary('<', { toTime: [shifted] }, { toTime: [at] })), since: policyWhen(binary('<', millis(shifted), millis(at))), even: policyWhen(binary('==', millis({ toDate: [shifted] }), millis(shifted))) });
  fc.assert(fc.property(datetimes, durations, (a, b) => {
    const { own, reference } = ask({ a, b });
    expect(own, JSON.stringify({ a, b })).toEqual(reference);
  }), { numRuns });
});

test.each(kinds)('law: a value of %s that is written as JSON is read back as the same value', (kind, texts) => {
  fc.assert(fc.property(texts, (text) => {
    const read = attempt((): Value => applyExtension(kind, [text]));
    if (read instanceof EvaluationError) return;
    expect(equals(toValue(fromValue(read)), read)).toBe(true);
  }));
});

test.each(['decimal', 'ip', 'datetime', 'duration'])('attack: a megabyte that is no %s is refused in a short message', (kind) => {
  for (const text of ['1'.repeat(1 << 20), `${'0'.repeat(1 << 20)}1.5x`, ':'.repeat(1 << 20), `-${'9'.repeat(1 << 20)}ms`]) {
    const refused = attempt(() => applyExtension(kind, [text]));
    expect(refused).toBeInstanceOf(EvaluationError);
    if (refused instanceof EvaluationError) expect(refused.message.length).toBeLessThan(300);
  }
});
