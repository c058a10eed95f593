import type { ApprovalRule } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Vote } from '../action/states.js';
import { People, type PersonTerms } from './people.js';
import { tally, type TallyTerms } from './tally.js';

const groups: Readonly<Record<string, readonly string[]>> = { ann: ['finance'], ben: ['finance', 'security'], cyd: ['security'], dan: ['finance'], eve: [], junior: ['finance'], trainee: ['finance'], boss: ['managers'] };
const person = (id: string): PersonTerms => ({ groups: groups[id] ?? [], also: id === 'ann' ? ['ann.admin'] : [], peerReview: id === 'junior' || id === 'trainee' });
const people = new People(new Map(Object.keys(groups).map((id) => [id, person(id)])));
const rule = (over: Partial<ApprovalRule> = {}): ApprovalRule => ({ policy: 'p', approvers: 'finance', quorum: 1, evidence: [], withinMs: 1_000, reason: 'r', ...over });
const vote = (who: string, over: Partial<Vote> = {}): Vote => ({ person: who, authority: who, entry: `${who}'s`, atMs: 0, signed: false, ...over });
const votes = (...whose: readonly string[]) => whose.map((who) => vote(who));
const terms = (over: Partial<TallyTerms> = {}): TallyTerms => ({ people, nameOf: (ref) => (ref === 'erased' ? undefined : ref), requester: { identity: { id: 'robot', owner: 'ops' }, person: undefined, chain: [] }, askedAtMs: 0, nowMs: 1_000, evidence: new Set(), ...over });
const lent = (to: string, from: string, ...which: readonly string[]) => vote(to, { authority: from, groups: which });
const both = [rule({ quorum: 1 }), rule({ approvers: 'security', quorum: 1 })];

test.each<[string, readonly ApprovalRule[], readonly Vote[], Partial<TallyTerms>, boolean]>([
  ['one of one', [rule()], votes('ann'), {}, true],
  ['no rule at all', [], votes('ann'), {}, false],
  ['abuse 35: one person twice', [rule({ quorum: 2 })], votes('ann', 'ann'), {}, false],
  ['abuse 35: two accounts of one person', [rule({ quorum: 2 })], votes('ann', 'ann.admin'), {}, false],
  ['two of two', [rule({ quorum: 2 })], votes('ann', 'dan'), {}, true],
  ['two groups by two people', both, votes('ann', 'cyd'), {}, true],
  ['abuse 35: two groups by one person who is in both', both, votes('ben'), {}, false],
  ['who is in both makes way, whoever came first', both, votes('ben', 'ann'), {}, true],
  ['the same the other way round', both, votes('ann', 'ben'), {}, true],
  ['two of one group where one of each is asked', both, votes('ann', 'dan'), {}, false],
  ['three seats, three people, one assignment', [rule({ quorum: 2 }), rule({ approvers: 'security' })], votes('ben', 'ann', 'dan'), {}, true],
  ['one person for the same group of two policies', [rule(), rule({ policy: 'q' })], votes('ann'), {}, true],
  ['one policy of two', [rule(), rule({ policy: 'q', approvers: 'security' })], votes('ann'), {}, false],
  ['abuse 33: who is in no group any more', [rule()], votes('eve'), {}, false],
  ['abuse 33: who is not there any more', [rule()], votes('gone'), {}, false],
  ['abuse 43: a group that is gone', [rule({ approvers: 'gone' })], votes('ann', 'ben', 'cyd'), {}, false],
  ['a name that was erased', [rule()], votes('erased'), {}, false],
  ['an authority that was erased', [rule()], [lent('eve', 'erased', 'finance')], {}, false],
  ['a group named like a member of every object', [rule({ approvers: 'constructor' })], votes('ann'), {}, false],
  ['evidence is missing', [rule({ evidence: ['ticket'] })], votes('ann'), {}, false],
  ['evidence is there', [rule({ evidence: ['ticket'] })], votes('ann'), { evidence: new Set(['ticket']) }, true],
  ['one kind of evidence of two', [rule({ evidence: ['ticket', 'plan'] })], votes('ann'), { evidence: new Set(['ticket']) }, false],
  ['a signature is demanded', [rule({ signature: 'webauthn' })], votes('ann'), {}, false],
  ['a signature is given', [rule({ signature: 'webauthn' })], [vote('ann', { signed: true })], {}, true],
  ['one of two signatures', [rule({ signature: 'webauthn', quorum: 2 })], [vote('ann', { signed: true }), vote('dan')], {}, false],
  ['consent that ended', [rule()], [vote('ann', { narrow: { untilMs: 1_000 } })], {}, false],
  ['consent that has not ended', [rule()], [vote('ann', { narrow: { untilMs: 1_001 } })], {}, true],
  ['a manager before it is their turn', [rule({ escalation: [{ afterMs: 1_001, group: 'managers' }] })], votes('boss'), {}, false],
  ['a manager when nobody has answered for so long', [rule({ escalation: [{ afterMs: 1_000, group: 'managers' }] })], votes('boss'), {}, true],
  ['abuse 32: who asks', [rule()], votes('ann'), { requester: { identity: { id: 'robot', owner: 'ops' }, person: 'ann.admin', chain: [] } }, false],
  ['abuse 32: the owner, where the rule keeps them apart', [rule({ apart: ['owner'] })], votes('ann'), { requester: { identity: { id: 'robot', owner: 'ann' }, person: undefined, chain: [] } }, false],
  ['in somebody\'s name', [rule()], [lent('eve', 'ann', 'finance')], {}, true],
  ['in somebody\'s name, for another group', [rule()], [lent('eve', 'ben', 'security')], {}, false],
  ['abuse 33: in the name of somebody who left the group', [rule({ approvers: 'managers' })], [lent('eve', 'ann', 'managers')], {}, false],
  ['abuse 33: somebody who is gone, in somebody\'s name', [rule()], [lent('gone', 'ann', 'finance')], {}, false],
  ['abuse 32: who asks, in somebody\'s name', [rule()], [lent('eve', 'ann', 'finance')], { requester: { identity: { id: 'robot', owner: 'ops' }, person: 'eve', chain: [] } }, false],
  ['abuse 32: somebody, in the name of who asks', [rule()], [lent('eve', 'ann', 'finance')], { requester: { identity: { id: 'robot', owner: 'ops' }, person: 'ann', chain: [] } }, false],
  ['abuse 32: somebody, in the name of who is kept apart', [rule({ apart: ['group:finance'] })], [lent('eve', 'ann', 'finance')], {}, false],
  ['abuse 35: oneself, and somebody in one\'s name', [rule({ quorum: 2 })], [vote('ann'), lent('eve', 'ann', 'finance')], {}, false],
  ['abuse 35: the same in the other order', [rule({ quorum: 2 })], [lent('eve', 'ann', 'finance'), vote('ann')], {}, false],
  ['abuse 35: two in the name of one', [rule({ quorum: 2 })], [lent('eve', 'ann', 'finance'), lent('cyd', 'ann', 'finance')], {}, false],
  ['abuse 35: oneself, and in the name of another', [rule({ quorum: 2 })], [vote('ann'), vote('ann.admin', { authority: 'dan', groups: ['finance'] })], {}, false],
  ['two, each in the name of another', [rule({ quorum: 2 })], [lent('eve', 'ann', 'finance'), lent('cyd', 'dan', 'finance')], {}, true],
  ['whose answer does not count takes nobody\'s place', [rule({ quorum: 2 })], [vote('ann'), lent('ann.admin', 'dan', 'finance'), lent('eve', 'dan', 'finance')], {}, true],
  ['who may not judge alone, alone', [rule()], votes('junior'), {}, false],
  ['who may not judge alone, and another', [rule()], votes('junior', 'ann'), {}, true],
  ['the other one first', [rule()], votes('ann', 'junior'), {}, true],
  ['who may not judge alone, and somebody who may not answer at all', [rule()], votes('junior', 'cyd'), {}, false],
])('story: %s', (_name, rules, given, over, expected) => {
  expect(tally(rules, given, terms(over)).met).toBe(expected);
});

