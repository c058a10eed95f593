import { expect, test } from 'vitest';
import { decisions } from '../../../../test/support/trace-kit.js';

// Shapes of conditions from AWS's guide to AgentCore policies, with cases of our own: A1 to A16 of our notes. Left out is
// only the equality of `eventResource` and `resource` that AWS demands of every pattern: here a host writes what it logs.

type Case = readonly [name: string, policies: readonly string[], trace: readonly string[], decided: string];

const signedOff = ['permit SignOff', 'permit Refund when temporal { formerly within 1h SignOff.resp{ output.order: ctx.order } }'];
const afterAttempt = ['permit SignOff when temporal { formerly within 5m Inspect.req{} }'];
const afterSuccess = ['permit SignOff when temporal { formerly within 5m Inspect.resp{} }'];
const threeRefunds = ['permit Refund', 'forbid Refund when temporal { exists (n: Long). ((count for (t: Timepoint). where (formerly within 5m (Refund.req{} && tp(t)))) == n && n > 3) }'];
const budget = ['permit Refund', 'forbid Refund when temporal { exists (total: Long). ((sum a for (a: Long), (t: Timepoint). where (formerly within 5m (Refund.req{ input.cents: a } && tp(t)))) == total && total >= 3000) }'];
const once = ['permit Refund when temporal { !Refund.resp{} since within 1h SignOff.resp{} }'];
const coolDown = ['permit Mail', 'forbid Mail when temporal { formerly within 1m Mail.resp{} }'];
const undisturbed = ['permit Refund when temporal { !Inspect.resp{} since within 5m SignOff.resp{} }'];
const chain = ['permit Pick', 'permit Pack when temporal { formerly within 10m Pick.resp{} }', 'permit Ship when temporal { formerly within 10m Pack.resp{} }'];
const bothFirst = ['permit Ship when temporal { formerly within 1h Pack.resp{} && formerly within 1h Weigh.resp{} }'];
const eitherOr = ['permit Transfer', 'permit Statement', 'forbid Transfer when temporal { formerly within 2m Statement.req{} }', 'forbid Statement when temporal { formerly within 2m Transfer.req{} }'];
const enough = ['permit Close when temporal { (count for (t: Timepoint). where (formerly within 5m (Refund.req{ input.order: ctx.order } && tp(t)))) >= 2 }'];
const locked = ['permit Transfer', 'forbid Transfer when temporal { formerly within 3m Login.err{} }'];
const few = ['permit File when temporal { exists (n: Long). (n == count_within(24h, File.req{}) && n <= 3) } when { context.input.checked } unless { context.input.kind == "test" }'];
const cheap = ['permit File when temporal { sum_within(a, 24h, File.req{ input.cents: a }) < 6000 }'];
const bought = ['permit Sell when temporal { formerly within 1h Release.resp{ input.stock: ctx.stock, input.shares: ctx.shares, output.released: true } }'];
const perSession = ['permit Transfer unless temporal { count_within(1h, Transfer.req{}) > 3 }'];

