import { expect, test } from 'vitest';
import { decisions } from '../../../../test/support/trace-kit.js';

// C1 to C32 of our notes, rewritten (C33: verdicts-units.test.ts), all with one history. Left out:
// - C1, last half: the forbid of an information provider; C7 (0913): a variant of the row that is here;
// - C18: its macro is written out; C24 (1211): no verdict is described.
// A decimal that is written `2.50` and one that is written `2.5` are one value here before any policy sees them.

type Case = readonly [name: string, policies: readonly string[], trace: readonly string[], decided: string];
const when = (action: string, condition: string) => `permit ${action} when temporal { ${condition} }`;

const own = 'Pay.req{ input.user: ctx.user }';
const enough = `(${own} && ctx.amount >= 10) since within 1h Pay.req{ input.user: "eve" }`;
const pairs = (columns: string, outer: string, inner: string, amount = '') =>
  `${columns} where (formerly within ${outer} (Pay.req{ input.user: ctx.user } && tp(t1) && formerly within ${inner} (Confirm.req{ input.user: ctx.user${amount} } && tp(t2))))`;
const pairsAre = (number: number, outer: string, inner: string) => when('Pay', `(count for ${pairs('(t1: Timepoint), (t2: Timepoint).', outer, inner)}) == ${number}`);
const points = '(t1: Timepoint), (t2: Timepoint).';
const beforeAlert = (guard: string) => when('Alert', `formerly within 2h (${guard})`);
const noLogin = 'exists (n: Long). ((count for (t: Timepoint). where (formerly within 1h (Login.req{} && tp(t)))) == n && n == 0)';
const pending = 'Pay.req{ id: i, input.amount: a } && tp(t) && !exists (r: Timepoint). formerly within 1h (Pay.resp{ id: i } && tp(r))';
const inFlight = (columns: string) => `${columns} where (formerly within 1h (Pay.req{ id: i, input.amount: a } && tp(t)) && !exists (r: Timepoint). formerly within 1h (Pay.resp{ id: i } && tp(r)))`;

