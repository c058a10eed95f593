import { expect, test } from 'vitest';
import { decisions } from '../../../../test/support/trace-kit.js';

// Cases G1 to G35 of our notes on Dogwood's guide, rewritten. Left out:
// - G22, second half (a provider that looks at the text), G28, G31, G34 (Cedar macros), as no macros of Cedar are built in;
// - G23, G26, G27, G33: their macros are written out, as there is no `def`; G24, G25, G32 use the macros that are built in;
// - G29 (own kinds of events), G30 (a longer window in the event schema: here a host's parameter, see acceptance.test.ts);
// - G35: plain Cedar, which has its own tests.

type Case = readonly [name: string, policies: readonly string[], trace: readonly string[], decided: string];

/** A house that keeps a history for each caller. */
test.each<Case>([
  ['G1 a login opens reading for an hour', ['permit Read when temporal { formerly within 1h Login.resp{ input.user: ctx.user } }'], ['0 @ann Login user=ann ?', '5 @ann Login.response user=ann', '10 @ann Read user=ann ?', '7200 @ann Read user=ann ?'], 'DAD'],
  ['G1 an attempt to log in does so too, where `request` is written', ['permit Read when temporal { formerly within 1h Login.req{ input.user: ctx.user } }'], ['0 @ann Login user=ann ?', '10 @ann Read user=ann ?', '7200 @ann Read user=ann ?'], 'DAD'],
  ['G2 the approval of the same stock', ['permit Sell when temporal { formerly within 1h Approve.req{ input.stock: ctx.stock } }'], ['0 @ann Approve stock=X ?', '100 @ann Sell stock=X ?', '5000 @bob Sell stock=Y ?'], 'DAD'],
  ['G3 who has read a document may write it', ['permit Write when temporal { formerly within 1h Read.resp{ input.user: ctx.user, input.document: ctx.document } }'], ['0 @ann Read user=ann document=d1 ?', '5 @ann Read.response user=ann document=d1', '10 @ann Write user=ann document=d1 ?', '20 @ann Write user=ann document=d2 ?', '30 @bob Write user=bob document=d1 ?', '3700 @ann Write user=ann document=d1 ?'], 'DADDD'],
  ['G4 a login that failed opens nothing', ['permit Read when temporal { formerly within 1h Login.resp{ input.user: ctx.user, output.ok: true } }'], ['0 @ann Login.response user=ann > ok=true', '100 @ann Read user=ann ?', '200 @bob Login.response user=bob > ok=false', '300 @bob Read user=bob ?'], 'AD'],
  ['G5 only straight after the login', ['permit Read when temporal { previous within 1h Login.req{ input.user: ctx.user } }'], ['0 @ann Login user=ann ?', '100 @ann Read user=ann ?', '200 @ann Read user=ann ?'], 'DAD'],
  ['G6 only straight after a good login', ['permit Read when temporal { previous within 1h Login.resp{ input.user: ctx.user, output.ok: true } }'], ['0 @ann Read user=ann ?', '5 @ann Login.response user=ann > ok=true', '7 @ann Read user=ann ?', '30 @bob Login.response user=bob > ok=false', '31 @bob Read user=bob ?'], 'DAD'],
  ['G7 what has to have held ever since has to hold now', ['permit Read when temporal { Login.req{ input.user: ctx.user } since within 1h Login.req{ input.user: ctx.user } }'], ['0 @ann Login user=ann ?', '10 @ann Login user=ann ?', '12 @ann Read user=ann ?', '20 @ann Read user=ann ?', '30 @bob Read user=bob ?'], 'DDDDD'],
  ['G8 a heartbeat is not the read', ['permit Read when temporal { Beat.req{ input.user: ctx.user } since within 30s Login.req{ input.user: ctx.user } }'], ['0 @ann Login user=ann ?', '10 @ann Beat user=ann ?', '20 @ann Beat user=ann ?', '30 @ann Beat user=ann ?', '32 @ann Read user=ann ?', '50 @ann Beat user=ann ?', '52 @ann Read user=ann ?'], 'DDDDDDD'],
  ['G9 a bare negation looks at the request itself', ['permit Read when temporal { formerly within 1h Login.req{ input.user: ctx.user } && !Logout.req{ input.user: ctx.user } }'], ['0 @ann Login user=ann ?', '5 @ann Login.response user=ann', '50 @ann Logout user=ann ?', '100 @ann Read user=ann ?', '4000 @ann Read user=ann ?', '4100 @bob Read user=bob ?'], 'DDADD'],
  ['G10 in an open session, straight after a calculation', ['permit Read when temporal { previous within 1h Compute.req{ input.user: ctx.user } && (!Logout.req{ input.user: ctx.user } since within 24h Login.req{ input.user: ctx.user }) }'], ['0 @ann Compute user=ann', '1 @ann Read user=ann ?', '2 @ann Login user=ann', '3 @ann Read user=ann ?', '4 @ann Compute user=ann', '5 @ann Read user=ann ?', '6 @ann Compute user=ann', '7 @ann Logout user=ann', '8 @ann Read user=ann ?'], 'DDAD'],
  ['G11 a grant that is revoked', ['permit Access when temporal { !Revoke.req{ input.user: ctx.user, input.door: ctx.door } since within 1h Grant.req{ input.user: ctx.user, input.door: ctx.door } }'], ['0 @ann Grant user=ann door=1 ?', '100 @ann Access user=ann door=1 ?', '200 @ann Revoke user=ann door=1 ?', '300 @ann Access user=ann door=1 ?'], 'DADD'],
  ['G12 within a condition of Cedar', ['permit Sell when { context.input.shares > 5 && temporal { formerly within 1h Sell.req{} } }'], ['0 @ann Sell shares=10 ?', '100 @ann Sell shares=3 ?'], 'AD'],
  ['G13 two patterns of one event', ['permit Transfer when temporal { previous within 2h (Login.req{ input.user: ctx.user } && Login.req{ input.server: "s1" }) }'], ['0 @ann Login user=ann server=s1', '1 @ann Transfer user=ann ?', '2 @ann Login user=ann server=s2', '3 @ann Transfer user=ann ?', '4 @ann Login user=ann server=s1', '5 @ann Read', '6 @ann Transfer user=ann ?'], 'ADD'],
  ['G14 the caller as a field', ['permit Alert when temporal { formerly within 1h Beat.req{ input.server: ctx.server, callerPrincipal: principal } }'], ['0 @m1 Beat server=s1 ?', '100 @m1 Alert server=s1 ?', '200 @m2 Alert server=s1 ?'], 'DAD'],
  ['G16 some login of that server', ['permit Alert when temporal { exists (n: Long). ((count for (t: Timepoint). where (formerly within 1h (Login.req{ input.server: ctx.server } && tp(t)))) == n && n > 0) }'], ['0 @ann Login server=s1 ?', '100 @ann Alert server=s1 ?', '200 @ann Alert server=s2 ?'], 'DAD'],
  ['G21 a forbid alone denies, and so does nothing at all', ['forbid Read when temporal { sum_within(a, 1h, Pay.resp{ output.amount: a }) > 1000 }'], ['0 @ann Pay ?', '1 @ann Pay.response > amount=600', '10 @ann Read ?', '20 @ann Pay ?', '21 @ann Pay.response > amount=600', '30 @ann Read ?', '40 @bob Read ?'], 'DDDDD'],
  ['G21 beside a permit', ['permit Read', 'forbid Read when temporal { sum_within(a, 1h, Pay.resp{ output.amount: a }) > 1000 }'], ['1 @ann Pay.response > amount=600', '10 @ann Read ?', '21 @ann Pay.response > amount=600', '30 @ann Read ?', '40 @bob Read ?'], 'ADA'],
  ['G22 the approval of the stock that is sold', ['permit Sell when temporal { formerly within 1h Approve.resp{ input.stock: ctx.stock } }'], ['0 @ann Approve stock=X ?', '1 @ann Approve.response stock=X', '100 @ann Sell stock=X ?', '5000 @eve Sell stock=Y ?'], 'DAD'],
  ['G23 a field more in the pattern', ['permit Submit when temporal { formerly within 1h Review.req{ input.user: ctx.user }{ input.status: "approved" } }'], ['0 @ann Review user=ann status=approved ?', '10 @ann Submit user=ann ?', '20 @bob Submit user=bob ?', '30 @eve Review user=eve status=pending ?', '40 @eve Submit user=eve ?'], 'DADDD'],
  ['G24 a macro that counts', ['permit Alert when temporal { bind(n, count_within(1h, Login.req{ input.user: ctx.user, input.server: ctx.server }), n > 0) }'], ['0 @ann Login user=ann server=s1 ?', '100 @ann Alert user=ann server=s1 ?', '200 @bob Alert user=bob server=s2 ?'], 'DAD'],
  ['G25 a macro that adds up', ['permit Alert when temporal { bind(total, sum_within(a, 1h, Pay.req{ input.amount: a }), total > 100) }'], ['0 Pay amount=40 ?', '1 Pay.response amount=40', '2 Alert ?', '3 Alert.response', '4 Pay amount=80 ?', '5 Pay.response amount=80', '6 Alert ?'], 'DDDA'],
  ['G26 login and reading before writing', ['permit Write when temporal { formerly within 1h Login.req{ input.user: ctx.user } && formerly within 1h Read.req{ input.user: ctx.user, input.document: ctx.document } }'], ['0 @ann Login user=ann ?', '10 @ann Read user=ann document=d1 ?', '20 @ann Write user=ann document=d1 ?', '30 @ann Write user=ann document=d2 ?', '40 @bob Write user=bob document=d1 ?'], 'DDADD'],
  ['G27 a request finds itself', ['permit * when temporal { formerly within 1h Read.req{ input.user: ctx.user, input.document: ctx.document } }'], ['0 @ann Read user=ann document=d1 ?', '100 @ann Write user=ann document=d1 ?', '200 @bob Write user=bob document=d2 ?'], 'AAD'],
  ['G32 more than none', ['permit Alert when temporal { count_within(1h, Login.req{}) > 0 }'], ['0 @ann Login ?', '2 @ann Alert ?', '10 @ann Alert ?', '20 @bob Login ?', '22 @bob Alert ?'], 'DAADA'],
  ['G33 once within the hour', ['permit Write when temporal { formerly within 1h Read.req{ input.document: ctx.document } }'], ['0 Read document=d1 ?', '10 Write document=d1 ?', '20 Write document=d2 ?'], 'DAD'],
])('story: %s', (_name, policies, trace, decided) => {
  expect(decisions(policies, trace, 'caller')).toBe(decided);
});

