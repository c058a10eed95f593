import { describe, expect, test } from 'vitest';
import { clauseOf, verdicts } from '../../../../test/support/trace-kit.js';
import { faultsOf } from './acceptance.js';
import { windowMaxMs } from './lower.js';

const pay = 'App::Action::"Pay"::request';

test.each<[string, RegExp | undefined]>([
  [`exists (u: String). (formerly within 1h ${pay}{ input.user: u } && u > 5)`, /`>` compares numbers, got a String/],
  [`exists (n: Long). (formerly within 1h ${pay}{ input.amount: n } && n < "5")`, /`<` compares numbers, got a String/],
  [`exists (n: Long). (formerly within 1h ${pay}{ input.amount: n } && n == "5")`, /`==` compares a Long with a String/],
  [`exists (n: Long). (formerly within 1h ${pay}{ input.amount: n } && n != decimal("5.0"))`, /`!=` compares a Long with a decimal/],
  [`exists (t: Long). (formerly within 1h (${pay}{} && tp(t)))`, /declare `t: Timepoint`/],
  [`count_within(1h, ${pay}{}) > true`, /`>` compares numbers, got a Bool/],
  [`exists (n: decimal). (formerly within 1h ${pay}{ input.amount: n } && n > decimal("5.0"))`, undefined],
  [`sum_within(a, 1h, ${pay}{ input.amount: a }) > 5`, undefined],
  [`sum_within(a, 1h, ${pay}{ input.amount: a }) > decimal("5.5")`, undefined],
])('law: a comparison that can never hold is a fault: %s', (text, expected) => {
  const messages = faultsOf(clauseOf(text), windowMaxMs).map(({ message }) => message);
  if (expected) expect(messages).toEqual([expect.stringMatching(expected)]);
  else expect(messages).toEqual([]);
});

describe('decimal amounts', () => {
  const total = `sum_within(a, 1h, ${pay}{ input.amount: a }) > 10`;
  test('abuse 16: a budget of decimal amounts is not one that nothing counts against', () => {
    expect(verdicts(clauseOf(total), ['0 Pay amount=4.5 ?', '1 Pay amount=5.5 ?', '2 Pay amount=0.0001 ?', '3 Pay amount=-0.0001 ?'])).toEqual([false, false, true, false]);
  });

  test('law: whole and decimal amounts add up, however the sum is asked for', () => {
    const slow = `exists (n: Long). ((sum a for (a: Long), (t: Timepoint). where formerly within 1h (${pay}{ input.amount: a } && tp(t) && a > 0)) == n && n > 10)`;
    for (const text of [total, slow]) expect(verdicts(clauseOf(text), ['0 Pay amount=4 ?', '1 Pay amount=5.9999 ?', '2 Pay amount=1 ?'])).toEqual([false, false, true]);
  });
});
