import type { ApprovalRule, Decision, FactRule, JsonObject, Modification, Principal } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identity } from '../../../../test/support/identity-kit.js';
import { nowMs, sessionState, situated } from '../../../../test/support/policy-kit.js';
import type { Approval } from '../action/stages.js';
import type { Decided, HoldState, Vote } from '../action/states.js';
import { approve, type Consent } from './approve.js';
import type { Emergency } from './emergency.js';
import { applyModification } from './modify.js';
import { People } from './people.js';
import { scopeOf, type Standing } from './standing.js';

const digest = 'sha256:exactly-this';
const groups: Readonly<Record<string, readonly string[]>> = { ann: ['finance'], ben: ['finance', 'security'], cleo: ['security'], robot: ['finance'], 'alice@example.com': ['finance'], dora: [] };
const people = new People(new Map(Object.entries(groups).map(([id, some]) => [id, { groups: some, also: [], peerReview: false }])));
const rule = (over: Partial<ApprovalRule> = {}): ApprovalRule => ({ policy: 'two-people', approvers: 'finance', quorum: 1, evidence: [], withinMs: 1_000, reason: 'money', ...over });
const fact: FactRule = { policy: 'p', needs: ['x'], withinMs: 1, reason: 'r' };
const decision = (over: Partial<Decision> = {}): Decision => ({ outcome: 'step_up', kind: 'needs_approval', verdicts: [], approvals: [rule()], facts: [], bundle: 'b', ...over });
const vote = (person: string, entry: string, over: Partial<Vote> = {}): Vote => ({ person, authority: person, entry, atMs: nowMs - 1, signed: false, ...over });
const agreed = (...persons: readonly string[]) => persons.map((person, i) => vote(person, `entry-${i}`));
const hold = (over: Partial<HoldState> = {}): HoldState => ({ id: 'hold', digest, question: 'q', action: 'payment.release', outcome: 'step_up', asks: ['people:two-people', 'people:p2', 'facts:p'], status: 'pending', atMs: nowMs - 10, deadlineMs: nowMs + 1, agreed: agreed('ann'), evidence: [], depth: 0, after: [], late: [], arrived: false, ...over });

const action = { name: 'payment.release', tier: 'act', reversible: false, automation: 'human', groups: [], reads: [], releases: [], spends: {}, match: { upstream: 'bank', method: 'tools/call', name: 'pay' } } as const;

function decidedOn(what: Partial<Decision>, held?: HoldState, principal: Partial<Principal> = {}, args: JsonObject = { amount: 500 }): Decided {
  const attempt = situated({ args, principal, session: { holds: held ? { [digest]: held } : {} } });
  return { ...attempt, action, resources: [], digest, decision: decision(what), inputs: { principal: {}, action: '', resources: [], context: {}, entities: [] } };
}

const streams = (states: Readonly<Record<string, unknown>>) => <S>(stream: string) => Promise.resolve({ version: 7, state: (Object.hasOwn(states, stream) ? states[stream] : undefined) as S | undefined });
const consent = (over: Partial<Consent> = {}): Consent => ({ people, nameOf: (ref) => (ref === 'erased' ? undefined : ref), read: streams({}), emergency: () => undefined, nowMs, ...over });

const summary = (answer: Approval): string => {
  switch (answer.kind) {
    case 'approved': {
      const { approvals, means } = answer.approved.grant;
      return `approved by ${[...approvals, ...means.map(({ id, kind }) => `${kind} ${id}`)].join(',') || 'nobody'}`;
    }
    case 'hold':
      return answer.known ? 'still held' : 'new hold';
    case 'refused':
      return `refused: ${answer.error.code}`;
  }
};

