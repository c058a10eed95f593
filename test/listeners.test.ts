import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { loadLocalKey, signLocalToken } from '../packages/server/src/identity/index.js';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { decisionOf, raw } from './support/mcp.js';
import { inPieces, openWire, resultOf, rpc } from './support/wire.js';

let canary: Canary;
let governor: RunningGovernor;
/** Who asks, by name: their bearer token. */
const bearers: Record<string, string> = {};
let action: string;
let hold: string;

const files = {
  ...openBundle,
  'bundle/people.yaml': 'people:\n  - { id: ann, groups: [finance], administrator: true }\n  - { id: ben, groups: [finance] }\n  - { id: cid, groups: [] }\n',
  'bundle/catalogue.yaml': 'actions:\n  - { name: transfer, tier: act, match: { upstream: canary, name: transfer } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
  'bundle/policies/open.cedar': '@id("open") permit (principal in Group::"testers", action, resource);\n@id("two") @outcome("step_up") @approvers("finance") @quorum("2") forbid (principal, action == Action::"transfer", resource);\n',
};

beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ files, upstreams: `  canary: { url: "${canary.url}" }` });
  bearers['machine'] = await governor.token('tester');
  bearers['machine for ann'] = await governor.token('tester', '--on-behalf-of', 'ann');
  const key = loadLocalKey(join(governor.directory, '.flyball'));
  const sign = (subject: string, audience = 'flyball:administrators', ttlMs = 600_000) => signLocalToken(key, { subject, audience, nowMs: Date.now(), ttlMs });
  for (const person of ['operator', 'ann', 'ben', 'cid', 'nobody']) bearers[person] = await sign(person);
  bearers['expired operator'] = await sign('operator', 'flyball:administrators', -3_600_000);
  bearers['operator for another'] = await sign('operator', 'https://elsewhere.example/');
  bearers['unsigned operator'] = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${(bearers['operator'] ?? '').split('.')[1] ?? ''}.`;
  const client = await openWire(governor.url(), bearers['machine'] ?? '');
  await client.call('echo', { message: 'x' });
  const held = decisionOf(resultOf(await client.call('transfer', { to: 'ann', amount: 1 })));
  hold = held.hold ?? '';
  action = held.evaluation ?? '';
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

interface Route {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

const administrators = (): readonly Route[] => [
  { method: 'GET', path: '/v1/status' },
  { method: 'GET', path: '/v1/sessions' },
  { method: 'GET', path: '/v1/actions' },
  { method: 'GET', path: `/v1/actions/${action}` },
  { method: 'GET', path: '/v1/holds' },
  { method: 'POST', path: `/v1/holds/${hold}/answer`, body: { agrees: true, reason: '' } },
  { method: 'GET', path: '/v1/tools' },
  { method: 'POST', path: '/v1/tools/accept', body: { upstream: 'canary', tool: 'echo' } },
  { method: 'POST', path: '/v1/bundle/reload', body: {} },
];
const machines = (): readonly Route[] => [
  { method: 'POST', path: '/mcp', body: JSON.parse(rpc(1, 'tools/list')) as object },
  { method: 'POST', path: '/mcp/canary', body: JSON.parse(rpc(1, 'tools/list')) as object },
  { method: 'GET', path: '/mcp' },
  { method: 'GET', path: '/mcp/canary' },
  { method: 'DELETE', path: '/mcp' },
  { method: 'DELETE', path: '/mcp/canary' },
  { method: 'POST', path: '/v1/sessions', body: {} },
  { method: 'DELETE', path: '/v1/sessions/019a0000-0000-7000-8000-000000000000' },
];

async function ask(base: string, { method, path, body }: Route, headers: Readonly<Record<string, string>>): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${base}${path}`, { method, headers: { accept: 'application/json, text/event-stream', ...(body && { 'content-type': 'application/json' }), ...headers }, ...(body && { body: JSON.stringify(body) }), signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}

