import { TemporalMonitor } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { clauseOf, readLine } from '../../../../test/support/trace-kit.js';

const ask = (condition: string, lines: readonly string[], forget: boolean) => {
  const monitor = new TemporalMonitor([{ name: 'c', condition: clauseOf(condition) }]);
  const history = monitor.newHistory();
  return lines.map(readLine).map((line) => {
    if (forget) history.forgetBefore(line.atMs - monitor.horizonMs);
    const said = monitor.ask(history, line, line.present).get('c');
    history.add(line);
    return said;
  });
};

const many = Array.from({ length: 3_000 }, (_, index) => `${index} ${index % 3 === 0 ? 'Read' : 'Pay'} amount=${(index * 7) % 11} user=u${index % 5}`);

test.each<string>([
  'sum_within(a, 10s, Pay.req{ input.amount: a }) > 33',
  'sum_within(a, 100s, Pay.req{ input.amount: a, input.user: ctx.user }) > 68',
  'count_within(7s, Pay.req{ input.user: ctx.user }) > 1',
  'exists (u: String). (!Pay.req{ input.user: u } since within 9s Read.req{ input.user: u } && u != ctx.user)',
  'formerly within 10s (previous within 3s Read.req{ input.amount: ctx.amount })',
  'count_distinct_within(k, 4s, Pay.req{ input.user: k }) == 4',
])('law: what no clause can reach may be forgotten, and nothing is answered differently: %s', (condition) => {
  const said = ask(condition, many, true);
  expect(said).toEqual(ask(condition, many, false));
  expect(new Set(said)).toEqual(new Set([true, false]));
});

test('law: a sum stays right when the room of forgotten events is given back', () => {
  const steady = Array.from({ length: 3_000 }, (_, index) => `${index} Pay amount=1`);
  const said = ask('sum_within(a, 10s, Pay.req{ input.amount: a }) == 11', steady, true);
  expect(said.lastIndexOf(false)).toBe(9);
});

test('law: a question leaves no trace', () => {
  const monitor = new TemporalMonitor([{ name: 'c', condition: clauseOf('count_within(1h, Pay.req{}) > 1') }]);
  const history = monitor.newHistory();
  const line = readLine('1 Pay');
  const asked = () => monitor.ask(history, line, line.present).get('c');
  expect([asked(), asked(), asked(), history.length]).toEqual([false, false, false, 0]);
});

test('law: an event that claims to be older than the one before is as old', () => {
  expect(ask('formerly within 10s Login.req{}', ['100 Login', '50 Read', '110 Read', '111 Read'], false)).toEqual([true, true, true, false]);
});

test('law: sums beyond 64 bits are what they are', () => {
  const huge = Array.from({ length: 3 }, (_, index) => `${index} Pay amount=9223372036854775807`);
  expect(ask('sum_within(a, 1h, Pay.req{ input.amount: a }) > 9223372036854775807', huge, false)).toEqual([false, true, true]);
});
