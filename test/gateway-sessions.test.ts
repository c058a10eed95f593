import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { decisionOf, raw } from './support/mcp.js';
import { actions } from './support/record.js';
import { openWire, paths, resultOf, stateless, textOf } from './support/wire.js';

let canary: Canary;
let governor: RunningGovernor;
let token: string;
let other: string;

beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ files: openBundle, upstreams: `  canary: { url: "${canary.url}" }` });
  [token, other] = await Promise.all([governor.token('tester'), governor.token('other')]);
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

const openSession = (bearer: string, wish?: object) => governor.openSession(bearer, wish);

const end = (bearer: string, session: string) => fetch(`${governor.machines}/v1/sessions/${session}`, { method: 'DELETE', headers: { authorization: `Bearer ${bearer}` } });

describe.each(paths)('through %s', (path) => {
  async function callIn(session: string, bearer = token) {
    const before = canary.calls().length;
    const { body, headers } = stateless(7, 'tools/call', { name: 'echo', arguments: { message: 'x' } });
    const answer = await raw(governor.url(path), body, bearer, { ...headers, 'flyball-session': session });
    return { answer, reached: canary.calls().length - before };
  }

  test('story: a call in one\'s own session is served', async () => {
    const { answer, reached } = await callIn(await openSession(token));
    expect([textOf(answer), reached]).toEqual(['Echo: x', 1]);
  });

  test('law: L6, a session of another identity, a guessed one, an ended one and an expired one are all refused alike, and nothing is called', async () => {
    const foreign = await openSession(other);
    const ended = await openSession(token);
    expect((await end(token, ended)).status).toBe(200);
    const expired = await openSession(token, { ttl_seconds: 1 });
    await new Promise((done) => setTimeout(done, 1_300));
    const guessed = `${foreign.slice(0, -4)}ffff`;
    const answers = new Map<string, string>();
    for (const [what, session] of Object.entries({ foreign, guessed, ended, expired, empty: '', odd: '__proto__', own: 'tester', stream: `session:${foreign}`, two: `${foreign}, ${foreign}`, path: `../${foreign}` })) {
      const { answer, reached } = await callIn(session);
      expect(reached, what).toBe(0);
      const decision = decisionOf(resultOf(answer));
      expect(decision, `${what}: ${answer.text}`).toMatchObject({ outcome: 'deny', kind: 'session_refused' });
      answers.set(what, textOf(answer));
    }
    expect(answers.get('foreign'), 'whether a session exists is not said').toBe(answers.get('guessed'));
  });

  test('attack: the session header of an MCP connection can change at every request, and each is judged', async () => {
    const mine = await openSession(token);
    const client = await openWire(governor.url(path), token, { 'flyball-session': mine });
    expect(textOf(await client.call('echo', { message: 'x' }))).toBe('Echo: x');
    await end(token, mine);
    const before = canary.calls().length;
    expect(decisionOf(resultOf(await client.call('echo', { message: 'x' })))).toMatchObject({ kind: 'session_refused' });
    expect(canary.calls().length).toBe(before);
  });
});

test('attack: nobody ends a session of another identity, and the answer is that of a session that never was', async () => {
  const mine = await openSession(token);
  const [foreign, invented] = await Promise.all([end(other, mine), end(other, '019a0000-0000-7000-8000-000000000000')]);
  expect([foreign.status, await foreign.text()]).toEqual([invented.status, await invented.text()]);
  expect(foreign.status).toBe(403);
  expect((await end(token, mine)).status).toBe(200);
  expect((await end(token, mine)).status, 'an end is an end').toBe(403);
});

test.each([
  ['an identity of its own choice', { identity: 'other' }],
  ['an owner', { on_behalf_of: 'ann' }],
  ['an id', { session: '019a0000-0000-7000-8000-000000000000' }],
  ['a history', { labels: [], inherited: [] }],
  ['a life without end', { ttl_seconds: 1e9 }],
  ['a life in the past', { ttl_seconds: -1 }],
  ['a fraction of a second', { ttl_seconds: 0.5 }],
  ['a purpose that is no text', { purpose: { a: 1 } }],
  ['10,000 capabilities', { capabilities: Array.from({ length: 10_000 }, () => 'a') }],
])('law: L6, a machine cannot give its session %s', async (_what, wish) => {
  expect((await raw(`${governor.machines}/v1/sessions`, JSON.stringify(wish), token)).status).toBe(400);
});

test.each(['{"purpose":"a","purpose":"b"}', '{"__proto__":{"purpose":"x"}}', '[]', '', 'null', '{'])('attack: the session wish %j is none', async (body) => {
  expect((await raw(`${governor.machines}/v1/sessions`, body, token)).status).toBe(400);
});

test('law: the record names the identity of the token, whatever the request says about itself', async () => {
  const { body, headers } = stateless(7, 'tools/call', { name: 'echo', arguments: { message: 'x' }, identity: 'other', sub: 'other', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}, 'io.modelcontextprotocol/clientInfo': { name: 'other', version: '1' } } });
  await raw(governor.url(), body, token, { ...headers, 'x-flyball-identity': 'other', 'x-forwarded-user': 'other', forwarded: 'for=1.2.3.4', 'x-forwarded-for': '1.2.3.4' });
  expect((await actions(governor, 1))[0]).toMatchObject({ identity: 'tester' });
});