const none: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no token': {},
  'an empty token': { authorization: 'Bearer ' },
  'a word': { authorization: 'Bearer admin' },
  'a password': { authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` },
  'no scheme': { authorization: 'operator' },
  'a cookie': { cookie: 'session=operator; token=operator' },
  'a key in a header': { 'x-api-key': 'flyball', 'x-flyball-token': 'operator' },
};

describe('abuse 92: the matrix of routes and callers', () => {
  test.each(Object.entries(none))('law: without a token no route of either listener answers: %s', async (_what, headers) => {
    for (const route of administrators()) expect((await ask(governor.administrators, route, headers)).status, `${route.method} ${route.path}`).toBe(401);
    for (const route of machines()) expect((await ask(governor.machines, route, headers)).status, `${route.method} ${route.path}`).toBe(401);
  });

  test.each(['machine', 'machine for ann', 'nobody', 'expired operator', 'operator for another', 'unsigned operator'])('law: the token of %s opens no route of the administrators', async (who) => {
    const headers = { authorization: `Bearer ${bearers[who] ?? ''}` };
    for (const route of administrators()) {
      const { status, text } = await ask(governor.administrators, route, headers);
      expect([401, 403], `${route.method} ${route.path}: ${text}`).toContain(status);
      expect(text).not.toMatch(/tester|canary|transfer/);
    }
  });

  test.each(['operator', 'ann', 'ben', 'expired operator', 'operator for another', 'unsigned operator'])('law: the token of %s opens no route of the machines', async (who) => {
    const headers = { authorization: `Bearer ${bearers[who] ?? ''}` };
    for (const route of machines()) expect((await ask(governor.machines, route, headers)).status, `${route.method} ${route.path}`).toBe(401);
  });

  test.each([
    ['operator', { accept: 200, reload: 200, answer: 403 }],
    ['ann', { accept: 200, reload: 200, answer: 200 }],
    ['ben', { accept: 403, reload: 403, answer: 200 }],
    ['cid', { accept: 403, reload: 403, answer: 403 }],
  ])('law: %s may do exactly what its place allows', async (who, expected) => {
    const headers = { authorization: `Bearer ${bearers[who] ?? ''}` };
    const got = await Promise.all(administrators().map(async (route) => [route.path, (await ask(governor.administrators, route, headers)).status] as const));
    const of = (end: string) => got.find(([path]) => path.endsWith(end))?.[1];
    expect({ accept: of('/accept'), reload: of('/reload'), answer: of('/answer') }).toEqual(expected);
  });

  test.each(['https://evil.example', 'null', 'http://localhost', 'SELF'])('attack: a page cannot make an administrator\'s browser act: Origin %s', async (origin) => {
    const headers = { authorization: `Bearer ${bearers['operator'] ?? ''}`, origin: origin === 'SELF' ? governor.administrators : origin };
    for (const route of administrators()) {
      const { status } = await ask(governor.administrators, route, headers);
      expect(status, `${route.method} ${route.path}`).toBe(403);
    }
  });

  test('attack: the administrators\' listener answers under no other Host and allows no page to ask', async () => {
    for (const host of ['evil.example', `evil.example:${new URL(governor.administrators).port}`, '127.0.0.1', '']) {
      const text = await inPieces(governor.administrators, [`GET /v1/status HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearers['operator'] ?? ''}\r\nConnection: close\r\n\r\n`]);
      expect(text, host).toMatch(/^HTTP\/1\.1 (403|400)/);
    }
    const preflight = await fetch(`${governor.administrators}/v1/bundle/reload`, { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each(['../status', '%2e%2e/status', 'x', '019a0000-0000-7000-8000-000000000000', "' or 1=1 --", '__proto__', '0'.repeat(10_000)])('attack: the id %j is nobody\'s', async (id) => {
    const headers = { authorization: `Bearer ${bearers['ann'] ?? ''}` };
    for (const route of [{ method: 'GET', path: `/v1/actions/${encodeURIComponent(id)}` }, { method: 'POST', path: `/v1/holds/${encodeURIComponent(id)}/answer`, body: { agrees: true } }]) {
      expect([404, 414, 431], `${route.path}`).toContain((await ask(governor.administrators, route, headers)).status);
    }
  });

  test.each([
    ['/answer', { agrees: true, person: 'ben' }],
    ['/answer', { agrees: 'true' }],
    ['/answer', { agrees: true, reason: '', quorum: 1 }],
    ['/answer', []],
    ['/accept', { upstream: 'canary', tool: 'echo', person: 'ann' }],
    ['/accept', { upstream: 'canary' }],
  ])('attack: a body with more or other than it takes is refused whole: %s %j', async (end, body) => {
    const headers = { authorization: `Bearer ${bearers['ann'] ?? ''}` };
    const route = administrators().find(({ path }) => path.endsWith(end));
    expect((await ask(governor.administrators, { method: 'POST', path: route?.path ?? '', body }, headers)).status).toBe(400);
  });

  test('abuse 88: a body without end and without announced length is not read to its end', async () => {
    const { host } = new URL(governor.administrators);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    let sent = 0;
    function* pieces() {
      yield `POST /v1/bundle/reload HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearers['cid'] ?? ''}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
      for (; sent < 40; sent++) yield chunk;
    }
    expect(await inPieces(governor.administrators, pieces())).toMatch(/^HTTP\/1\.1 (403|413|400)/);
    const endless = `POST /v1/holds/${hold}/answer HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearers['cid'] ?? ''}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await Promise.race([inPieces(governor.administrators, [endless, ...Array.from({ length: 64 }, () => chunk)]), new Promise((done) => setTimeout(() => done('still reading after 4 MB'), 6_000))])).toMatch(/^HTTP\/1\.1 (413|400)/);
  });
});

test('attack: a stranger is told no name of an upstream', async () => {
  for (const path of ['/', '/mcp/x', '/v1', '/.well-known/oauth-protected-resource', '/metrics', '/healthz']) {
    expect((await ask(governor.machines, { method: 'GET', path }, {})).text, path).not.toContain('canary');
  }
});

test('law: a 401 says where to get a token, and both listeners listen on one address only', async () => {
  const refused = await raw(governor.url(), rpc(1, 'tools/list'));
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer resource_metadata="http:\/\/[^"]*\/\.well-known\/oauth-protected-resource/);
  expect([new URL(governor.machines).hostname, new URL(governor.administrators).hostname]).toEqual(['127.0.0.1', '127.0.0.1']);
  expect(new URL(governor.machines).port).not.toBe(new URL(governor.administrators).port);
});
