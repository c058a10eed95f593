import { type Condition, TemporalError } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { clauseOf, inFull } from '../../../../test/support/trace-kit.js';

/** A condition with everything in parentheses; patterns by the name of their action. */
function shape(condition: Condition): string {
  switch (condition.kind) {
    case 'and':
      return `(${shape(condition.left)} & ${shape(condition.right)})`;
    case 'since':
      return `(${shape(condition.left)} since ${condition.windowMs} ${shape(condition.right)})`;
    case 'not':
      return `!${shape(condition.body)}`;
    case 'formerly':
    case 'previous':
      return `${condition.kind} ${condition.windowMs} ${shape(condition.body)}`;
    case 'exists':
      return `some ${condition.binder.name} (${shape(condition.body)})`;
    case 'timepoint':
      return `tp(${condition.name})`;
    case 'pattern':
      return condition.action.slice(condition.action.indexOf('"') + 1);
    case 'compare':
      return [condition.left, condition.right].map((term) => (term.kind === 'aggregate' ? `#(${shape(term.body)})` : term.kind === 'variable' ? term.name : term.kind === 'literal' ? String(term.value) : term.kind)).join(` ${condition.operator} `);
  }
}

test.each<readonly [text: string, shape: string]>([
  ['A.req{} && B.req{} since within 5m C.req{} && D.req{}', '((A & (B since 300000 C)) & D)'],
  ['!A.req{} since within 1h B.req{}', '(!A since 3600000 B)'],
  ['!!A.req{}', '!!A'],
  ['!formerly within 1h A.req{} since within 2h B.req{}', '(!formerly 3600000 A since 7200000 B)'],
  ['exists (n: Long). A.req{} && B.req{}', 'some n ((A & B))'],
  ['(exists (n: Long). A.req{}) && B.req{}', '(some n (A) & B)'],
  ['formerly within 1h (formerly within 5m A.req{})', 'formerly 3600000 formerly 300000 A'],
  ['previous within 1d tp(t)', 'previous 86400000 tp(t)'],
  ['formerly within 2 s A.req{}', 'formerly 2000 A'],
  ['3 < count for (t: Timepoint). where A.req{} && tp(t)', '3 < #((A & tp(t)))'],
  ['(count for (t: Timepoint). where A.req{} && tp(t)) < 3', '#((A & tp(t))) < 3'],
  ['(3 < count for (t: Timepoint). where A.req{})', '3 < #(A)'],
  ['((A.req{}))', 'A'],
  ['A.req{}{ input.a: 1 }{}', 'A'],
  ['count == 3 && sum == count', '(count == 3 & sum == count)'],
  ['n == -5 && n != - 5', '(n == -5 & n != -5)'],
  ['n == 9223372036854775807 && n > -9223372036854775808', '(n == 9223372036854775807 & n > -9223372036854775808)'],
  ['u == User::"ann"', 'u == User::"ann"'],
  ['u == "\\u{e9}\\x41\\n\\\'"', "u == éA\n'"],
  ['A.req{} // and nothing } else\n && B.req{ // here\n}', '(A & B)'],
  ['formerly within 1h bind(n, count_within(1h, A.req{}), n > 2)', 'formerly 3600000 some n ((#(formerly 3600000 (A & tp($t0))) == n & n > 2))'],
  ['count_distinct_within(k, 1h, A.req{ input.u: k }) >= 2', '#(formerly 3600000 A) >= 2'],
])('law: %s is read as %s', (text, expected) => {
  expect(shape(clauseOf(text))).toBe(expected);
});

