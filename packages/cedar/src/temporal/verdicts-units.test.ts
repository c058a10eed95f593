import { expect, test } from 'vitest';
import { atLast, decisions } from '../../../../test/support/trace-kit.js';

// U1 to U17 of our notes: what a condition says at the last event of a trace. None is left out.

const openSession = '!Logout.req{ input.user: ctx.user } since within 1h Login.req{ input.user: ctx.user }';
const large = 'exists (a: Long). (formerly within 1h Pay.req{ input.amount: a } && a > 100)';
const nested = 'exists (u: String). (formerly within 1h Login.req{ input.user: u } && exists (a: Long). (formerly within 1h Pay.req{ input.user: u, input.amount: a } && a > 100))';
const sinceWith = (name: string) => `exists (u: String). ((!Logout.req{ input.user: u } since within 1h Login.req{ input.user: u }) && u == "${name}")`;
const oneToNine = 'exists (n: Long). (n == count_within(1h, Login.req{}) && 0 < n && n < 10)';
const previousCount = (atLeast: number) => `(count for (u: String). where (previous within 1h Login.req{ input.user: u } && u == "ann")) >= ${atLeast}`;
const dept = (path: string) => `formerly within 1h Login.req{ input.dept: principal.${path} }`;

test.each<readonly [name: string, condition: string, trace: readonly string[], said: string]>([
  ['U1 an event older than the window', 'formerly within 1h Pay.req{}', ['0 Pay', '4000 Read'], 'F'],
  ['U1 an event as old as the window', 'formerly within 1h Login.req{}', ['0 Login', '3600 Read'], 'T'],
  ['U1 a second older', 'formerly within 1h Login.req{}', ['0 Login', '3601 Read'], 'F'],
  ['U1 an event of the same second', 'formerly within 1s Login.req{}', ['5 Login', '5 Read'], 'T'],
  ['U2 an amount above', large, ['0 Pay amount=150', '1 Read'], 'T'],
  ['U2 an amount below', large, ['0 Pay amount=50', '1 Read'], 'F'],
  ['U3 the same user', 'formerly within 1h Login.req{ input.user: ctx.user }', ['0 Login user=ann', '1 Read user=ann'], 'T'],
  ['U3 another user', 'formerly within 1h Login.req{ input.user: ctx.user }', ['0 Login user=ann', '1 Read user=bob'], 'F'],
  ['U4 one user for both', nested, ['0 Login user=ann', '1 Pay user=ann amount=200', '2 Read'], 'T'],
  ['U4 no user for both', nested, ['0 Login user=ann', '1 Pay user=ann amount=50', '2 Pay user=bob amount=999', '3 Read'], 'F'],
  ['U5 nobody', '!exists (u: String). formerly within 1h Login.req{ input.user: u }', ['0 Read'], 'T'],
  ['U5 somebody', '!exists (u: String). formerly within 1h Login.req{ input.user: u }', ['0 Login user=ann', '1 Read'], 'F'],
  ['U6 one variable in two fields', 'exists (u: String). formerly within 1h Pay.req{ input.from: u, input.to: u }', ['0 Pay from=ann to=ann', '1 Read'], 'T'],
  ['U6 two values', 'exists (u: String). formerly within 1h Pay.req{ input.from: u, input.to: u }', ['0 Pay from=ann to=bob', '1 Read'], 'F'],
  ['U7 straight before', 'previous within 1h Login.req{}', ['0 Login', '1 Read'], 'T'],
  ['U7 something between', 'previous within 1h Login.req{}', ['0 Login', '1 Pay', '2 Read'], 'F'],
  ['U7 straight before, too long ago', 'previous within 1h Login.req{}', ['0 Login', '3601 Read'], 'F'],
  ['U7 a response is something between', 'previous within 1h Login.req{}', ['0 Login', '1 Login.response', '2 Read'], 'F'],
  ['U8 a variable within the window', 'formerly within 1h (exists (a: Long). (Pay.req{ input.amount: a } && a > 100))', ['0 Pay amount=200', '1 Read'], 'T'],
  ['U8 with a smaller amount', 'formerly within 1h (exists (a: Long). (Pay.req{ input.amount: a } && a > 100))', ['0 Pay amount=50', '1 Read'], 'F'],
  ['U9 an open session', openSession, ['0 Login user=ann', '1 Read user=ann'], 'T'],
  ['U9 a closed one', openSession, ['0 Login user=ann', '1 Logout user=ann', '2 Read user=ann'], 'F'],
  ['U9 another one closed', openSession, ['0 Login user=ann', '1 Logout user=bob', '2 Read user=ann'], 'T'],
  ['U10 one is between none and ten', oneToNine, ['0 Login', '1 Read'], 'T'],
  ['U10 none is not', oneToNine, ['1 Read'], 'F'],
  ['U10 not none, where there is none', '!(count_within(1h, Login.req{}) == 0)', ['1 Read'], 'F'],
  ['U11 the one before is another', 'exists (u: String). (previous within 1h Login.req{ input.user: u } && u == "ann")', ['0 Login user=ann', '1 Login user=bob', '2 Read'], 'F'],
  ['U11 the same, the value first', 'exists (u: String). (u == "ann" && previous within 1h Login.req{ input.user: u })', ['0 Login user=ann', '1 Login user=bob', '2 Read'], 'F'],
  ['U11 the one before is the one', 'exists (u: String). (u == "ann" && previous within 1h Login.req{ input.user: u })', ['0 Login user=ann', '2 Read'], 'T'],
  ['U12 a count of the one before', previousCount(1), ['0 Login user=ann', '1 Login user=bob', '2 Read'], 'F'],
  ['U12 which is nought', previousCount(0), ['0 Login user=ann', '1 Login user=bob', '2 Read'], 'T'],
  ['U13 since, for somebody else', sinceWith('bob'), ['0 Login user=ann', '1 Read'], 'F'],
  ['U13 since, for the one', sinceWith('ann'), ['0 Login user=ann', '1 Read'], 'T'],
  ['U13 since, closed again', sinceWith('ann'), ['0 Login user=ann', '1 Logout user=ann', '2 Read'], 'F'],
  ['U14 unequal numbers', 'exists (a: Long). (formerly within 1h Pay.req{ input.amount: a } && a != 100)', ['0 Pay amount=99', '1 Read'], 'T'],
  ['U14 equal numbers', 'exists (a: Long). (formerly within 1h Pay.req{ input.amount: a } && a != 100)', ['0 Pay amount=100', '1 Read'], 'F'],
  ['U14 unequal to what is not there', 'exists (a: Long). (formerly within 1h Pay.req{ input.amount: a } && a != ctx.amount)', ['0 Pay amount=99', '1 Read'], 'F'],
  ['U14 not equal to what is not there', 'exists (a: Long). (formerly within 1h Pay.req{ input.amount: a } && !(a == ctx.amount))', ['0 Pay amount=99', '1 Read'], 'T'],
  ['U15 an attribute of the caller', dept('dept'), ['0 Login dept=eng', '1 Read principal.dept=eng'], 'T'],
  ['U15 an attribute that differs', dept('dept'), ['0 Login dept=eng', '1 Read principal.dept=law'], 'F'],
  ['U15 an attribute that is missing', dept('dept'), ['0 Login dept=eng', '1 Read'], 'F'],
  ['U15 an attribute in an attribute', dept('address.city'), ['0 Login dept=Oslo', '1 Read principal.address.city=Oslo'], 'T'],
  ['U15 an attribute in none', dept('address.city'), ['0 Login dept=Oslo', '1 Read principal.address=Oslo'], 'F'],
  ['U15 the id of the caller', dept('id'), ['0 Login dept=ann', '1 @ann Read'], 'T'],
  ['U15 the type of the caller', dept('type'), ['0 Login dept=User', '1 @ann Read'], 'T'],
  ['U15 an attribute called id goes before', dept('id'), ['0 Login dept=ann', '1 @ann Read principal.id=7'], 'F'],
  ['U16 a name within a name', 'exists (u: String). (formerly within 1h Login.req{ input.user: u } && exists (u: String). formerly within 1h Pay.req{ input.user: u })', ['0 Login user=ann', '1 Pay user=bob', '2 Read'], 'T'],
  ['U16 a column within a name', 'exists (u: String). (formerly within 1h Login.req{ input.user: u } && (count for (u: String). where formerly within 1h Pay.req{ input.user: u }) >= 2)', ['0 Login user=ann', '1 Pay user=bob', '2 Pay user=eve', '3 Read'], 'T'],
  ['U17 a variable called as a field is', 'exists (user: String). (formerly within 1h Login.req{ input.user: user } && user != ctx.user)', ['0 Login user=ann', '1 Read user=bob'], 'T'],
])('story: %s', (_name, condition, trace, said) => {
  expect(atLast(condition, trace)).toBe(said);
});

