import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadLocalKey, signLocalToken } from '../packages/server/src/identity/index.js';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { actions } from './support/record.js';

const resource = 'http://127.0.0.1:1/mcp';
const files = {
  ...openBundle,
  'bundle/catalogue.yaml': `entities:
  user: { attributes: { role: string } }
  record: { attributes: { status: string } }
actions:
  - { name: read, tier: inspect, match: { method: evaluation, name: read }, applies_to: { subjects: [user], resources: [record] } }
grants:
  quick: { description: nobody has to agree, owner: ann, longest: 8h }
`,
  'bundle/policies/open.cedar': '@id("open") permit (principal in Group::"testers", action, resource);\n@id("read") permit (principal is user, action == Action::"read", resource);\n',
};

let governor: RunningGovernor;
/** By what a caller is refused: their headers. */
let callers: Readonly<Record<string, Readonly<Record<string, string>>>>;
let token: string;
beforeAll(async () => {
  governor = await startGovernor({ files, config: `resource: ${resource}\naccess_requests: { denial_seconds: 600 }` });
  const key = loadLocalKey(join(governor.directory, '.flyball'));
  const sign = (audience: string, ttlMs: number) => signLocalToken(key, { subject: 'tester', audience, nowMs: Date.now(), ttlMs });
  token = await sign(resource, 600_000);
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  callers = { 'no token': {}, 'a wrong token': bearer('wrong'), 'an expired token': bearer(await sign(resource, -3_600_000)), 'a token for another server': bearer(await sign('https://elsewhere.example/', 600_000)) };
});
afterAll(() => governor.remove());

const question = { subject: { type: 'user', id: 'ann' }, action: { name: 'read' }, resource: { type: 'record', id: 'r1' } };
const wish = { grant: 'quick', why: 'to look at an order', minutes: 5 };
const nobodys = '019a0000-0000-7000-8000-000000000000';

/** Every route of the machines that takes a body, each with a good one. */
const routes: Readonly<Record<string, object>> = {
  '/access/v1/evaluation': question,
  '/access/v1/evaluations': { evaluations: [question, question] },
  '/access/v1/search/subject': { ...question, subject: { type: 'user' } },
  '/access/v1/search/resource': { ...question, resource: { type: 'record' } },
  '/access/v1/search/action': { subject: question.subject, resource: question.resource },
  '/access/v1/outcomes': { evaluation_id: nobodys, outcome: 'succeeded' },
  '/access/v1/requests': { requested_access: [] },
  '/v1/access-requests': wish,
  '/v1/access-requests/simulate': wish,
  '/v1/sessions': {},
  [`/v1/holds/${nobodys}/evidence`]: { kind: 'ticket', value: 1 },
  '/mcp': { jsonrpc: '2.0', id: 1, method: 'ping' },
};

const bodies: Readonly<Record<string, (good: object) => string | undefined>> = {
  'a good body': (good) => JSON.stringify(good),
  'no member that is known': () => '{"x":1}',
  'no item that is well formed': () => '{"evaluations":[{},{"x":1}]}',
  'an item that is no object': () => '{"evaluations":[1]}',
  'half a body': () => '{"subject":',
  'a list': () => '[]',
  'a body of 5 MB': () => JSON.stringify({ x: 'x'.repeat(5 << 20) }),
  'no body': () => undefined,
};

async function post(path: string, headers: Readonly<Record<string, string>>, body: string | undefined, type = 'application/json'): Promise<{ readonly status: number; readonly text: string; readonly challenge: string | null }> {
  const answer = await fetch(governor.url(path), { method: 'POST', headers: { 'content-type': type, ...headers }, ...(body !== undefined && { body }), signal: AbortSignal.timeout(20_000) });
  return { status: answer.status, text: await answer.text(), challenge: answer.headers.get('www-authenticate') };
}

/** Who was refused without being known, newest first: what was asked for and why it was refused. */
async function strangers(): Promise<readonly string[]> {
  const rows = (await actions(governor, 500)).filter(({ kind, identity }) => kind === 'refusal' && identity === 'unknown');
  return rows.map(({ action, outcome, effect }) => `${action}: ${outcome}, ${effect}`);
}