describe('who agreed', () => {
  const two = [rule({ quorum: 2 })];
  test.each<[string, Partial<Decision>, HoldState | undefined, Partial<Principal>, string]>([
    ['nobody was asked yet', {}, undefined, {}, 'new hold'],
    ['nobody agreed yet', {}, hold({ agreed: [] }), {}, 'still held'],
    ['one of one agreed', {}, hold(), {}, 'approved by entry-0'],
    ['one of two agreed', { approvals: two }, hold(), {}, 'still held'],
    ['two of two agreed', { approvals: two }, hold({ agreed: agreed('ann', 'ben') }), {}, 'approved by entry-0,entry-1'],
    ['abuse 35: the same person agreed twice', { approvals: two }, hold({ agreed: agreed('ann', 'ann') }), {}, 'still held'],
    ['abuse 33: who agreed has left the group', {}, hold({ agreed: agreed('cleo') }), {}, 'still held'],
    ['abuse 33: who agreed is in no group now', {}, hold({ agreed: agreed('dora') }), {}, 'still held'],
    ['abuse 33: who agreed was erased', {}, hold({ agreed: agreed('erased') }), {}, 'still held'],
    ['abuse 33: who agreed is a member of every object', {}, hold({ agreed: agreed('constructor', '__proto__', 'toString') }), {}, 'still held'],
    ['abuse 43: the group does not exist any more', { approvals: [rule({ approvers: 'gone' })] }, hold(), {}, 'still held'],
    ['abuse 43: no rule says who must agree', { approvals: [] }, hold(), {}, 'still held'],
    ['abuse 32: the one it is done for agreed', {}, hold(), { onBehalfOf: 'ann' }, 'still held'],
    ['abuse 32: the one it is done for agreed, in other letters', {}, hold({ agreed: agreed('alice@example.com') }), { onBehalfOf: 'Alice@Example.com' }, 'still held'],
    ['abuse 32: one of two is the one it is done for', { approvals: two }, hold({ agreed: agreed('ann', 'ben') }), { onBehalfOf: 'ben' }, 'still held'],
    ['abuse 32: the machine itself agreed', {}, hold({ agreed: agreed('robot') }), {}, 'still held'],
    ['abuse 32: who carried the token agreed', {}, hold(), { chain: ['broker', 'ann'] }, 'still held'],
    ['two rules, one of them fulfilled', { approvals: [rule(), rule({ policy: 'p2', approvers: 'security' })] }, hold(), {}, 'still held'],
    ['two rules, both fulfilled', { approvals: [rule(), rule({ policy: 'p2', approvers: 'security' })] }, hold({ agreed: agreed('ann', 'cleo') }), {}, 'approved by entry-0,entry-1'],
    ['abuse 34: a rule waits now of which nobody was told: another question, to whom it concerns', { approvals: [rule(), rule({ policy: 'new', approvers: 'security' })] }, hold(), {}, 'new hold'],
    ['what waited for facts waits for people now', {}, hold({ asks: ['facts:two-people'], agreed: [] }), {}, 'new hold'],
    ['what waited for people waits for facts now', { outcome: 'defer', kind: 'needs_facts', facts: [fact] }, hold({ asks: ['people:two-people'] }), {}, 'new hold'],
    ['a rule that waited does not any more', { approvals: [rule()] }, hold({ asks: ['people:two-people', 'people:p2'] }), {}, 'approved by entry-0'],
    ['abuse 34: policy denies meanwhile', { outcome: 'deny', kind: 'forbidden', approvals: [] }, hold(), {}, 'refused: denied'],
    ['abuse 36: at the last millisecond', {}, hold({ deadlineMs: nowMs + 1 }), {}, 'approved by entry-0'],
    ['abuse 36: at the deadline', {}, hold({ deadlineMs: nowMs }), {}, 'new hold'],
    ['abuse 36: after the deadline', {}, hold({ deadlineMs: nowMs - 1 }), {}, 'new hold'],
    ['abuse 36: after the end that who agreed gave it', {}, hold({ agreed: [vote('ann', 'e', { narrow: { untilMs: nowMs } })] }), {}, 'still held'],
    ['abuse 30: it was used', {}, hold({ status: 'used' }), {}, 'new hold'],
    ['it has expired', {}, hold({ status: 'expired' }), {}, 'new hold'],
    ['it was taken back', {}, hold({ status: 'cancelled' }), {}, 'new hold'],
    ['abuse 34: another question took its place', {}, hold({ status: 'superseded' }), {}, 'new hold'],
    ['a person refused', {}, hold({ status: 'refused' }), {}, 'refused: approval_refused'],
    ['a person refused long ago', {}, hold({ status: 'refused', deadlineMs: 0 }), {}, 'refused: approval_refused'],
    ['facts are missing, whoever agreed', { outcome: 'defer', kind: 'needs_facts', approvals: [], facts: [fact] }, hold(), {}, 'still held'],
    ['facts and people are missing', { outcome: 'defer', kind: 'needs_facts', facts: [fact] }, hold(), {}, 'still held'],
    ['facts of the same rule are missing, whoever agreed', { outcome: 'defer', kind: 'needs_facts', facts: [{ ...fact, policy: 'two-people' }] }, hold({ asks: ['people:two-people', 'facts:two-people'] }), {}, 'still held'],
    ['policy allows meanwhile', { outcome: 'allow', kind: 'permitted', approvals: [] }, hold({ agreed: [] }), {}, 'approved by nobody'],
  ])('story: %s', async (_name, what, held, principal, expected) => {
    expect(summary(await approve(decidedOn(what, held, principal), consent()))).toBe(expected);
  });

  test('abuse 29: an agreement to one digest is none to another', async () => {
    const decided = decidedOn({}, hold());
    expect(summary(await approve({ ...decided, digest: 'sha256:another' }, consent()))).toBe('new hold');
    for (const odd of ['constructor', '__proto__', 'toString']) expect(summary(await approve({ ...decided, digest: odd }, consent()))).toBe('new hold');
  });

  test('law: nothing is approved without as many different members as every rule asks for, the requester aside', async () => {
    const person = fc.constantFrom('ann', 'ben', 'cleo', 'robot', 'dora');
    const rules = fc.array(fc.record({ approvers: fc.constantFrom('finance', 'security', 'gone'), quorum: fc.integer({ min: 1, max: 3 }) }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(person, { maxLength: 6 }), rules, fc.option(person, { nil: undefined }), async (persons, asked, onBehalfOf) => {
        const approvals = asked.map((one, n) => rule({ ...one, policy: `p${n}` }));
        const answer = await approve(decidedOn({ approvals }, hold({ agreed: agreed(...persons), asks: ['people:p0', 'people:p1', 'people:p2'] }), onBehalfOf === undefined ? {} : { onBehalfOf }), consent());
        const enough = asked.every(({ approvers, quorum }) => new Set(persons.filter((one) => people.isMember(one, approvers) && one !== onBehalfOf && one !== 'robot')).size >= quorum);
        return (answer.kind === 'approved') === enough;
      }),
    );
  });

  test('attack: what the machine is told gives no rule away', async () => {
    for (const kind of ['forbidden', 'no_permit', 'guard_broken', 'arguments'] as const) {
      const answer = await approve(decidedOn({ outcome: 'deny', kind }), consent());
      expect(answer.kind === 'refused' && [answer.error.message, answer.error.detail]).toEqual(['policy does not allow this', kind]);
    }
  });
});

