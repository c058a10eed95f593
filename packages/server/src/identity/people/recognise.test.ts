import { describe, expect, test } from 'vitest';
import { recognise } from './recognise.js';

const issuer = 'https://idp.example';
const people = new Map([
  ['ann', { groups: ['finance'], also: [`${issuer}|a-1`, 'ann@example.com'] }],
  ['ben', { groups: [], also: [`${issuer}|b-1`] }],
]);
const claimed = (claims: object, subject = 'nobody') => ({ issuer, subject, claims: { ...claims } });

describe('who somebody is', () => {
  test.each<[string, ReturnType<typeof claimed>, Parameters<typeof recognise>[2], string]>([
    ['by account', claimed({}, 'a-1'), {}, 'ann'],
    ['by a claim', claimed({ preferred_username: 'ben' }), { claim: 'preferred_username' }, 'ben'],
    ['by a claim in other letters', claimed({ preferred_username: 'Ben' }), { claim: 'preferred_username' }, 'ben'],
    ['by another name', claimed({ email: 'ann@example.com', email_verified: true }), { claim: 'email' }, 'ann'],
    ['by both', claimed({ preferred_username: 'ann' }, 'a-1'), { claim: 'preferred_username' }, 'ann'],
    ['in a group that the provider has too', claimed({ groups: ['idp-finance', 'x'] }, 'a-1'), { groupsClaim: 'groups', groups: { 'idp-finance': 'finance' } }, 'ann'],
    ['in no group that is mapped', claimed({ groups: [] }, 'b-1'), { groupsClaim: 'groups', groups: { 'idp-finance': 'finance' } }, 'ben'],
  ])('story: %s', (_name, proven, settings, expected) => {
    expect(recognise(people, proven, settings)).toBe(expected);
  });

  test.each<[string, ReturnType<typeof claimed>, Parameters<typeof recognise>[2]]>([
    ['nobody in people.yaml', claimed({}, 'c-1'), {}],
    ['the account of another provider', { issuer: 'https://evil.example', subject: 'a-1', claims: {} }, {}],
    ['an account in other letters', claimed({}, 'A-1'), {}],
    ['a subject that is a name', claimed({}, 'ann'), {}],
    ['a subject that looks like an account', claimed({}, `x|a-1`), {}],
    ['a claim that looks like an account', claimed({ preferred_username: `${issuer}|a-1` }), { claim: 'preferred_username' }],
    ['a claim that nobody configured', claimed({ preferred_username: 'ann' }), {}],
    ['a claim that is a list', claimed({ preferred_username: ['ann'] }), { claim: 'preferred_username' }],
    ['a name in letters that look alike', claimed({ preferred_username: 'ａｎｎ' }), { claim: 'preferred_username' }],
    ['an address that nobody verified', claimed({ email: 'ann@example.com' }), { claim: 'email' }],
    ['an address that is said to be verified', claimed({ email: 'ann@example.com', email_verified: 'true' }), { claim: 'email' }],
    ['two people at once', claimed({ preferred_username: 'ben' }, 'a-1'), { claim: 'preferred_username' }],
    ['a claim of every object', claimed({}), { claim: 'constructor' }],
    ['in a group here and not there', claimed({ groups: ['x'] }, 'a-1'), { groupsClaim: 'groups', groups: { 'idp-finance': 'finance' } }],
    ['in a group here and told no groups', claimed({}, 'a-1'), { groupsClaim: 'groups', groups: { 'idp-finance': 'finance' } }],
  ])('attack: not let in: %s', (_name, proven, settings) => {
    expect(() => recognise(people, proven, settings)).toThrow(expect.objectContaining({ code: 'identity_refused' }) as Error);
  });

  test('attack: a group at the provider makes nobody a member here', () => {
    expect(recognise(people, claimed({ groups: ['idp-finance'] }, 'b-1'), { groupsClaim: 'groups', groups: { 'idp-finance': 'finance' } })).toBe('ben');
    expect(people.get('ben')?.groups).toEqual([]);
  });
});
