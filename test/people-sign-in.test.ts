import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecord } from './support/exported-record.js';
import { clientId } from './support/oidc.js';
import { held, openPeopleHouse, type PeopleHouse, peopleOf, Visitor } from './support/people-house.js';

let house: PeopleHouse;
beforeAll(async () => {
  house = await openPeopleHouse({ clients: [clientId, 'another'], signIn: '  audience: https://flyball.example/api\n' });
});
afterAll(() => house?.close());

const visitor = () => new Visitor(house.address);
const cookie = 'flyball';

describe('signing in', () => {
  test('story: a person signs in at the provider and is somebody here; after signing out nobody', async () => {
    const ann = await visitor().signIn('ann');
    expect((await ann.ask('GET', '/v1/me')).value).toMatchObject({ person: 'ann', administrator: false, auditor: false });
    const stolen = ann.jar.cookie(house.address, cookie) ?? '';
    expect((await ann.ask('POST', '/sign-out')).status).toBe(200);
    expect((await ann.ask('GET', '/v1/me')).status).toBe(401);
    const thief = visitor();
    thief.jar.cookie(house.address, cookie, stolen);
    expect((await thief.ask('GET', '/v1/me')).status).toBe(401);
  });

  test('law: the cookie is kept from scripts and from other sites, and is nothing but a handle', async () => {
    const someone = visitor();
    const back = await someone.toProvider('ann');
    const { headers } = await someone.ask('POST', '/sign-in/finish', { query: back.search.slice(1) });
    const line = headers.getSetCookie().find((each) => each.startsWith(`${cookie}=`)) ?? '';
    expect(line).toMatch(/HttpOnly/i);
    expect(line).toMatch(/SameSite=Strict/i);
    expect(line).toMatch(/Path=\//);
    expect(line).toMatch(/^flyball=[0-9a-f-]{72};/);
  });

  test('law: somebody whom people.yaml does not know is refused, and told what to do', async () => {
    const stranger = visitor();
    const { status, value } = await stranger.finish(await stranger.toProvider('mallory'));
    expect([status, (value['error'] as { message: string }).message]).toEqual([403, 'you are signed in there, and nobody in people.yaml is you; ask an administrator to add you']);
    expect((await stranger.ask('GET', '/v1/me')).status).toBe(401);
  });

  test('law: who leaves people.yaml is out at once, and in again with a new sign-in only', async () => {
    const file = join(house.governor.directory, 'bundle/people.yaml');
    const before = readFileSync(file, 'utf8');
    const adam = await visitor().signIn('adam');
    const ben = await visitor().signIn('ben');
    expect((await ben.ask('GET', '/v1/inbox')).status).toBe(200);
    writeFileSync(file, peopleOf(house.provider.issuer).replace(/.*id: ben.*\n/, ''));
    expect((await adam.ask('POST', '/v1/bundle/reload', {})).status).toBe(200);
    expect((await ben.ask('GET', '/v1/inbox')).status).toBe(401);
    writeFileSync(file, before);
    expect((await adam.ask('POST', '/v1/bundle/reload', {})).status).toBe(200);
    expect((await ben.ask('GET', '/v1/inbox')).status).toBe(401);
  });
});

describe('attacks on the way in', () => {
  test('attack: an answer without its beginning, a second time, or in another browser signs nobody in', async () => {
    const ann = visitor();
    const back = await ann.toProvider('ann');
    expect((await visitor().finish(back)).status).toBe(401);
    expect((await ann.finish(back)).status).toBe(200);
    expect((await ann.finish(back)).status).toBe(401);
  });

  test('attack: a stranger\'s code makes nobody the stranger: whoever opens it in a browser of their own is not signed in', async () => {
    const mallory = visitor();
    const lure = await mallory.toProvider('cid');
    const victim = visitor();
    await victim.toProvider('ann');
    expect((await victim.finish(lure)).status).toBe(401);
    expect((await victim.ask('GET', '/v1/me')).status).toBe(401);
  });

  test.each([
    ['another state', (back: URL) => back.searchParams.set('state', 'x')],
    ['no state', (back: URL) => back.searchParams.delete('state')],
    ['another code', (back: URL) => back.searchParams.set('code', 'x')],
    ['no code', (back: URL) => back.searchParams.delete('code')],
    ['another issuer', (back: URL) => back.searchParams.set('iss', 'https://evil.example')],
  ])('attack: an answer with %s signs nobody in', async (_name, change) => {
    const ann = visitor();
    const back = await ann.toProvider('ann');
    change(back);
    expect((await ann.finish(back)).status).toBe(401);
    expect((await ann.ask('GET', '/v1/me')).status).toBe(401);
  });

  test('attack: a code that was given out for another client signs nobody in', async () => {
    const ann = visitor();
    const { value } = await ann.ask('POST', '/sign-in/start', {});
    const url = new URL(String(value['url']));
    url.searchParams.set('client_id', 'another');
    const back = await ann.jar.arrive(url.href, 'ann');
    expect(back.searchParams.get('code')).toBeTruthy();
    expect((await ann.finish(back)).status).toBe(401);
  });

  test('attack: session fixation: a handle that was planted is never given a person', async () => {
    const planted = '0'.repeat(72);
    const ann = visitor();
    const back = await ann.toProvider('ann');
    ann.jar.cookie(house.address, cookie, planted);
    expect((await ann.finish(back)).status).toBe(200);
    expect(ann.jar.cookie(house.address, cookie)).not.toBe(planted);
    const mallory = visitor();
    mallory.jar.cookie(house.address, cookie, planted);
    expect((await mallory.ask('GET', '/v1/me')).status).toBe(401);
  });

  test('law: signing in again ends the visit before it', async () => {
    const ann = await visitor().signIn('ann');
    const before = ann.jar.cookie(house.address, cookie) ?? '';
    await ann.signIn('ann');
    const thief = visitor();
    thief.jar.cookie(house.address, cookie, before);
    expect((await thief.ask('GET', '/v1/me')).status).toBe(401);
  });

  test.each(['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '/v1/me', '/holds/../x'])('attack: nobody is sent to %s after signing in', async (wish) => {
    const ann = visitor();
    const { value } = await ann.ask('POST', '/sign-in/start', { return_to: wish });
    const back = await ann.jar.arrive(String(value['url']), 'ann');
    expect((await ann.finish(back)).value).toEqual({ return_to: '/' });
  });
});

describe('abuse 41: nobody answers without meaning to', () => {
  test('attack: no GET, prefetch or HEAD changes anything, with a cookie or without', async () => {
    const hold = await held(house, 'prefetched', 10);
    const ann = await visitor().signIn('ann');
    for (const path of [`/v1/holds/${hold}/answer`, `/v1/holds/${hold}/answer?agrees=true`, `/holds/${hold}`, `/holds/${hold}?agrees=true`, '/sign-out', '/sign-in/start', '/sign-in/back?code=x&state=y', '/sign-in/finish?query=x', '/v1/passkeys/begin'])
      for (const method of ['GET', 'HEAD']) {
        const { status, headers } = await ann.ask(method, path, undefined, { purpose: 'prefetch', 'sec-purpose': 'prefetch' });
        expect([200, 403, 404], `${method} ${path}`).toContain(status);
        expect(headers.getSetCookie()).toEqual([]);
      }
    expect((await ann.ask('GET', `/v1/questions/${hold}`)).value).toMatchObject({ state: 'pending', agreed: [] });
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['a neighbour\'s port', { origin: 'http://localhost:1' }],
    ['an origin that is hidden', { origin: 'null' }],
    ['no origin', { origin: '' }],
    ['no token', { 'flyball-form-token': '' }],
    ['another token', { 'flyball-form-token': '00000000-0000-4000-8000-000000000000' }],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour, as the browser says', { 'sec-fetch-site': 'same-site' }],
    ['a bearer token beside it', { authorization: 'Bearer x' }],
  ])('attack: a page of a stranger makes ann\'s browser answer: %s', async (_name, headers) => {
    const hold = await held(house, `forged ${_name}`, 10);
    const ann = await visitor().signIn('ann');
    const { status } = await ann.ask('POST', `/v1/holds/${hold}/answer`, { agrees: true }, headers);
    expect(status).toBe(403);
    for (const path of ['/sign-out', '/v1/passkeys/begin', '/v1/delegations']) expect((await ann.ask('POST', path, {}, headers)).status, path).toBe(403);
    expect((await ann.ask('GET', `/v1/questions/${hold}`)).value).toMatchObject({ state: 'pending' });
  });

  test('attack: another page can neither begin nor finish a sign-in', async () => {
    for (const origin of ['https://evil.example', '', 'null']) {
      expect((await visitor().ask('POST', '/sign-in/start', {}, { origin })).status).toBe(403);
      expect((await visitor().ask('POST', '/sign-in/finish', { query: 'x' }, { origin })).status).toBe(403);
    }
  });

  test('attack: another site\'s page reads nothing with ann\'s cookie', async () => {
    const ann = await visitor().signIn('ann');
    for (const path of ['/v1/me', '/v1/inbox', '/v1/passkeys']) {
      expect((await ann.ask('GET', path, undefined, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
      const { status, headers } = await ann.ask('GET', path, undefined, { origin: 'https://evil.example' });
      expect([status, headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
  });

  test('attack: clickjacking: no page of ours is shown inside of another, runs a script that is not ours, or is kept', async () => {
    for (const path of ['/', '/holds/019a0000-0000-7000-8000-000000000000', '/passkeys', '/sign-in/back?code=x', '/pages/main.js', '/pages/style.css', '/pages/mark.svg']) {
      const { status, headers } = await visitor().ask('GET', path);
      expect(status, path).toBe(200);
      expect(headers.get('content-security-policy'), path).toContain('frame-ancestors \'none\'');
      expect(headers.get('content-security-policy'), path).not.toMatch(/unsafe|\*|data:/);
      expect(['x-frame-options', 'x-content-type-options', 'referrer-policy', 'cache-control'].map((name) => headers.get(name)), path).toEqual(['DENY', 'nosniff', 'no-referrer', 'no-store']);
    }
    const { headers } = await visitor().ask('GET', '/v1/me');
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
  });

  test('attack: a link carries no authority: whoever opens it sees a page without the question, and one who may not answer is told that there is none', async () => {
    const hold = await held(house, 'linked', 10);
    const stranger = await visitor().jar.fetch(`${house.address}/holds/${hold}`);
    expect(await stranger.text()).not.toContain('linked');
    expect((await visitor().ask('GET', `/v1/questions/${hold}`)).status).toBe(401);
    const cid = await visitor().signIn('cid');
    expect((await cid.ask('GET', `/v1/questions/${hold}`)).status).toBe(404);
    expect((await cid.ask('POST', `/v1/holds/${hold}/answer`, { agrees: true })).status).toBe(403);
    expect((await cid.ask('GET', '/v1/inbox')).value).toEqual({ rows: [] });
  });

  test('law: an auditor sees the question and answers nothing, whatever groups they are in', async () => {
    const hold = await held(house, 'audited', 10);
    const audrey = await visitor().signIn('audrey');
    expect((await audrey.ask('GET', `/v1/questions/${hold}`)).status).toBe(200);
    expect((await audrey.ask('POST', `/v1/holds/${hold}/answer`, { agrees: true })).status).toBe(403);
    expect((await audrey.ask('GET', '/v1/status')).status).toBe(200);
  });

  test('law: the page\'s own request is taken, and what was seen is in the record', async () => {
    const hold = await held(house, 'meant', 10);
    const ann = await visitor().signIn('ann');
    const { preview } = (await ann.ask('GET', `/v1/questions/${hold}`)).value as { preview: { text: string; digest: string } };
    expect(preview.text).toContain('"to":"meant"');
    expect((await ann.ask('POST', `/v1/holds/${hold}/answer`, { agrees: true, seen: `sha256:${'0'.repeat(64)}` })).status).toBe(403);
    expect((await ann.ask('POST', `/v1/holds/${hold}/answer`, { agrees: true, seen: preview.digest })).status).toBe(200);
  });
});

describe('keys', () => {
  test('attack: a browser that was left open becomes no key: adding one needs a sign-in of just now', async () => {
    const ann = await visitor().signIn('ann');
    expect((await ann.ask('POST', '/v1/passkeys/begin', {})).status).toBe(401);
    const fresh = await visitor().signIn('ann', true);
    expect((await fresh.ask('POST', '/v1/passkeys/begin', {})).status).toBe(200);
  });

  test('attack: a bearer token adds no key, and nobody signs for a question that they may not answer', async () => {
    const authorization = `Bearer ${await house.governor.personToken('ann')}`;
    const someone = visitor();
    expect((await someone.ask('POST', '/v1/passkeys/begin', {}, { authorization, origin: '' })).status).toBe(403);
    const hold = await held(house, 'keys');
    const cid = await visitor().signIn('cid');
    expect((await cid.ask('POST', `/v1/holds/${hold}/challenge`, { agrees: true, seen: 'x' })).status).toBe(404);
    const ann = await visitor().signIn('ann');
    expect((await ann.ask('POST', `/v1/holds/${hold}/challenge`, { agrees: true, seen: 'x' })).status).toBe(409);
    expect((await ann.ask('POST', `/v1/holds/${hold}/answer`, { agrees: true })).status).toBe(403);
  });
});

/** The record can be read once the governor has let go of it. */
test('law: every sign-in is an entry that names the person by reference only, with no token in it', async () => {
  await house.governor.stop();
  const record = await readRecord(house.governor.directory);
  const entries = record.entries.filter(({ kind }) => kind === 'signed_in');
  expect(entries.length).toBeGreaterThan(10);
  for (const { body } of entries) expect([Object.keys(body).sort(), String(body['person']).slice(0, 7), body['method']]).toEqual([['fresh', 'method', 'person'], 'person:', 'oidc']);
  // Hashes are chance, and chance can spell a name.
  expect(JSON.stringify(entries, (name, value: unknown) => (name === 'prev' ? undefined : value))).not.toMatch(/ann|localhost|eyJ/);
  expect(record.faults()).toEqual([]);
});