describe('what stands in for people', () => {
  const bounds = { count: 5, withinMs: 10_000, sum: { argument: 'amount', most: 1_000 } };
  const asked = [rule({ standing: bounds })];
  const scope = (over: Partial<Parameters<typeof scopeOf>[0]> = {}) => scopeOf({ ...scopeParts(), ...over }, ['amount']);
  const scopeParts = () => {
    const { call, principal } = decidedOn({});
    return { upstream: call.upstream, method: call.method, target: call.name, tool: call.tool?.digest, chain: principal.chain, resources: [], args: call.args, about: undefined };
  };
  const standing = (over: Partial<Standing> = {}): Standing => ({ id: 's', policy: 'two-people', identity: 'robot', action: 'payment.release', scope: scope(), free: ['amount'], count: 5, untilMs: nowMs + 1, sum: bounds.sum, used: 0, spent: 0, votes: [{ person: 'ann', authority: 'ann', entry: 'e', signed: false }], evidence: [], askedAtMs: nowMs - 100, grantedAtMs: nowMs - 50, ...over });
  const withStanding = (given: Standing, rules: readonly ApprovalRule[] = asked, principal: Partial<Principal> = {}, args?: JsonObject) => approve(decidedOn({ approvals: rules }, undefined, principal, args), consent({ read: streams({ 'standing:two-people': { s: given } }) })).then(summary);

  test.each<[string, Partial<Standing>, readonly ApprovalRule[], string]>([
    ['all is as it was agreed to', {}, asked, 'approved by standing s'],
    ['the rule accepts none any more', {}, [rule()], 'new hold'],
    ['its last use', { used: 4 }, asked, 'approved by standing s'],
    ['used up', { used: 5 }, asked, 'new hold'],
    ['used as often as was agreed to, though the rule accepts more', { count: 2, used: 2 }, asked, 'new hold'],
    ['used more often than the rule accepts now', { used: 2 }, [rule({ standing: { ...bounds, count: 2 } })], 'new hold'],
    ['its last millisecond', { untilMs: nowMs + 1 }, asked, 'approved by standing s'],
    ['over', { untilMs: nowMs }, asked, 'new hold'],
    ['older than the rule accepts now', { grantedAtMs: nowMs - 20 }, [rule({ standing: { ...bounds, withinMs: 20 } })], 'new hold'],
    ['the sum has room for exactly this', { spent: 500 * 10_000 }, asked, 'approved by standing s'],
    ['the sum has no room', { spent: 500 * 10_000 + 1 }, asked, 'new hold'],
    ['the sum has no room any more', { spent: 100 * 10_000 }, [rule({ standing: { ...bounds, sum: { argument: 'amount', most: 599 } } })], 'new hold'],
    ['the rule adds something else up now', {}, [rule({ standing: { ...bounds, sum: { argument: 'count', most: 1_000 } } })], 'new hold'],
    ['what the rule lets differ no more', { free: ['amount', 'payee'], scope: scope() }, asked, 'new hold'],
    ['abuse 33: who agreed has left the group', { votes: [{ person: 'cleo', authority: 'cleo', entry: 'e', signed: false }] }, asked, 'new hold'],
    ['abuse 33: who agreed was erased', { votes: [{ person: 'erased', authority: 'erased', entry: 'e', signed: false }] }, asked, 'new hold'],
    ['abuse 34: the rule asks for two now', {}, [rule({ standing: bounds, quorum: 2 })], 'new hold'],
    ['abuse 34: the rule asks for another group now', {}, [rule({ standing: bounds, approvers: 'security' })], 'new hold'],
    ['abuse 34: the rule asks for evidence now', {}, [rule({ standing: bounds, evidence: ['ticket'] })], 'new hold'],
    ['the evidence that it asks for was there', { evidence: ['ticket'] }, [rule({ standing: bounds, evidence: ['ticket'] })], 'approved by standing s'],
    ['another identity', { identity: 'other' }, asked, 'new hold'],
    ['for another person', { onBehalfOf: 'person:1' }, asked, 'new hold'],
    ['another action', { action: 'payment.refund' }, asked, 'new hold'],
    ['abuse 29: another tool definition', { scope: scope({ tool: 'sha256:other' }) }, asked, 'new hold'],
    ['another target', { scope: scope({ target: 'other' }) }, asked, 'new hold'],
    ['through another service', { scope: scope({ chain: ['broker'] }) }, asked, 'new hold'],
    ['about something else', { scope: scope({ about: { subject: 1 } }) }, asked, 'new hold'],
    ['abuse 29: another argument', { scope: scope({ args: { amount: 500, payee: 'x' } }) }, asked, 'new hold'],
    ['its scope was erased', { scope: undefined }, asked, 'new hold'],
  ])('story: a standing approval, %s', async (_name, over, rules, expected) => {
    expect(await withStanding(standing(over), rules)).toBe(expected);
  });

  test.each<[string, JsonObject]>([['below zero', { amount: -1 }], ['as a text', { amount: '500' }], ['that is not there', {}], ['beyond all bounds', { amount: 1e300 }], ['and one thing more', { amount: 500, payee: 'x' }]])('attack: a standing approval covers no amount %s', async (_name, args) => {
    expect(await withStanding(standing(), asked, {}, args)).toBe('new hold');
  });

  test('abuse 32: a standing approval that the one whom it is for gave themselves is none', async () => {
    expect(await withStanding(standing(), asked, { onBehalfOf: 'ann' })).toBe('new hold');
    expect(await withStanding(standing(), asked, { chain: ['ann'] })).toBe('new hold');
  });

  test('attack: each use takes the place that it was decided on, so that the last one is made once', async () => {
    const answer = await approve(decidedOn({ approvals: asked }), consent({ read: streams({ 'standing:two-people': { s: standing() } }) }));
    expect(answer.kind === 'approved' && answer.approved.grant.means).toEqual([{ kind: 'standing', id: 's', stream: 'standing:two-people', expected: 7, draws: 'amount' }]);
  });

  test('law: of two rules each has to be opened, and what people refused no standing approval opens', async () => {
    const rules = [...asked, rule({ policy: 'p2', approvers: 'security' })];
    const read = streams({ 'standing:two-people': { s: standing() } });
    expect(summary(await approve(decidedOn({ approvals: rules }), consent({ read })))).toBe('new hold');
    expect(summary(await approve(decidedOn({ approvals: rules }, hold({ agreed: agreed('cleo') })), consent({ read })))).toBe('approved by entry-0,standing s');
    expect(summary(await approve(decidedOn({ approvals: asked }, hold({ status: 'refused' })), consent({ read })))).toBe('refused: approval_refused');
  });

  const terms = { groups: ['finance'], reviewers: 'security', longestMs: 1_000, second: true };
  const emergency = (over: Partial<Emergency> = {}): Emergency => ({ id: 'e', name: 'outage', declaredBy: 'ann', confirmedBy: 'ben', identity: 'rob*', action: 'payment.*', needsSecond: true, openedAtMs: nowMs - 100, untilMs: nowMs + 100, ended: false, uses: 0, ...over });
  const inEmergency = (given: Emergency, what: Partial<Decision> = { approvals: [rule({ emergency: 'outage' })] }, known: typeof terms | undefined = terms) => approve(decidedOn(what), consent({ read: streams({ 'emergency:outage': { e: given } }), emergency: () => known })).then(summary);

  test.each<[string, Partial<Emergency>, string]>([
    ['declared and confirmed', {}, 'approved by emergency e'],
    ['not confirmed by a second person', { confirmedBy: undefined as unknown as string }, 'new hold'],
    ['over', { untilMs: nowMs }, 'new hold'],
    ['longer than it may be now', { openedAtMs: nowMs - 1_000 }, 'new hold'],
    ['ended', { ended: true }, 'new hold'],
    ['for another identity', { identity: 'other' }, 'new hold'],
    ['for another action', { action: 'payment' }, 'new hold'],
    ['abuse 33: declared by somebody who is not named for it any more', { declaredBy: 'cleo' }, 'new hold'],
    ['abuse 33: confirmed by somebody who is not named for it any more', { confirmedBy: 'cleo' }, 'new hold'],
    ['abuse 33: declared by somebody who was erased', { declaredBy: 'erased' }, 'new hold'],
    ['once declared by one, where two are needed now', { needsSecond: false, confirmedBy: undefined as unknown as string }, 'new hold'],
  ])('abuse 44: an emergency that is %s', async (_name, over, expected) => {
    expect(await inEmergency(emergency(over))).toBe(expected);
  });

  test('abuse 44: an emergency opens no guard without its name, none that the bundle does not know any more, and never what is forbidden', async () => {
    expect(await inEmergency(emergency(), { approvals: [rule()] })).toBe('new hold');
    expect(await inEmergency(emergency(), { approvals: [rule({ emergency: 'outage' }), rule({ policy: 'p2' })] })).toBe('new hold');
    expect(summary(await approve(decidedOn({ approvals: [rule({ emergency: 'outage' })] }), consent({ read: streams({ 'emergency:outage': { e: emergency() } }) })))).toBe('new hold');
    expect(await inEmergency(emergency(), { outcome: 'deny', kind: 'forbidden', approvals: [rule({ emergency: 'outage' })] })).toBe('refused: denied');
  });

  test('abuse 44: an emergency opens what waits for facts, where the guard names it', async () => {
    expect(await inEmergency(emergency(), { outcome: 'defer', kind: 'needs_facts', approvals: [], facts: [{ ...fact, emergency: 'outage' }] })).toBe('approved by emergency e');
  });
});

