import { describe, expect, test } from 'vitest';
import { isKeptApart, isRequester, People, type PersonTerms, type Requester } from './people.js';

const person = (over: Partial<PersonTerms> = {}): PersonTerms => ({ groups: [], also: [], peerReview: false, ...over });
const people = new People(
  new Map([
    ['ann', person({ groups: ['finance', 'team-a'], also: ['ann.admin', 'https://idp|4711'], email: 'Ann@Example.com' })],
    ['ben', person({ groups: ['finance'], email: 'desk@example.com' })],
    ['cyd', person({ groups: ['team-a'], email: 'desk@example.com' })],
  ]),
);
const asking = (over: Partial<Requester> = {}): Requester => ({ identity: { id: 'robot', owner: 'ops' }, person: undefined, chain: [], ...over });

describe('one human is one person', () => {
  test.each(['ann', 'ANN', 'Ann.Admin', 'https://idp|4711', 'ann@example.com', 'user:ann', 'ａｎｎ'])('abuse 32: %s is ann', (name) => {
    expect(people.canonical(name)).toBe('ann');
    expect(isRequester('ann', asking({ person: name }), people)).toBe(true);
    expect(isRequester(name, asking({ chain: ['broker', 'ann'] }), people)).toBe(true);
  });

  test.each(['anna', 'аnn', 'ann ', 'constructor', '__proto__', '', 'desk@example.com'])('story: %j is somebody else', (name) => {
    expect(people.canonical(name)).not.toBe('ann');
    expect(people.groupsOf(name)).toEqual([]);
    expect(isRequester('ann', asking({ person: name }), people)).toBe(false);
  });

  test('story: a mailbox that several share names none of them', () => {
    expect(people.isKnown('desk@example.com')).toBe(false);
  });

  test('abuse 32: an identity that is called as a person is', () => {
    expect(isRequester('ann', asking({ identity: { id: 'Ann', owner: 'ops' } }), people)).toBe(true);
  });
});

describe('kept apart', () => {
  test.each<[string, string, readonly string[], Partial<Requester>, boolean]>([
    ['the owner', 'ann', ['owner'], { identity: { id: 'robot', owner: 'ann' } }, true],
    ['the owner by another account', 'ann', ['owner'], { identity: { id: 'robot', owner: 'ann.admin' } }, true],
    ['a member of the owning group', 'ben', ['owner'], { identity: { id: 'robot', owner: 'finance' } }, true],
    ['another one', 'cyd', ['owner'], { identity: { id: 'robot', owner: 'finance' } }, false],
    ['the owner where the rule does not say so', 'ann', [], { identity: { id: 'robot', owner: 'ann' } }, false],
    ['who shares a group with the person that it is for', 'cyd', ['team'], { person: 'ann' }, true],
    ['who shares none', 'ben', ['team'], { person: 'cyd' }, false],
    ['who shares a group with the owner of what acts for nobody', 'cyd', ['team'], { identity: { id: 'robot', owner: 'ann' } }, true],
    ['a member of a named group', 'cyd', ['group:team-a'], {}, true],
    ['no member of a named group', 'ben', ['group:team-a'], {}, false],
    ['a member of a group that is gone', 'ben', ['group:gone'], {}, false],
  ])('story: %s', (_name, name, apart, requester, expected) => {
    expect(isKeptApart(name, apart, asking(requester), people)).toBe(expected);
  });
});
