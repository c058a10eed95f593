import type { ApprovalRule, Decision, JsonObject, Modification, Principal } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identity } from '../../../../test/support/identity-kit.js';
import { nowMs, sessionState, situated } from '../../../../test/support/policy-kit.js';
import type { Approval } from '../action/stages.js';
import type { Decided, HoldState } from '../action/states.js';
import { approve, type People } from './approve.js';
import { applyModification } from './modify.js';

const digest = 'sha256:exactly-this';
const groups: Readonly<Record<string, readonly string[]>> = { ann: ['finance'], ben: ['finance', 'security'], cleo: ['security'], robot: ['finance'], 'alice@example.com': ['finance'] };
const people: People = { isMember: (person, group) => Object.hasOwn(groups, person) && (groups[person]?.includes(group) ?? false), nameOf: (ref) => ref };
const rule = (over: Partial<ApprovalRule> = {}): ApprovalRule => ({ policy: 'two-people', approvers: 'finance', quorum: 1, evidence: [], withinMs: 1_000, reason: 'money', ...over });
const decision = (over: Partial<Decision> = {}): Decision => ({ outcome: 'step_up', kind: 'needs_approval', verdicts: [], approvals: [rule()], facts: [], bundle: 'b', ...over });
const agreed = (...persons: readonly string[]) => persons.map((person, i) => ({ person, entry: `entry-${i}` }));
const hold = (over: Partial<HoldState> = {}): HoldState => ({ id: 'hold', digest, status: 'pending', deadlineMs: nowMs + 1, agreed: agreed('ann'), ...over });

function decidedOn(what: Partial<Decision>, held?: HoldState, principal: Partial<Principal> = {}, args: JsonObject = { amount: 500 }): Decided {
  const attempt = situated({ args, principal, session: { holds: held ? { [digest]: held } : {} } });
  return { ...attempt, action: { name: 'payment.release', tier: 'act', reversible: false, automation: 'human', groups: [], reads: [], releases: [], spends: {}, match: { upstream: 'bank', method: 'tools/call', name: 'pay' } }, resources: [], digest, decision: decision(what), inputs: { principal: {}, action: '', resources: [], context: {}, entities: [] } };
}

const summary = (answer: Approval): string => {
  switch (answer.kind) {
    case 'approved':
      return `approved by ${answer.approved.grant.approvals.join(',') || 'nobody'}`;
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
    ['abuse 33: who agreed is unknown now', {}, hold({ agreed: agreed('dora') }), {}, 'still held'],
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
    ['abuse 34: a stricter rule came meanwhile', { approvals: [rule({ quorum: 2 }), rule({ policy: 'new', approvers: 'security' })] }, hold(), {}, 'still held'],
    ['abuse 34: policy denies meanwhile', { outcome: 'deny', kind: 'forbidden', approvals: [] }, hold(), {}, 'refused: denied'],
    ['abuse 36: at the last millisecond', {}, hold({ deadlineMs: nowMs + 1 }), {}, 'approved by entry-0'],
    ['abuse 36: at the deadline', {}, hold({ deadlineMs: nowMs }), {}, 'new hold'],
    ['abuse 36: after the deadline', {}, hold({ deadlineMs: nowMs - 1 }), {}, 'new hold'],
    ['abuse 30: it was used', {}, hold({ status: 'used' }), {}, 'new hold'],
    ['it has expired', {}, hold({ status: 'expired' }), {}, 'new hold'],
    ['a person refused', {}, hold({ status: 'refused' }), {}, 'refused: approval_refused'],
    ['a person refused long ago', {}, hold({ status: 'refused', deadlineMs: 0 }), {}, 'refused: approval_refused'],
    ['facts are missing, whoever agreed', { outcome: 'defer', kind: 'needs_facts', approvals: [], facts: [{ policy: 'p', needs: ['x'], withinMs: 1, reason: 'r' }] }, hold(), {}, 'still held'],
    ['facts and people are missing', { outcome: 'defer', kind: 'needs_facts', facts: [{ policy: 'p', needs: ['x'], withinMs: 1, reason: 'r' }] }, hold(), {}, 'still held'],
    ['policy allows meanwhile', { outcome: 'allow', kind: 'permitted', approvals: [] }, hold({ agreed: [] }), {}, 'approved by nobody'],
  ])('story: %s', (_name, what, held, principal, expected) => {
    expect(summary(approve(decidedOn(what, held, principal), people, nowMs))).toBe(expected);
  });

  test('abuse 29: an agreement to one digest is none to another', () => {
    const decided = decidedOn({}, hold());
    expect(summary(approve({ ...decided, digest: 'sha256:another' }, people, nowMs))).toBe('new hold');
    for (const odd of ['constructor', '__proto__', 'toString']) expect(summary(approve({ ...decided, digest: odd }, people, nowMs))).toBe('new hold');
  });

  test('law: nothing is approved without as many different members as every rule asks for, the requester aside', () => {
    const person = fc.constantFrom('ann', 'ben', 'cleo', 'robot', 'dora');
    const rules = fc.array(fc.record({ approvers: fc.constantFrom('finance', 'security', 'gone'), quorum: fc.integer({ min: 1, max: 3 }) }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(person, { maxLength: 6 }), rules, fc.option(person, { nil: undefined }), (persons, asked, onBehalfOf) => {
        const answer = approve(decidedOn({ approvals: asked.map((one) => rule(one)) }, hold({ agreed: agreed(...persons) }), onBehalfOf === undefined ? {} : { onBehalfOf }), people, nowMs);
        const enough = asked.every(({ approvers, quorum }) => new Set(persons.filter((one) => people.isMember(one, approvers) && one !== onBehalfOf && one !== 'robot')).size >= quorum);
        return (answer.kind === 'approved') === enough;
      }),
    );
  });

  test('attack: what the machine is told gives no rule away', () => {
    for (const kind of ['forbidden', 'no_permit', 'guard_broken', 'arguments'] as const) {
      const answer = approve(decidedOn({ outcome: 'deny', kind }), people, nowMs);
      expect(answer.kind === 'refused' && [answer.error.message, answer.error.detail]).toEqual(['policy does not allow this', kind]);
    }
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

  test('attack: the approved attempt runs with the modified arguments, and its digest binds what was asked', () => {
    const answer = approve(decidedOn({ outcome: 'modify', kind: 'permitted', modification: { caps: { amount: 50 }, sets: {}, redact: [] } }), people, nowMs);
    expect(answer.kind === 'approved' && [answer.approved.effectiveArgs, answer.approved.grant.digest, answer.approved.call.args]).toEqual([{ amount: 50 }, digest, { amount: 500 }]);
  });
});

test('law: an identity is its own requester, whatever it is called', () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), (id) => approve(decidedOn({}, hold({ agreed: agreed(id) }), { identity: identity({ id }) }), { isMember: () => true, nameOf: (ref) => ref }, nowMs).kind === 'hold'));
});

test('law: the state of another session\'s holds is no approval here', () => {
  expect(sessionState().holds).toEqual({});
  expect(summary(approve(decidedOn({}), people, nowMs))).toBe('new hold');
});