describe('what is counted', () => {
  test('law: nobody beyond those who were needed, and who may not judge alone beside one who agreed as well', () => {
    expect(tally([rule()], votes('ann', 'dan', 'ben'), terms()).counted.map(({ person: who }) => who)).toEqual(['ann']);
    expect(tally([rule()], votes('junior', 'dan', 'ben'), terms()).counted.map(({ person: who }) => who)).toEqual(['junior', 'dan']);
  });

  test('story: what is missing, by policy and group', () => {
    expect(tally([rule({ quorum: 2 }), rule({ approvers: 'security' }), rule({ policy: 'q', evidence: ['ticket'] })], votes('ann'), terms()).missing).toEqual([
      { policy: 'p', group: 'finance', needed: 1, evidence: [] },
      { policy: 'p', group: 'security', needed: 1, evidence: [] },
      { policy: 'q', group: 'finance', needed: 0, evidence: ['ticket'] },
    ]);
  });
});

test('law: a policy is met exactly when its seats can be taken by as many different people, each for one group', () => {
  const ids = ['ann', 'ben', 'cyd', 'dan', 'eve', 'boss'];
  const seatsOf = (rules: readonly ApprovalRule[]) => rules.flatMap((each) => Array.from({ length: each.quorum }, () => each.approvers));
  /** Tries every assignment: slow, and plainly right. */
  const possible = (seats: readonly string[], free: readonly string[]): boolean => {
    const [seat, ...others] = seats;
    return seat === undefined || free.some((who) => people.isMember(who, seat) && possible(others, free.filter((other) => other !== who)));
  };
  const asked = fc.uniqueArray(fc.record({ approvers: fc.constantFrom('finance', 'security', 'managers'), quorum: fc.integer({ min: 1, max: 2 }) }), { selector: ({ approvers }) => approvers, minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(asked, fc.array(fc.constantFrom(...ids, 'ann.admin', 'gone'), { maxLength: 8 }), (some, who) => {
      const rules = some.map((each) => rule(each));
      const free = [...new Set(who.map((name) => people.canonical(name)))];
      return tally(rules, votes(...who), terms()).met === possible(seatsOf(rules), free);
    }),
    { numRuns: 500 },
  );
});