/** Where the fault is, and what is said. */
test.each<readonly [text: string, place: string, message: string]>([
  ['', '', 'expected a value, got the end'],
  ['formerly A.req{}', 'App', 'expected `within`, got `App`'],
  ['A.req{} since B.req{}', 'App::Action::"B"', 'expected `within`'],
  ['formerly within A.req{}', 'App', 'expected a window such as `1h`'],
  ['formerly within 5x A.req{}', 'x', 'expected a unit of time: `s`, `m`, `h` or `d`, got `x`'],
  ['formerly within 1h30m A.req{}', 'h30m', 'expected a unit of time'],
  ['formerly within 1.5h A.req{}', '.5', 'expected a unit of time'],
  ['formerly within -1h A.req{}', '-1', 'expected a window'],
  ['formerly within 5 constructor A.req{}', 'constructor', 'expected a unit of time'],
  ['formerly within 99999999999999999999h A.req{}', '9999', 'expected a window that fits into 64 bits'],
  ['App::Action::"A"{ input.a: 1 }', '{', 'expected `::`, got `{`'],
  ['App::Action::"A"::request', '', 'expected `{`, got the end'],
  ['A.req{ input.a: 1, }', '}', 'expected the name of a field, got `}`'],
  ['A.req{ input.a 1 }', '1', 'expected `:`, got `1`'],
  ['A.req{ "input": 1 }', '"input"', 'expected the name of a field'],
  ['A.req{} || B.req{}', '||', 'write `when { temporal { … } || temporal { … } }`'],
  ['A.req{} except B.req{}', 'except', 'expected the end, got `except`'],
  ['without A.req{} since within 1h B.req{}', 'App', 'expected a comparison'],
  ['let n = count where A.req{} in n > 2', 'let', 'there is no `let`: write `exists (n: Long)'],
  ['A.req{} since within 1h B.req{} since within 1h C.req{}', 'since within 1h App::Action::"C"', 'parentheses around one `since`'],
  ['formerly within 1h !A.req{}', '!', 'expected parentheses around `!`'],
  ['formerly within 1h formerly within 1h A.req{}', 'formerly within 1h App', 'expected parentheses around `formerly`'],
  ['formerly within 1h exists (u: String). A.req{}', 'exists', 'expected parentheses around `exists`'],
  ['exists (principal: User). A.req{ input.u: principal }', 'principal: User', '`principal` is a reserved word'],
  ['exists (context: User). A.req{}', 'context: User', 'is a reserved word'],
  ['bind(resource, count_within(1h, A.req{}), resource == 1)', 'resource,', 'is a reserved word'],
  ['sum_within(action, 1h, A.req{}) > 1', 'action,', 'is a reserved word'],
  ['exists (u). A.req{}', '). App', 'expected `:`'],
  ['exists (u: String) A.req{}', 'App', 'expected `.`'],
  ['count_within(within 1h, A.req{}) > 1', 'within', 'expected a window'],
  ['count_within(1h, A.req{}', '', 'expected `)`, got the end'],
  ['A.req{} && (B.req{}', '', 'expected `)`, got the end'],
  ['1 < (2)', '2)', 'no other value stands in parentheses'],
  ['A.req{ input.a: (1) }', '1)', 'no other value stands in parentheses'],
  ['A.req{ input.a: context }', 'context', 'expected an attribute of the context'],
  ['A.req{ input.a: action }', 'action', 'the action of a request is in its pattern'],
  ['A.req{ input.a: ?w }', '?w', 'expected a value, got `?`'],
  ['A.req{ input.a: $t }', '$t', 'expected a value, got `$`'],
  ['A.req{ input.a: decimal("1.23456") }', 'decimal', 'decimal'],
  ['n == 9223372036854775808', '9223', 'expected an integer of 64 bits'],
  ['n == 1.5', '.5', 'expected the end, got `.`'],
  ['n = 1', '= 1', 'expected a comparison, got `=`'],
  ['_ == 1', '_', '`*` stands in the fields of a pattern only'],
  ['n == 1 & A.req{}', '& App', 'got `&`'],
  ['n == "\\q"', '"\\q"', 'expected an escape of Cedar, got `\\q`'],
  ['n == "\\u{d800}"', '"\\u', 'expected an escape of Cedar'],
  ['n == "\\u{110000}"', '"\\u', 'expected an escape of Cedar'],
  ['n == "\\xff"', '"\\xff', 'expected an escape of Cedar'],
  ['n == "open', '"open', 'expected a text that ends with `"`'],
  ['n in [1]', 'in', 'expected a comparison, got `in`'],
  ['approved_recently(1h, A.req{})', '(1h', 'expected a comparison, got `(`'],
])('law: %s is refused with its place', (text, place, message) => {
  const found = faultOf(text);
  expect(inFull(text).slice(found.start)).toMatch(new RegExp(`^${place.replace(/\W/g, '\\$&')}${place === '' ? '$' : ''}`));
  expect(found.message).toContain(message);
});

function faultOf(text: string): TemporalError {
  try {
    clauseOf(text);
  } catch (error) {
    if (error instanceof TemporalError) return error;
    throw error;
  }
  throw new Error(`expected a fault in ${text}`);
}
