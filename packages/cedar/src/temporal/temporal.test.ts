import { expect, test } from 'vitest';
import { clauseOf, verdicts } from '../../../../test/support/trace-kit.js';

const x = (name: string) => `App::Action::"${name}"`;

test.each<[string, string, readonly string[], readonly boolean[]]>([
  ['a login within the hour', `formerly within 1h ${x('Login')}::request{ input.user: context.input.user }`, ['0 Login user=ann', '3600 Read user=ann ?', '3601 Read user=ann ?', '3602 Read user=bob ?'], [true, false, false]],
  ['the event just before', `previous within 1h ${x('Login')}::request{}`, ['0 Read ?', '1 Login', '2 Read ?', '3 Read ?'], [false, true, false]],
  ['a grant that was not revoked', `!${x('Revoke')}::request{} since within 1h ${x('Grant')}::request{}`, ['0 Read ?', '1 Grant', '2 Read ?', '3 Revoke', '4 Read ?', '5 Grant', '6 Read ?'], [false, true, false, true]],
  ['no more than three in five minutes', `count_within(5m, ${x('Pay')}::request{}) > 3`, ['0 Pay ?', '10 Pay ?', '20 Pay ?', '30 Pay ?', '330 Pay ?', '331 Pay ?'], [false, false, false, true, false, false]],
  ['a budget', `sum_within(a, 5m, ${x('Pay')}::request{ input.amount: a }) >= 300`, ['0 Pay amount=100 ?', '10 Pay amount=100 ?', '20 Pay amount=100 ?', '400 Pay amount=299 ?'], [false, false, true, false]],
])('story: %s', (_name, text, trace, expected) => {
  expect(verdicts(clauseOf(text), trace)).toEqual(expected);
});
