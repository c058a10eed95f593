import { FlyballError } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../../test/support/identity-kit.js';
import { administratorsApi } from '../administrators.js';
import type { Gate } from '../gate.js';
import { SignIn } from './sign-in.js';
import { meRoute, signInRoutes } from './sign-in-routes.js';

const expected = { state: 's', nonce: 'n', verifier: 'v' };
const proven = { issuer: 'https://idp.example', subject: 'a', claims: {}, authenticatedAtMs: undefined };

/** A provider that lets everybody in as ann, and the listener behind `origin`. */
function listener(origin: string, clock = new FakeClock()) {
  const provider = { begin: () => Promise.resolve({ url: 'https://idp.example/auth', expected }), finish: () => Promise.resolve(proven) };
  const signIn = new SignIn({ provider, recognise: () => 'ann', record: () => Promise.resolve(), clock });
  const caller = { person: 'ann', operator: false, administrator: false, auditor: false };
  const gate: Gate = {
    allowedHosts: new Set([new URL(origin).host]),
    token: () => Promise.reject(new FlyballError('unauthenticated', 'no tokens here')),
    pages: {
      origin,
      visit: (handle, byItself) => {
        const visit = signIn.find(handle, byItself);
        return visit && { visit, caller };
      },
    },
  };
  const app = administratorsApi(gate, [...signInRoutes(signIn, origin), meRoute]);
  return (path: string, body?: object, cookie = '') => app.request(`${origin}${path}`, { method: body ? 'POST' : 'GET', headers: { host: new URL(origin).host, ...(body && { origin }), 'content-type': 'application/json', cookie }, ...(body && { body: JSON.stringify(body) }) });
}

const cookieOf = (response: Response, name: string): string => response.headers.getSetCookie().find((line) => line.startsWith(`${name}=`)) ?? '';
const pair = (line: string): string => line.split(';')[0] ?? '';

describe('cookies', () => {
  test('law: served over https they are kept from neighbours and from plain connections', async () => {
    const ask = listener('https://flyball.example');
    const begun = cookieOf(await ask('/sign-in/start', {}), '__Host-flyball-start');
    expect(begun).toMatch(/; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    const visit = cookieOf(await ask('/sign-in/finish', { query: 'code=c' }, pair(begun)), '__Host-flyball');
    expect(visit).toMatch(/; Max-Age=28800; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    expect((await ask('/v1/me', undefined, pair(visit).replace('__Host-', ''))).status).toBe(401);
  });

  test('law: a beginning is good for ten minutes', async () => {
    const clock = new FakeClock();
    const ask = listener('http://localhost:7601', clock);
    const begun = cookieOf(await ask('/sign-in/start', {}), 'flyball-start');
    clock.ms += 10 * 60_000;
    expect((await ask('/sign-in/finish', { query: 'code=c' }, pair(begun))).status).toBe(401);
  });

  test('attack: an answer that is longer than any provider\'s is not looked at, and does not use up the beginning', async () => {
    const ask = listener('http://localhost:7601');
    const first = cookieOf(await ask('/sign-in/start', {}), 'flyball-start');
    expect((await ask('/sign-in/finish', { query: 'x'.repeat(9_000) }, pair(first))).status).toBe(400);
    expect((await ask('/sign-in/finish', { query: 'code=c' }, pair(first))).status).toBe(200);
  });
});
