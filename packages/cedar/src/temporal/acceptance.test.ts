import { lowerTemporal, TemporalError } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { clauseOf, inFull } from '../../../../test/support/trace-kit.js';
import { faultsOf } from './acceptance.js';

const dayMs = 24 * 3_600_000;

/** A clause's faults, each with the text that begins at its place. */
function faults(text: string, mostMs = dayMs): readonly { readonly place: string; readonly message: string }[] {
  const said = ({ start, message }: TemporalError) => ({ place: inFull(text).slice(start), message });
  try {
    return faultsOf(clauseOf(text), mostMs).map(said);
  } catch (error) {
    if (error instanceof TemporalError) return [said(error)];
    throw error;
  }
}

test.each<readonly [why: string, condition: string]>([
  ['what binds comes first', 'exists (a: Long). (Pay.req{ input.amount: a } && a > 100)'],
  ['a negation of what is bound', 'exists (u: String). (formerly within 1h Pay.req{ input.user: u } && !Login.req{ input.user: u })'],
  ['a count beside a number', '0 < count for (t: Timepoint). where (Pay.req{} && tp(t))'],
  ['a number that is bound, first', 'exists (n: Long). (n == (count for (t: Timepoint). where (Pay.req{} && tp(t))) && n >= 1)'],
  ['a number that is bound, last', 'exists (n: Long). ((count for (t: Timepoint). where (Pay.req{} && tp(t))) == n && n >= 1)'],
  ['what is bound outside, within a window', 'exists (u: String). (Pay.req{ input.user: u } && formerly within 1h (u == "ann" && Login.req{}))'],
  ['the left of a since by its right', 'exists (u: String). (!Logout.req{ input.user: u } since within 1h Login.req{ input.user: u })'],
  ['a column of what is around', 'exists (u: String). (Login.req{ input.user: u } && (count for (t: Timepoint). where formerly within 1h (Pay.req{ input.user: u } && tp(t))) > 2)'],
  ['a negation inside an aggregate', '(count for (q: String). where (formerly within 1h Pay.req{ id: q } && !exists (r: Timepoint). formerly within 1h (Pay.resp{ id: q } && tp(r)))) > 1'],
  ['parentheses around part of a chain', 'exists (a: Long). (Pay.req{ input.amount: a } && (a > 100 && (a < 200 && Login.req{})))'],
  ['a moment', 'exists (t: Timepoint). tp(t)'],
  ['the whole of the longest window', 'formerly within 24h Pay.req{}'],
  ['the context beside a pattern in a window', 'previous within 5s (Pay.req{} && ctx.amount > 100)'],
])('story: accepted: %s', (_why, condition) => {
  expect(faults(condition)).toEqual([]);
});

const [nothingGives, before, free, still] = ['gives `x` a value', 'before anything binds it', 'is free: bind it', 'does not vary with time'];