/** One history for all callers. */
test.each<Case>([
  ['G15 exactly three in the hour, its end included', ['permit Alert when temporal { (count for (t: Timepoint). where (formerly within 1h (Pay.req{ input.amount: * } && tp(t)))) == 3 }'], ['0 @ann Pay amount=1', '100 @bob Pay amount=1', '200 @ann Alert ?', '300 @eve Pay amount=1', '400 @ann Alert ?', '500 @dan Pay amount=1', '600 @ann Alert ?', '3700 @ann Alert ?'], 'DADA'],
  ['G17 a count without a window sees the request only', ['permit Beat when temporal { formerly within 1h Beat.req{} && (count for (t: Timepoint). where (Login.req{} && tp(t))) > 2 }'], ['0 Login ?', '2 Login ?', '4 Login ?', '10 Beat ?', '20 Login ?', '30 Beat ?'], 'DDDDDD'],
  ['G18 so does a sum', ['permit Alert when temporal { (sum a for (a: Long), (t: Timepoint). where (Pay.req{ input.amount: a } && tp(t))) > 200 }'], ['0 Pay amount=100', '2 Alert ?', '10 Pay amount=200', '12 Alert ?', '20 Pay amount=50', '22 Alert ?'], 'DDD'],
  ['G19 whoever logged in has paid', ['permit Alert when temporal { exists (u: String). (formerly within 1h Login.req{ input.user: u } && formerly within 1h Pay.req{ input.user: u }) }'], ['0 Login user=ann ?', '1 Alert ?', '2 Pay user=ann ?', '3 Alert ?', '5000 Login user=bob ?', '5001 Pay user=eve ?', '5002 Alert ?'], 'DDDADDD'],
  ['G20 whoever logged in there', ['permit Alert when temporal { exists (u: String). (formerly within 1h Login.req{ input.user: u, input.server: ctx.server }) }'], ['0 @ann Login user=ann server=s1 ?', '100 @bob Alert server=s1 ?', '200 @bob Alert server=s2 ?', '5000 @ann Alert server=s1 ?'], 'DADD'],
])('story: %s', (_name, policies, trace, decided) => {
  expect(decisions(policies, trace)).toBe(decided);
});
