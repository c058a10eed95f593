import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectedOf, type Right } from '../packages/server/src/api/route.js';
import { loadConfig } from '../packages/server/src/config.js';
import { frontDoor } from '../packages/server/src/serve/people.js';
import type { Governor } from '../packages/server/src/wiring.js';
import { apiAudience, clientSecret } from './support/oidc.js';
import { accessToken, openPeopleHouse, type PeopleHouse, Visitor } from './support/people-house.js';

/** Every route of the administrators' listener and who may ask for it. What is not in this table must not be there. */
const table: Readonly<Record<Right, readonly string[]>> = {
  anyone: ['GET /v1/installation', 'GET /', 'GET /sign-in', 'GET /sign-in/back', 'GET /signed-out', 'GET /together', 'GET /passkeys', 'GET /holds/:id', 'POST /sign-in/start', 'POST /sign-in/finish'],
  person: ['GET /v1/me', 'GET /v1/inbox', 'GET /v1/questions/:id', 'GET /v1/standing', 'GET /v1/delegations', 'GET /v1/emergencies', 'GET /v1/grants'],
  answers: [
    'POST /v1/holds/:id/answer',
    'POST /v1/holds/answers',
    'DELETE /v1/standing/:id',
    'POST /v1/delegations',
    'DELETE /v1/delegations/:id',
    'POST /v1/emergencies/:name',
    'POST /v1/emergencies/:name/:id/confirm',
    'POST /v1/emergencies/:name/:id/end',
    'POST /v1/emergencies/:name/:id/review',
    'POST /v1/access-requests',
    'POST /v1/access-requests/simulate',
    'DELETE /v1/grants/:id',
  ],
  visits: ['POST /sign-out'],
  keys: ['GET /v1/passkeys', 'POST /v1/passkeys', 'POST /v1/passkeys/begin', 'DELETE /v1/passkeys/:id', 'POST /v1/holds/:id/challenge'],
  reads: ['GET /v1/status', 'GET /v1/recommendations', 'GET /v1/sessions', 'GET /v1/actions', 'GET /v1/actions/:id', 'GET /v1/holds', 'GET /v1/tools', 'GET /v1/log', 'GET /v1/log/checkpoint', 'GET /v1/log/bodies', 'GET /v1/log/tile/*', 'GET /v1/receipts/:id'],
  administers: ['POST /v1/tools/accept', 'POST /v1/bundle/reload', 'POST /v1/log/keys/retire', 'POST /v1/erase', 'POST /v1/holds/:id/cancel'],
};

type Guarded = Exclude<Right, 'anyone'>;
const all: readonly Guarded[] = ['person', 'answers', 'visits', 'keys', 'reads', 'administers'];

/** Everybody who could ask, and what they may. */
const rights: Readonly<Record<string, readonly Guarded[]>> = {
  nobody: [],
  'a machine': [],
  'a person who is not in people.yaml': [],
  'a browser that was never signed in': [],
  'ann, who answers, in her browser': ['person', 'answers', 'visits', 'keys'],
  'ann with a token of the installation': ['person', 'answers'],
  'ann with a token of the provider': ['person', 'answers'],
  'cid, who is in another group': ['person', 'answers', 'visits', 'keys'],
  'audrey, an auditor': ['person', 'visits', 'reads'],
  'adam, an administrator': all,
  'the operator': ['person', 'answers', 'reads', 'administers'],
};

let house: PeopleHouse;
const visitors: Record<string, Visitor> = {};
const bearers: Record<string, string> = {};

beforeAll(async () => {
  house = await openPeopleHouse({ signIn: `  audience: ${apiAudience}\n` });
  const signedIn = async (account: string) => new Visitor(house.address).signIn(account);
  visitors['a browser that was never signed in'] = new Visitor(house.address);
  visitors['a browser that was never signed in'].jar.cookie(house.address, 'flyball', '0'.repeat(72));
  visitors['ann, who answers, in her browser'] = await signedIn('ann');
  visitors['cid, who is in another group'] = await signedIn('cid');
  visitors['audrey, an auditor'] = await signedIn('audrey');
  visitors['adam, an administrator'] = await signedIn('adam');
  bearers['a machine'] = await house.governor.token('tester');
  bearers['a person who is not in people.yaml'] = await house.governor.personToken('mallory');
  bearers['ann with a token of the installation'] = await house.governor.personToken('ann');
  bearers['ann with a token of the provider'] = await accessToken(house, 'ann');
  bearers['the operator'] = await house.governor.personToken('operator');
});
afterAll(() => house?.close());

const nowhere = '019a0000-0000-7000-8000-000000000000';

async function ask(who: string, route: string): Promise<{ readonly status: number; readonly message: string }> {
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern.replace(':id', nowhere).replace(':name', 'none').replace('*', '0/000');
  const bearer = bearers[who];
  const visitor = visitors[who] ?? new Visitor(house.address);
  const { status, value } = await visitor.ask(method, path, method === 'POST' ? {} : undefined, bearer === undefined ? {} : { authorization: `Bearer ${bearer}`, origin: '', 'flyball-form-token': '' });
  const error = value['error'];
  return { status, message: typeof error === 'object' && error ? String((error as { message: unknown }).message) : '' };
}

test('law: the table is whole: every route that is served has a row in it, with its right', () => {
  const config = loadConfig(join(house.governor.directory, 'flyball.yaml'), { SIGN_IN_SECRET: clientSecret });
  const { routes } = frontDoor({ desk: {}, passkeys: {}, clock: { now: () => 0, offsetMs: 0 }, people: () => new Map() } as unknown as Governor, config, new Set(), '');
  const served = routes.filter(({ path }) => !path.startsWith('/pages/')).map(({ method, path, right }) => `${right}: ${method} ${path}`);
  const listed = Object.entries(table).flatMap(([right, rows]) => rows.map((row) => `${right}: ${row}`));
  expect(served.sort()).toEqual(listed.sort());
  expect(routes.filter(({ path }) => path.startsWith('/pages/')).every(({ method, right }) => method === 'GET' && right === 'anyone')).toBe(true);
});

test.each(Object.keys(rights))('abuse 92: %s may ask for exactly what the table says', async (who) => {
  const may = rights[who] ?? [];
  // Signing out comes last: it ends what the others are asked with.
  for (const right of [...all].sort((left) => (left === 'visits' ? 1 : -1))) {
    for (const route of table[right]) {
      const { status, message } = await ask(who, route);
      const isTurnedAway = status === 401 || message === `expected ${expectedOf[right]}` || /not in people\.yaml|token refused/.test(message);
      // A key needs a sign-in of just now beside the right to it.
      const isStale = message.includes('sign-in of the last minutes');
      expect({ route, isTurnedAway: isTurnedAway && !isStale, status }).toEqual({ route, isTurnedAway: !may.includes(right), status });
      if (!may.includes(right)) expect([401, 403], route).toContain(status);
    }
  }
});

test('attack: an ID token, a token for another audience and one of another client open nothing', async () => {
  const tokens = [await accessToken(house, 'ann', 'https://elsewhere.example/'), await accessToken(house, 'mallory'), await house.provider.idToken({ sub: 'ann', aud: 'flyball' }), await house.provider.idToken({ sub: 'ann', aud: apiAudience, iss: 'https://evil.example' })];
  for (const token of tokens) {
    bearers['forged'] = token;
    expect([401, 403]).toContain((await ask('forged', 'GET /v1/me')).status);
  }
});