/** What is at the fault's place, and part of what is said. */
test.each<readonly [why: string, condition: string, expected: readonly (readonly [place: string, message: string])[]]>([
  ['comparisons bind nothing', 'exists (x: Long). (0 < x && x < 2)', [['exists (x', nothingGives], ['0 < x', before], ['x < 2', before]]],
  ['a negation binds nothing', 'exists (x: String). !Pay.req{ input.f: x }', [['exists (x', nothingGives], ['!App', before]]],
  ['nor do two', 'exists (x: String). !!Pay.req{ input.f: x }', [['exists (x', nothingGives], ['!!App', before], ['!App', before]]],
  ['an inequality binds nothing', 'exists (x: Long). (x != 5 && Pay.req{})', [['exists (x', nothingGives], ['x != 5', before]]],
  ['a filter before what binds', 'exists (a: Long). (a > 100 && Pay.req{ input.amount: a })', [['a > 100', before]]],
  ['a filter in a window before what binds', 'exists (a: Long). (formerly within 1h (a > 100 && Login.req{}) && Pay.req{ input.amount: a })', [['a > 100', before]]],
  ['a negation before what binds', 'exists (u: String). (!Login.req{ input.user: u } && formerly within 1h Pay.req{ input.user: u })', [['!App', before]]],
  ['the left of a since that its right does not bind', 'exists (u: String). ((!Logout.req{ input.user: u } since within 1h Login.req{}) && Pay.req{ input.user: u })', [['!App', 'on the left of `since`'], ['!App', before]]],
  ['a count that needs what it is compared with', 'exists (u: Long). ((count for (t: Timepoint). where (Pay.req{ input.n: u } && tp(t))) == u && Pay.req{})', [['(count', 'in the value of an equality']]],
  ['a free variable', 'Login.req{} && formerly within 1h Pay.req{ input.user: u }', [['App::Action:', `variable \`u\` ${free}`]]],
  ['a free moment', 'Login.req{} && tp(t)', [['tp(t)', `variable \`t\` ${free}`]]],
  ['a column from a negation only', '(count for (u: String). where !Pay.req{ input.user: u }) > 1', [['(count', 'nothing gives column `u` a value'], ['!App', before]]],
  ['a column from the left of a since only', '(count for (u: String). where (Pay.req{ input.user: u } since within 1h Login.req{})) > 1', [['(count', 'nothing gives column `u` a value'], ['App', 'on the left of `since`']]],
  ['a summand from the left of a since only', '(sum a for (a: Long), (t: Timepoint). where (Pay.req{ input.amount: a } since within 1h Login.req{} && tp(t))) > 1', [['(sum', 'nothing gives column `a` a value'], ['App', 'on the left of `since`']]],
  ['a column without use', '(count for (u: String), (t: Timepoint). where (Pay.req{} && tp(t))) > 1', [['(count', 'column `u` does not occur']]],
  ['a summand that is no column', '(sum a for (t: Timepoint). where (Pay.req{} && tp(t))) > 1', [['(sum', '`sum a` adds up a column that `for` does not have']]],
  ['a sum of texts', '(sum a for (a: String). where Pay.req{ input.user: a }) > 1', [['(sum', 'expected a Long or a decimal, got a String']]],
  ['a variable that no column has', '(count for (t: Timepoint). where (Pay.req{ input.user: u } && tp(t))) > 1', [['(count', `variable \`u\` ${free}`], ['(count', 'neither one of its columns nor bound'], ['(count', before]]],
  ['an equality with anything', 'exists (x: Long). (x == * && Pay.req{})', [['x == *', '`*` stands in the fields of a pattern only']]],
  ['an empty window', 'formerly within 0h Pay.req{}', [['0h', 'a window of more than nothing']]],
  ['a window that is too long', 'formerly within 48h Pay.req{}', [['formerly', 'a window of at most 24 hours']]],
  ['a window that is a second too long', 'count_within(86401s, Pay.req{}) > 1', [['86401s', 'a window of at most 24 hours']]],
  ['a list', 'Pay.req{ input.f: ["a", "b"] }', [['["a"', 'a list cannot be compared with']]],
  ['a group of fields', 'exists (x: String). Pay.req{ input: x }', [['App', '`input` is a group of fields']]],
  ['the output of a request', 'Pay.req{ output.ok: true }', [['App', 'a request has no `output` yet']]],
  ['the output of a request, in an aggregate', 'count_within(1h, Pay.req{ output.ok: true }) > 1', [['App', 'a request has no `output` yet']]],
  ['an aggregate as a field', 'Pay.req{ input.f: count for (t: Timepoint). where tp(t) }', [['count', 'an aggregate stands beside a comparison only']]],
  ['the context alone', 'ctx.a == ctx.b', [['context.input', still]]],
  ['the context beside a pattern', 'Pay.req{} && ctx.a > 5', [['context.input', still]]],
  ['a window over nothing that varies', 'formerly within 1h (ctx.a > 5)', [['formerly', still], ['context.input', 'the body of `formerly` does not vary']]],
  ['a side of a since that does not vary', 'ctx.a > 5 since within 1h Pay.req{}', [['context', 'the left side of `since` does not vary']]],
  ['an aggregate over nothing that varies', '(count for (x: Long). where x == 5) > 1', [['x == 5', 'what is aggregated does not vary']]],
])('story: rejected: %s', (_why, condition, expected) => {
  const found = faults(condition);
  expect(found.map(({ message }) => message)).toEqual(expected.map(([, message]) => expect.stringContaining(message) as string));
  expect(found.map(({ place }) => place)).toEqual(expected.map(([place]) => expect.stringMatching(new RegExp(`^${place.replace(/\W/g, '\\$&')}`)) as string));
});

test('law: faults of a policy are at their place in the policy', () => {
  const policy = inFull('@note("temporal")\npermit (principal, action, resource)\nwhen temporal { Login.req{} }\nunless { temporal { Pay.req{} && 1 < 2 } || temporal { formerly Pay.req{} } };');
  const { faults: found } = lowerTemporal(policy, (ordinal) => `t${ordinal}`);
  expect(found.map(({ start }) => policy.slice(start, start + 5))).toEqual(['1 < 2', 'App::']);
});

test('law: how far a clause may look back is the host’s to say', () => {
  expect(faults('formerly within 30d Pay.req{}', 30 * dayMs)).toEqual([]);
  expect(faults('formerly within 1h (previous within 2s Pay.req{})', 1_000)).toHaveLength(2);
});