test.each<Case>([
  ['A1 a refund needs a sign-off', signedOff, ['0 Refund order=1 ?'], 'D'],
  ['A1 a sign-off that was made opens it', signedOff, ['0 SignOff order=1 ?', '1 SignOff.response > order=1', '2 Refund order=1 ?'], 'AA'],
  ['A1 the sign-off of another order does not', signedOff, ['0 SignOff order=1 ?', '1 SignOff.response > order=1', '2 Refund order=2 ?'], 'AD'],
  ['A2 an attempt is enough where `request` is asked for', afterAttempt, ['0 SignOff ?', '1 Inspect', '2 SignOff ?'], 'DA'],
  ['A3 an attempt is not enough where `response` is', afterSuccess, ['0 Inspect', '1 SignOff ?', '2 Inspect.response', '302 SignOff ?', '303 SignOff ?'], 'DAD'],
  ['A4 the fourth in five minutes is one too many', threeRefunds, ['0 Refund ?', '60 Refund ?', '120 Refund ?', '180 Refund ?'], 'AAAD'],
  ['A4 an old one makes room', threeRefunds, ['0 Refund ?', '60 Refund ?', '120 Refund ?', '301 Refund ?'], 'AAAA'],
  ['A5 the refund that reaches the budget is refused', budget, ['0 Refund cents=1000 ?', '60 Refund cents=1000 ?', '120 Refund cents=1000 ?'], 'AAD'],
  ['A5 what stays below it is not', budget, ['0 Refund cents=1000 ?', '60 Refund cents=1000 ?', '120 Refund cents=999 ?'], 'AAA'],
  ['A6 a sign-off is used up by one refund', once, ['0 Refund ?', '1 SignOff.response', '2 Refund ?', '3 Refund.response', '4 Refund ?', '5 SignOff.response', '6 Refund ?'], 'DADA'],
  ['A7 a minute between two mails', coolDown, ['0 Mail ?', '1 Mail.response', '30 Mail ?', '61 Mail ?', '62 Mail ?'], 'ADDA'],
  ['A7 written with `request` it refuses every mail', ['permit Mail', 'forbid Mail when temporal { formerly within 1m Mail.req{} }'], ['0 Mail ?', '900 Mail ?'], 'DD'],
  ['A8 nothing may come between', undisturbed, ['0 Refund ?', '1 SignOff.response', '2 Refund ?', '3 Inspect.response', '4 Refund ?', '5 SignOff.response', '6 Refund ?'], 'DADA'],
  ['A9 a chain in its order', chain, ['0 Pick ?', '1 Pick.response', '2 Pack ?', '3 Pack.response', '4 Ship ?'], 'AAA'],
  ['A9 a chain out of its order', chain, ['0 Ship ?', '1 Pack ?', '2 Pick ?', '3 Pick.response', '4 Ship ?'], 'DDAD'],
  ['A10 one of two steps is not both', bothFirst, ['0 Ship ?', '1 Pack.response', '2 Ship ?', '3 Weigh.response', '4 Ship ?'], 'DDA'],
  ['A10 in whatever order', bothFirst, ['1 Weigh.response', '2 Ship ?', '3 Pack.response', '4 Ship ?'], 'DA'],
  ['A11 whichever comes second is refused', eitherOr, ['0 Transfer ?', '60 Statement ?'], 'AD'],
  ['A11 the other way round', eitherOr, ['0 Statement ?', '60 Transfer ?'], 'AD'],
  ['A12 two refunds of an order open its closing', enough, ['0 Close order=1 ?', '1 Refund order=1', '2 Close order=1 ?', '3 Refund order=2', '4 Close order=1 ?', '5 Refund order=1', '6 Close order=1 ?'], 'DDDA'],
  ['A13 an error locks for three minutes', locked, ['0 Transfer ?', '10 Login', '11 Login.error', '12 Transfer ?', '191 Transfer ?', '192 Transfer ?'], 'ADDA'],
  ['A14 three a day, if checked', few, ['0 File kind=real checked=true ?', '1 File kind=real checked=true ?', '2 File kind=real checked=true ?', '3 File kind=real checked=true ?'], 'AAAD'],
  ['A14 all clauses count', few, ['0 File kind=real checked=false ?', '1 File kind=test checked=true ?', '2 File kind=real checked=true ?'], 'DDA'],
  ['A14 a sum instead of a number', cheap, ['0 File cents=5000 ?', '1 File cents=999 ?', '2 File cents=1 ?'], 'AAD'],
  ['A15 the same stock and as many shares, and released', bought, ['0 Release.response stock=X shares=5 > released=true', '10 Sell stock=X shares=5 ?'], 'A'],
  ['A15 not released', bought, ['0 Release.response stock=X shares=5 > released=false', '10 Sell stock=X shares=5 ?'], 'D'],
  ['A15 another stock, another number, too late', bought, ['0 Release.response stock=X shares=5 > released=true', '10 Sell stock=Y shares=5 ?', '11 Sell stock=X shares=6 ?', '3600 Sell stock=X shares=5 ?', '3601 Sell stock=X shares=5 ?'], 'DDAD'],
  ['A16 the fourth transfer', perSession, ['0 Transfer ?', '1 Transfer ?', '2 Transfer ?', '3 Transfer ?'], 'AAAD'],
])('story: %s', (_name, policies, trace, decided) => {
  expect(decisions(policies, trace)).toBe(decided);
});

test('story: A16 a limit is one of its key: another key starts from nothing', () => {
  expect(decisions(perSession, ['0 @s1 Transfer ?', '1 @s1 Transfer ?', '2 @s1 Transfer ?', '3 @s1 Transfer ?', '4 @s2 Transfer ?', '5 @s1 Transfer ?'], 'caller')).toBe('AAADAD');
});
