import { FlyballError } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { Secret } from '../lib/secret.js';
import { administratorsApi } from './administrators.js';
import type { Gate } from './gate.js';
import { type Caller, mayAsk, type Right, type Route } from './route.js';

const origin = 'https://flyball.example';
const person: Caller = { person: 'ann', operator: false, administrator: false, auditor: false };
const visit = { person: 'ann', proven: { issuer: '', subject: '', claims: {}, authenticatedAtMs: undefined }, formToken: new Secret('right'), untilMs: 0, freshUntilMs: 0, seenMs: 0 };
const bearer: Gate['token'] = (token) => (token === 'good' ? Promise.resolve(person) : Promise.reject(new FlyballError('unauthenticated', 'token refused')));
const withPages: Gate = { allowedHosts: new Set(['flyball.example']), token: bearer, pages: { origin, visit: (handle) => (handle === 'mine' ? { caller: person, visit } : undefined) } };
const withoutPages: Gate = { allowedHosts: withPages.allowedHosts, token: bearer };

let changed = 0;
const routes: readonly Route[] = [
  { method: 'GET', path: '/see', right: 'person', answer: (c) => c.json({}) },
  { method: 'POST', path: '/do', right: 'person', answer: (c) => c.json({ changed: ++changed }) },
  { method: 'DELETE', path: '/do', right: 'person', answer: (c) => c.json({ changed: ++changed }) },
  { method: 'POST', path: '/administer', right: 'administers', answer: (c) => c.json({ changed: ++changed }) },
  { method: 'POST', path: '/begin', right: 'anyone', answer: (c) => c.json({ changed: ++changed }) },
];

const own = { origin, cookie: '__Host-flyball=mine', 'flyball-form-token': 'right', 'sec-fetch-site': 'same-origin' };
async function ask(method: string, path: string, headers: Readonly<Record<string, string | undefined>>, gate = withPages): Promise<number> {
  const given = Object.entries({ host: 'flyball.example', ...headers }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return (await administratorsApi(gate, routes).request(`${origin}${path}`, { method, headers: given })).status;
}

describe('who comes in', () => {
  test('story: own pages with cookie and token, programs with a bearer token', async () => {
    for (const method of ['POST', 'DELETE']) expect(await ask(method, '/do', own)).toBe(200);
    expect(await ask('GET', '/see', { cookie: own.cookie, 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await ask('POST', '/begin', { origin })).toBe(200);
    for (const gate of [withPages, withoutPages]) expect(await ask('POST', '/do', { authorization: 'Bearer good' }, gate)).toBe(200);
  });

  test.each<[string, Readonly<Record<string, string | undefined>>, number]>([
    ['no cookie', { ...own, cookie: undefined }, 401],
    ['another handle', { ...own, cookie: '__Host-flyball=other' }, 401],
    ['a cookie without its prefix, as a neighbour could set it', { ...own, cookie: 'flyball=mine' }, 401],
    ['no origin', { ...own, origin: undefined }, 403],
    ['another origin', { ...own, origin: 'https://evil.example' }, 403],
    ['a neighbour\'s origin', { ...own, origin: 'https://evil.flyball.example' }, 403],
    ['our origin without TLS', { ...own, origin: 'http://flyball.example' }, 403],
    ['a hidden origin', { ...own, origin: 'null' }, 403],
    ['no token', { ...own, 'flyball-form-token': undefined }, 403],
    ['another token', { ...own, 'flyball-form-token': 'wrong' }, 403],
    ['another site, as the browser says', { ...own, 'sec-fetch-site': 'cross-site' }, 403],
    ['a neighbour, as the browser says', { ...own, 'sec-fetch-site': 'same-site' }, 403],
    ['a link that was typed, as the browser says', { ...own, 'sec-fetch-site': 'none' }, 403],
    ['another host', { ...own, host: 'evil.example' }, 403],
    ['a bearer token from a page', { ...own, authorization: 'Bearer good' }, 403],
    ['a bearer token that is refused, beside a good cookie', { cookie: own.cookie, authorization: 'Bearer bad' }, 401],
    ['another scheme beside a good cookie', { cookie: own.cookie, authorization: 'Basic x' }, 401],
  ])('attack: nothing is changed with %s', async (_name, headers, status) => {
    const before = changed;
    for (const method of ['POST', 'DELETE']) expect(await ask(method, '/do', headers)).toBe(status);
    expect(changed).toBe(before);
  });

  test('attack: what needs nobody to be signed in is begun by our own page only', async () => {
    for (const from of [undefined, 'null', 'https://evil.example']) expect(await ask('POST', '/begin', { origin: from })).toBe(403);
    expect(await ask('POST', '/begin', { origin }, withoutPages)).toBe(403);
  });

  test('attack: who may not is not let in, whichever way they proved who they are', async () => {
    const before = changed;
    expect([await ask('POST', '/administer', own), await ask('POST', '/administer', { authorization: 'Bearer good' })]).toEqual([403, 403]);
    expect(changed).toBe(before);
  });

  test('attack: where nobody signs in with a browser, no page and no cookie is taken', async () => {
    expect(await ask('POST', '/do', own, withoutPages)).toBe(403);
    expect(await ask('GET', '/see', { cookie: own.cookie }, withoutPages)).toBe(401);
    expect(await ask('GET', '/see', { origin, authorization: 'Bearer good' }, withoutPages)).toBe(403);
  });
});

test('abuse 92: who may what, in one table', () => {
  const callers: Readonly<Record<string, Caller>> = {
    approver: { ...person, visit },
    'approver by token': person,
    auditor: { ...person, auditor: true, visit },
    administrator: { ...person, administrator: true, visit },
    'administrator who is an auditor': { ...person, administrator: true, auditor: true, visit },
    operator: { ...person, operator: true },
  };
  const rights = Object.keys(mayAsk) as readonly Exclude<Right, 'anyone'>[];
  expect(Object.fromEntries(Object.entries(callers).map(([name, caller]) => [name, rights.filter((right) => mayAsk[right](caller)).join(' ')]))).toEqual({
    approver: 'person answers visits keys',
    'approver by token': 'person answers',
    auditor: 'person visits reads',
    administrator: 'person answers visits keys reads administers',
    'administrator who is an auditor': 'person visits reads',
    operator: 'person answers reads administers',
  });
});