const [permit, forbid] = ['permit Read when', 'forbid Read when'];
const correlated = 'formerly within 1h Login.req{ input.user: ctx.user }';
const dataLess = ['0 Login user=ann', '1 Read ?'];

/** C33: the request has no user, so nothing is equal to it. */
test.each<readonly [name: string, policies: readonly string[], decided: string]>([
  ['a permit stays shut', [`${permit} temporal { ${correlated} }`], 'D'],
  ['a forbid does not close', ['permit Read', `${forbid} temporal { ${correlated} }`], 'A'],
  ['a negation opens', [`${permit} temporal { !(${correlated}) }`], 'A'],
  ['a count of at least one stays shut', [`${permit} temporal { count_within(1h, Login.req{ input.user: ctx.user }) >= 1 }`], 'D'],
  ['a count of none opens', [`${permit} temporal { count_within(1h, Login.req{ input.user: ctx.user }) == 0 }`], 'A'],
  ['a sum of nothing is nought', [`${permit} temporal { sum_within(a, 1h, Pay.req{ input.amount: a, input.user: ctx.user }) == 0 }`], 'A'],
  ['one of two fields is enough to miss', [`${permit} temporal { formerly within 1h Login.req{ input.user: "ann", input.server: ctx.server } }`], 'D'],
  ['whoever it was is found', [`${permit} temporal { exists (u: String). formerly within 1h Login.req{ input.user: u } }`], 'A'],
  ['whoever it was is not the missing one', [`${permit} temporal { exists (u: String). (formerly within 1h Login.req{ input.user: u } && u == ctx.user) }`], 'D'],
  ['nor is it the attribute that the caller lacks', [`${permit} temporal { formerly within 1h Login.req{ input.user: principal.dept } }`], 'D'],
])('law: C33 what the request does not say: %s', (_name, policies, decided) => {
  expect(decisions(policies, dataLess)).toBe(decided);
});