test.each<Case>([
  ['C1 at the end of the window and behind it', ['permit Write', when('Read', 'formerly within 1h Write.req{ input.user: ctx.user }')], ['0 Write user=ann ?', '100 Read user=ann ?', '3600 Read user=ann ?', '3601 Read user=ann ?', '3602 Write user=ann ?', '3650 Read user=ann ?'], 'AAADAA'],
  ['C2 an attempt stays one, whatever came of it', [when('Read', 'formerly within 1h Login.req{ input.user: ctx.user }')], ['0 Login user=ann', '1 Read user=ann ?', '2 Login.response user=ann > ok=false', '3 Read user=ann ?'], 'AA'],
  ['C2 an attempt is no success', [when('Read', 'formerly within 1h Login.resp{ input.user: ctx.user, output.ok: true }')], ['0 Login user=ann', '1 Read user=ann ?'], 'D'],
  ['C3 nothing is before the first', [when('Read', 'previous within 1h Read.req{}')], ['0 Read ?'], 'D'],
  ['C4 a field that is not named is not looked at', [when('Read', 'previous within 1h Login.req{ input.user: ctx.user }')], ['0 Login user=ann server=s9', '1 Read user=ann server=s1 ?'], 'A'],
  ['C5 the context is that of the request, never of the event', [when('Pay', `previous within 5s (${own} && ctx.amount > 100)`)], ['0 Pay user=ann amount=200 ?', '3 Pay user=ann amount=10 ?', '8 Pay user=ann amount=50 ?', '9 Pay user=ann amount=101 ?'], 'DDDA'],
  ['C6 the event itself is the beginning', [when('Pay', enough)], ['0 Pay user=eve amount=5 ?', '10 Pay user=ann amount=5 ?'], 'AD'],
  ['C7 the left side holds at the only one since', [when('Pay', enough)], ['0 Pay user=eve amount=5 ?', '10 Pay user=dan amount=10 ?'], 'AA'],
  ['C7 one in between breaks it', [when('Pay', enough)], ['0 Pay user=eve amount=5 ?', '10 Pay user=bob amount=5 ?', '20 Pay user=dan amount=10 ?'], 'ADD'],
  ['C8 without the amount', [when('Pay', `${own} since within 1h Pay.req{ input.user: "eve" }`)], ['0 Pay user=eve ?', '10 Pay user=dan ?', '20 Pay user=bob ?'], 'AAD'],
  ['C9 whoever has not paid since', [when('Approve', `!${own} since within 1h Pay.req{ input.user: "eve" }`)], ['0 Pay user=eve ?', '10 Approve user=dan ?', '20 Pay user=dan ?', '30 Approve user=dan ?', '40 Approve user=bob ?'], 'DADDA'],
  ['C10 only heartbeats of a server since its login', [when('Beat', 'exists (x: String). (Beat.req{ input.server: x } since within 1h Login.req{ input.server: x })')], ['0 Login server=s1 ?', '10 Beat server=s1 ?', '20 Beat server=s1 ?', '30 Beat server=s2 ?'], 'DAAD'],
  ['C11 no heartbeat of a server since its login', [when('Beat', 'exists (x: String). (!Beat.req{ input.server: x } since within 1h Login.req{ input.server: x })')], ['0 Login server=s1', '10 Beat server=s2 ?', '20 Beat server=s1 ?', '30 Beat server=s2 ?'], 'ADD'],
  ['C12 the one that beats now', [when('Beat', 'exists (x: String). (Beat.req{ input.server: x } && (Beat.req{ input.server: x } since within 1h Login.req{ input.server: x }))')], ['0 Login server=s1', '10 Beat server=s1 ?', '20 Beat server=s2 ?'], 'AD'],
  ['C13 a gap breaks what has to have held', [when('Read', 'Beat.req{} since within 1h Login.req{}')], ['0 Login', '1 Beat', '2 Read ?'], 'D'],
  ['C13 unless it is a window that has to', [when('Read', 'formerly within 5s Beat.req{} since within 1h Login.req{}')], ['0 Login', '1 Beat', '4 Beat', '6 Read ?', '12 Read ?'], 'AD'],
  ['C14 a count without a window is of this moment', [when('Alert', '(count for (t: Timepoint). where (Login.req{} && tp(t))) > 0')], ['0 Login ?', '1 Alert ?'], 'DD'],
  ['C14 so there is one at a login, and none at an alert', ['permit * when temporal { (count for (t: Timepoint). where (Login.req{} && tp(t))) == 2 }', 'permit * when temporal { (count for (t: Timepoint). where (Login.req{} && tp(t))) == 0 }'], ['0 Login ?', '1 Alert ?', '2 Login ?', '3 Alert ?'], 'DADA'],
  ['C15 the third of an hour is refused', ['permit Pay', `forbid Pay when temporal { count_within(1h, ${own}) >= 3 }`], ['0 Pay user=ann ?', '1 Pay user=ann ?', '2 Pay user=ann ?', '3 Pay user=ann ?', '4 Pay user=bob ?'], 'AADDA'],
  ['C16 equal amounts count once', [when('Alert', '(sum a for (a: Long). where formerly within 1h Pay.req{ input.amount: a }) == 14')], ['0 Pay amount=5', '1 Pay amount=5', '2 Pay amount=9', '3 Alert ?'], 'A'],
  ['C16 unless the moment is a column', [when('Alert', '(sum a for (a: Long), (t: Timepoint). where formerly within 1h (Pay.req{ input.amount: a } && tp(t))) == 19')], ['0 Pay amount=5', '1 Pay amount=5', '2 Pay amount=9', '3 Alert ?'], 'A'],
  ['C17 fewer answers than questions', [when('Alert', 'count_within(1h, Pay.resp{}) < count_within(1h, Pay.req{})')], ['0 Pay user=u1', '1 Pay user=u2', '2 Pay.response user=u1', '3 Alert ?', '4 Pay.response user=u2', '5 Alert ?'], 'AD'],
  ['C18 two payments have no answer yet', [when('Alert', `(count for ${inFlight('(i: String), (a: Long), (t: Timepoint).')}) >= 2`)], ['0 Pay amount=10 .id=r1', '1 Pay.response .id=r1', '2 Pay amount=20 .id=r2', '3 Pay amount=30 .id=r3', '5 Alert ?', '6 Pay.response .id=r2', '8 Alert ?'], 'AD'],
  ['C18 fifty in payments without an answer', [when('Alert', `(sum a for ${inFlight('(i: String), (a: Long), (t: Timepoint).')}) >= 50`)], ['0 Pay amount=10 .id=r1', '1 Pay.response .id=r1', '2 Pay amount=20 .id=r2', '3 Pay amount=30 .id=r3', '5 Alert ?', '6 Pay.response .id=r2', '8 Alert ?'], 'AD'],
  ['C18 what had no answer when it was made', [when('Alert', `(count for (i: String), (a: Long), (t: Timepoint). where formerly within 1h (${pending})) >= 3`)], ['0 Pay amount=10 .id=r1', '1 Pay.response .id=r1', '2 Pay amount=20 .id=r2', '3 Pay amount=30 .id=r3', '5 Alert ?'], 'A'],
  ['C19 the inner window begins where the outer one found something', [pairsAre(1, '1h', '1h')], ['0 Confirm user=ann', '3600 Pay user=ann ?', '3601 Pay user=ann ?'], 'AA'],
  ['C19 a pair drops out with its payment', [pairsAre(1, '1h', '1h')], ['0 Confirm user=ann', '4 Pay user=ann ?', '3603 Pay user=ann ?', '3604 Pay user=ann ?'], 'AAA'],
  ['C19 windows of different length', [pairsAre(1, '2h', '30m')], ['100 Confirm user=ann', '1900 Pay user=ann', '5000 Pay user=ann ?'], 'A'],
  ['C19 two pairs', [pairsAre(2, '1h', '1h')], ['0 Confirm user=ann', '4 Pay user=ann', '3600 Confirm user=ann', '3601 Pay user=ann ?'], 'A'],
  ['C19 a confirmation that comes after', [pairsAre(1, '2h', '1h')], ['4 Pay user=ann ?', '150 Confirm user=ann', '3700 Pay user=ann ?'], 'DA'],
  ['C20 a sum over pairs', [when('Pay', `(sum a for ${pairs(`(a: Long), ${points}`, '1h', '1h', ', input.amount: a')}) == 13`)], ['0 Confirm user=ann amount=1', '1 Confirm user=ann amount=2', '2 Confirm user=ann amount=4', '4 Pay user=ann ?', '3601 Pay user=ann ?'], 'DA'],
  ['C21 a since that ends at the event found, not now', [when('Read', '(count for (t1: Timepoint), (t2: Timepoint). where (formerly within 2h (Read.req{} && tp(t1) && (!Login.req{} since within 1h (Write.req{} && tp(t2)))))) == 5')], ['0 Write', '1 Write', '2 Write', '4 Read', '100 Login', '200 Write', '3600 Read ?', '3601 Read ?'], 'DA'],
  ['C22 a count at the event found', [when('Alert', 'formerly within 1h (Pay.req{ input.user: ctx.user } && exists (n: Long). ((count for (t: Timepoint). where (formerly within 1h (Login.req{ input.user: ctx.user } && tp(t)))) == n && n == 1))')], ['0 Login user=ann', '4 Pay user=ann', '3601 Alert user=ann ?'], 'A'],
  ['C23 a negation at the event found', [beforeAlert('Pay.req{} && !(formerly within 1h Beat.req{ input.server: "s1" })')], ['4 Pay', '3599 Beat server=s1', '3601 Alert ?'], 'A'],
  ['C23 with a field of the request', [beforeAlert('Pay.req{} && !(formerly within 1h Beat.req{ input.server: ctx.server })')], ['0 Beat server=s1', '4 Pay server=s1', '3599 Beat server=s2', '3601 Alert server=s1 ?', '3602 Alert server=s2 ?'], 'DA'],
  ['C24 a count of none at the event found', [beforeAlert(noLogin)], ['4 Read', '3500 Login', '3601 Alert ?'], 'A'],
  ['C24 a small sum at the event found', [beforeAlert('exists (n: Long). (n == sum_within(a, 1h, Pay.req{ input.amount: a }) && n < 50)')], ['4 Read', '3500 Pay amount=100', '3601 Alert ?'], 'A'],
  ['C24 a count as the beginning of a since', [when('Alert', `!Never.req{} since within 2h (${noLogin})`)], ['4 Read', '3500 Login', '3601 Alert ?'], 'A'],
  ['C25 a count at the event before', [when('Alert', `previous within 2h (${noLogin})`)], ['4 Beat', '3601 Alert ?'], 'A'],
  ['C25 a window within the event before', [when('Alert', '(count for (t: Timepoint). where (previous within 1h (Beat.req{} && formerly within 1h (Login.req{} && tp(t))))) == 3')], ['0 Login', '1 Login', '2 Login', '4 Beat', '3603 Alert ?'], 'A'],
  ['C26 one event is before each', [when('Pay', `(count for ${points} where (formerly within 1h (Pay.req{ input.amount: 7 } && tp(t1) && previous within 1h (Confirm.req{ input.amount: 7 } && tp(t2))))) == 2`)], ['2 Confirm amount=7', '3 Confirm amount=7', '4 Pay amount=7', '5 Confirm amount=7', '6 Pay amount=7 ?'], 'A'],
  ['C27 one moment in two windows is one moment', [when('Alert', '(count for (t: Timepoint), (a: Long). where (formerly within 1h (Confirm.req{ input.amount: a } && tp(t)) && formerly within 2h (Confirm.req{ input.amount: a } && tp(t)))) == 4')], ['0 Confirm amount=7', '1 Confirm amount=7', '2 Confirm amount=7', '3 Confirm amount=7', '4 Alert ?'], 'A'],
  ['C28 what never is filters nothing out of a count', [when('Alert', '(count for (a: Long). where (formerly within 1h Pay.req{ input.amount: a } && !Never.req{})) == 3')], ['0 Pay amount=1', '1 Pay amount=2', '2 Pay amount=3', '3 Alert ?'], 'A'],
  ['C28 nor out of a sum', [when('Alert', '(sum a for (a: Long). where (formerly within 1h Pay.req{ input.amount: a } && !Never.req{})) == 6')], ['0 Pay amount=1', '1 Pay amount=2', '2 Pay amount=3', '3 Alert ?'], 'A'],
  ['C29 nobody approves what is their own', ['permit Approve', 'forbid Approve when temporal { formerly within 1h Submit.req{ input.user: ctx.approver, input.paper: ctx.paper } }'], ['0 Submit user=ann paper=1', '1 Approve approver=ann paper=1 ?', '2 Approve approver=bob paper=1 ?', '3 Approve approver=ann paper=2 ?'], 'DAA'],
  ['C30 one and neither of two', [when('Read', 'formerly within 1h Login.req{} && !(formerly within 1h Logout.req{}) && !(formerly within 1h Ban.req{})')], ['0 Read ?', '1 Login', '2 Read ?', '3 Ban', '4 Read ?', '3604 Login', '3605 Logout', '3606 Read ?'], 'DADD'],
  ['C31 decimals by their value', [when('Read', 'formerly within 1h Score.resp{ output.score: decimal("0.50") }')], ['0 Read ?', '1 Score.response > score=0.5', '2 Read ?'], 'DA'],
  ['C31 a decimal is no integer and no text', [when('Read', 'formerly within 1h Score.resp{ output.score: decimal("1.0") }')], ['0 Score.response > score=1', '1 Score.response > score="1.0"', '2 Read ?'], 'D'],
  ['C31 a decimal in a comparison', [when('Read', 'exists (s: decimal). exists (f: Bool). (formerly within 1h Score.resp{ output.score: s, output.final: f } && s == decimal("1.50") && f == true)')], ['0 Score.response > score=1.5 final=true', '1 Read ?'], 'A'],
  ['C31 decimals have an order, unlike there', [when('Read', 'exists (s: decimal). (formerly within 1h Score.resp{ output.score: s } && s > decimal("0.5"))')], ['0 Score.response > score=0.9', '1 Read ?'], 'A'],
  ['C32 a quote in a text', [when('Read', String.raw`formerly within 1h Login.req{ input.user: "a\"b" }`)], [String.raw`0 Login user="a\"b"`, '1 Read ?'], 'A'],
  ['C32 a backslash in a text', [when('Read', String.raw`formerly within 1h Login.req{ input.user: "a\\b" }`)], [String.raw`0 Login user="a\\b"`, '1 Read ?'], 'A'],
])('story: %s', (_name, policies, trace, decided) => {
  expect(decisions(policies, trace)).toBe(decided);
});