describe('what runs', () => {
  const run = (args: JsonObject, over: Partial<Modification>) => applyModification(args, { caps: {}, sets: {}, redact: [], ...over });

  test.each<[string, JsonObject, Partial<Modification>, JsonObject]>([
    ['a number above its cap', { amount: 500 }, { caps: { amount: 50 } }, { amount: 50 }],
    ['a number below its cap', { amount: 5 }, { caps: { amount: 50 } }, { amount: 5 }],
    ['a number that is not there', {}, { caps: { amount: 50 } }, { amount: 50 }],
    ['a fixed value over what was given', { dry_run: false }, { sets: { dry_run: true } }, { dry_run: true }],
    ['what no modification names', { a: 1, b: [2] }, { caps: { amount: 50 } }, { a: 1, b: [2], amount: 50 }],
    ['a cap named like a member of every object', {}, { caps: { constructor: 5 } as unknown as Modification['caps'] }, { constructor: 5 } as unknown as JsonObject],
  ])('story: %s', (_name, args, over, expected) => {
    expect(run(args, over)).toEqual(expected);
  });

  test.each<[string, JsonObject]>([['a text', { amount: '500' }], ['null', { amount: null }], ['a list', { amount: [500] }], ['an object', { amount: {} }], ['true', { amount: true }]])('attack: a cap cannot be escaped with %s', (_name, args) => {
    expect(() => run(args, { caps: { amount: 50 } })).toThrow(expect.objectContaining({ code: 'denied' }) as Error);
  });

  test('attack: the approved attempt runs with the modified arguments, and its digest binds what was asked', async () => {
    const answer = await approve(decidedOn({ outcome: 'modify', kind: 'permitted', modification: { caps: { amount: 50 }, sets: {}, redact: [] } }), consent());
    expect(answer.kind === 'approved' && [answer.approved.effectiveArgs, answer.approved.grant.digest, answer.approved.call.args]).toEqual([{ amount: 50 }, digest, { amount: 500 }]);
  });

  test('story: what several people agreed to runs as the narrowest of them has it', async () => {
    const held = hold({ agreed: [vote('ann', 'a', { narrow: { caps: { amount: 300 } } }), vote('ben', 'b', { narrow: { caps: { amount: 200 } } })] });
    const answer = await approve(decidedOn({ approvals: [rule({ quorum: 2 })], modification: { caps: { amount: 250 }, sets: {}, redact: ['pii'] } }, held), consent());
    expect(answer.kind === 'approved' && [answer.approved.effectiveArgs, answer.approved.grant.modification]).toEqual([{ amount: 200 }, { caps: { amount: 200 }, sets: {}, redact: ['pii'] }]);
  });
});

test('law: an identity is its own requester, whatever it is called', async () => {
  const all = (id: string) => new People(new Map([[id, { groups: ['finance'], also: [], peerReview: false }]]));
  await fc.assert(fc.asyncProperty(fc.string({ minLength: 1 }), async (id) => (await approve(decidedOn({}, hold({ agreed: agreed(id) }), { identity: identity({ id }) }), consent({ people: all(id), nameOf: (ref) => ref }))).kind === 'hold'));
});

test('law: the state of another session\'s holds is no approval here', async () => {
  expect(sessionState().holds).toEqual({});
  expect(summary(await approve(decidedOn({}), consent()))).toBe('new hold');
});