// First, because of strangers only so many refusals in a second are recorded.
describe('who is refused is in the record', () => {
  test.each([
    ['/access/v1/evaluation', 'a good body', 'evaluation'],
    ['/access/v1/evaluation', 'no member that is known', 'evaluation'],
    ['/access/v1/evaluations', 'a good body', 'evaluation'],
    ['/access/v1/evaluations', 'no item that is well formed', 'evaluation'],
    ['/access/v1/search/subject', 'half a body', 'evaluation'],
    ['/access/v1/outcomes', 'no body', 'outcome'],
    ['/v1/access-requests', 'a good body', 'access/request'],
    ['/v1/access-requests', 'half a body', 'access/request'],
    ['/access/v1/requests', 'half a body', 'access-request'],
    ['/v1/sessions', 'a good body', 'session'],
    [`/v1/holds/${nobodys}/evidence`, 'half a body', 'hold'],
  ])('law: a wrong token at %s with %s is one entry', async (path, body, method) => {
    const before = (await strangers()).length;
    expect((await post(path, callers['a wrong token'] ?? {}, bodies[body]?.(routes[path] ?? {}))).status).toBe(401);
    const after = await strangers();
    expect(after.length).toBe(before + 1);
    expect(after[0]).toBe(`${method}: deny (unauthenticated), none`);
  });

  test.each([
    [`/v1/holds/${nobodys}`, 'hold'],
    ['/v1/grants', 'grant'],
    [`/v1/receipts/${nobodys}`, 'receipt'],
  ])('law: a wrong token that looks at %s is one entry', async (path, method) => {
    const before = (await strangers()).length;
    expect((await fetch(governor.url(path), { headers: callers['a wrong token'] ?? {} })).status).toBe(401);
    expect((await strangers()).slice(0, -before || undefined)).toEqual([`${method}: deny (unauthenticated), none`]);
  });

  test('attack: a token on behalf of a person is refused before its body is looked at, and its identity is in the record', async () => {
    const lent = { authorization: `Bearer ${await governor.token('tester', '--on-behalf-of', 'ann')}` };
    for (const [path, body] of [['/access/v1/evaluation', '{'], ['/access/v1/evaluations', '{"evaluations":[{},{}]}'], ['/access/v1/search/action', '{}'], ['/access/v1/requests', '{']] as const) {
      const { status, text } = await post(path, lent, body);
      expect([status, text], path).toEqual([403, expect.stringContaining('expected a token of the enforcement point itself, not one on behalf of somebody')]);
      expect((await actions(governor, 1))[0]).toMatchObject({ kind: 'refusal', identity: 'tester', outcome: 'deny (identity_refused)' });
    }
  });
});

describe('who asks is established before anything is said of a body', () => {
  test.each(Object.entries(bodies))('law: without a token that is good, every route answers 401 to %s', async (_what, bodyOf) => {
    for (const [path, good] of Object.entries(routes)) {
      for (const [who, headers] of Object.entries(callers)) {
        const { status, text, challenge } = await post(path, headers, bodyOf(good));
        expect(status, `${path}, ${who}: ${text}`).toBe(401);
        expect(text).toContain('token refused: ');
        expect(challenge, path).toMatch(/^Bearer /);
      }
    }
  });

  test('law: another content type tells a stranger nothing either', async () => {
    for (const path of Object.keys(routes)) expect((await post(path, {}, '<x/>', 'text/xml')).status, path).toBe(401);
  });

  test('story: a known caller is told what is wrong with the body', async () => {
    const known = { authorization: `Bearer ${token}` };
    for (const path of Object.keys(routes)) {
      const [half, huge] = [await post(path, known, bodies['half a body']?.({})), await post(path, known, bodies['a body of 5 MB']?.({}))];
      expect([half.status, huge.status], path).toEqual([400, 413]);
    }
    const several = await post('/access/v1/evaluations', known, bodies['no item that is well formed']?.({}));
    expect([several.status, several.text]).toEqual([200, expect.stringContaining('"status":400')]);
  });
});

