import { expect, test } from 'vitest';
import { decisions } from '../../../../test/support/trace-kit.js';

// P1 to P10 of our notes: keys. A host keeps one history per key, so an event of another key is nowhere to be seen. Left out:
// - P3, P6, P8, P9 and the second pin of P5: other keys than the caller; which key there is, is the host's, and all behave alike;
// - P4, second half (1164), a pin on some events only: a history is of one key wholly;
// - P10: how keys are written, which is the host's.

const since = 'permit Login when temporal { Login.req{ input.user: ctx.user } since within 1h Grant.req{ input.user: ctx.user } }';
const previous = 'permit Read when temporal { previous within 1h Login.req{} }';
const login = (field: string) => `permit Read when temporal { formerly within 1h Login.req{ input.user: ctx.user${field} } }`;
const bobsLogin = ['0 @ann Login user=ann', '1 @ann Read user=ann ?', '2 @bob Login user=eve', '3 @eve Read user=eve ?'];

test.each<readonly [name: string, policies: readonly string[], trace: readonly string[], ofCaller: string, ofAll: string]>([
  ['P1 a login in the name of another opens nothing', [login('')], bobsLogin, 'AD', 'AA'],
  ['P2 nor does it if any caller will do', [login(', callerPrincipal: *')], bobsLogin, 'AD', 'AA'],
  ['P2 and to ask for the caller is to ask twice', [login(', callerPrincipal: principal')], bobsLogin, 'AD', 'AD'],
  ['P4 the event before is the caller’s own', [previous], ['1 @ann Login', '2 @bob Pay', '3 @ann Read ?'], 'A', 'D'],
  ['P5 a count of own events', ['permit Read when temporal { count_within(1h, Login.req{}) >= 2 }'], ['1 @ann Login', '3 @bob Login', '4 @ann Read ?', '5 @ann Login', '6 @ann Read ?'], 'DA', 'AA'],
  ['P7 what has to hold ever since, at own events', [since], ['1 @ann Grant user=ann ?', '2 @bob Pay user=bob ?', '3 @ann Login user=ann ?', '4 @ann Login user=ann ?'], 'DDAA', 'DDDD'],
  ['some event that is no login', ['permit Read when temporal { formerly within 1h (!Read.req{} && !Login.req{}) }'], ['1 @bob Pay', '2 @ann Login', '3 @ann Read ?'], 'D', 'A'],
])('law: %s', (_name, policies, trace, ofCaller, ofAll) => {
  expect(decisions(policies, trace, 'caller')).toBe(ofCaller);
  expect(decisions(policies, trace)).toBe(ofAll);
});