describe('routes that are not MCP speak plain HTTP', () => {
  const known = () => ({ authorization: `Bearer ${token}` });
  const ask = async (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) => {
    const answer = await fetch(governor.url(path), { method, headers: { 'content-type': 'application/json', ...headers }, ...(body !== undefined && { body }) });
    return { status: answer.status, json: JSON.parse(await answer.text()) as Readonly<Record<string, unknown>>, headers: answer.headers };
  };

  test.each<readonly [string, string, boolean, string | undefined, number, string]>([
    ['GET', `/v1/holds/${nobodys}`, false, undefined, 401, 'unauthenticated'],
    ['GET', `/v1/holds/${nobodys}`, true, undefined, 404, 'not_found'],
    ['GET', `/v1/holds/${nobodys}/nothing`, true, undefined, 404, 'not_found'],
    ['GET', `/v1/holds/${nobodys}/wait?seconds=56`, true, undefined, 400, 'request_malformed'],
    ['DELETE', `/v1/holds/${nobodys}`, true, undefined, 404, 'not_found'],
    ['PUT', `/v1/holds/${nobodys}`, true, undefined, 405, 'request_malformed'],
    ['POST', `/v1/holds/${nobodys}/evidence`, true, '{', 400, 'request_malformed'],
    ['POST', '/v1/access-requests', false, '{}', 401, 'unauthenticated'],
    ['POST', '/v1/access-requests', true, '{}', 400, 'request_malformed'],
    ['POST', '/v1/access-requests', true, JSON.stringify({ ...wish, why: 'x'.repeat(70_000) }), 413, 'request_too_large'],
    ['GET', '/v1/access-requests', true, undefined, 405, 'request_malformed'],
    ['DELETE', `/v1/grants/${nobodys}`, true, undefined, 404, 'not_found'],
    ['POST', '/v1/sessions', true, '{"ttl_seconds":0}', 400, 'request_malformed'],
    ['DELETE', `/v1/sessions/${nobodys}`, true, undefined, 403, 'session_refused'],
    ['GET', `/v1/receipts/${nobodys}`, true, undefined, 404, 'not_found'],
    ['GET', '/v1/nothing', true, undefined, 404, 'not_found'],
    ['GET', '/', false, undefined, 404, 'not_found'],
  ])('law: %s %s (a known caller: %s, body: %j) is answered %d %s in the form of REST', async (method, path, isKnown, body, status, code) => {
    const answer = await ask(method, path, isKnown ? known() : {}, body);
    expect([answer.status, answer.json], JSON.stringify(answer.json)).toEqual([status, { error: { code, message: expect.any(String) as string } }]);
    if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer resource_metadata=/);
  });

  test('law: a foreign page is refused in the form of the path', async () => {
    const foreign = { ...known(), origin: 'https://evil.example' };
    expect((await ask('GET', `/v1/holds/${nobodys}`, foreign)).json).toEqual({ error: { code: 'denied', message: expect.any(String) as string } });
    for (const path of ['/mcp', '/mcp/none']) expect((await ask('POST', path, foreign, '{}')).json, path).toMatchObject({ jsonrpc: '2.0', error: { code: -32001 } });
    expect((await ask('POST', '/mcp/none', known(), '{}')).json).toMatchObject({ jsonrpc: '2.0' });
  });

  test('story: a wish is told in one line which member is not as expected, and that nothing was granted', async () => {
    const messages = await Promise.all([{}, { ...wish, why: 5 }, { ...wish, minutes: 0 }, { ...wish, more: 1 }].map(async (body) => ((await ask('POST', '/v1/access-requests', known(), JSON.stringify(body))).json['error'] as { message: string }).message));
    expect(messages).toEqual([
      '`grant`: expected string, received undefined; `why`: expected string, received undefined; nothing was granted',
      '`why`: expected string, received number; nothing was granted',
      '`minutes`: Too small: expected number to be >=1; nothing was granted',
      'Unrecognized key: "more"; nothing was granted',
    ]);
    expect((await ask('GET', '/v1/grants', known())).json).toEqual([]);
  });
});
