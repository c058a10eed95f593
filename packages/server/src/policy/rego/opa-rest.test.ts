import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { json, localServer, type LocalServer } from '../../../../../test/support/identity-kit.js';
import { compile, decided, policyOf, situated } from '../../../../../test/support/policy-kit.js';
import { limits } from '../../lib/limits.js';
import { Secret } from '../../lib/secret.js';
import { decideByServer } from './decide-by-rego.js';
import { OpaServer } from './opa-rest.js';

const permit = '@id("all") permit (principal, action, resource);';
const policies = [{ id: 'a' }];
const allowed = { result: { outcome: 'allow', policies } };

const servers: LocalServer[] = [];
const opas: OpaServer[] = [];
afterEach(async () => {
  await Promise.all(opas.splice(0).map((opa) => opa.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function opaAt(answer: (request: IncomingMessage, response: ServerResponse) => void, path = ''): Promise<OpaServer> {
  const server = await localServer(answer);
  servers.push(server);
  const opa = new OpaServer({ url: `${server.url}${path}`, token: new Secret('hunter2'), timeoutMs: 400 });
  opas.push(opa);
  return opa;
}
const decide = async (opa: OpaServer, attempt = {}) => (await policyOf(compile(permit), undefined, opa).decide(situated(attempt))).decision;

test('story: OPA is asked by its own API, with the token, about the attempt', async () => {
  const seen: { method: string; url: string; token: string; input: Record<string, unknown> }[] = [];
  const opa = await opaAt((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', token: request.headers.authorization ?? '', input: (JSON.parse(body) as { input: Record<string, unknown> }).input });
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ decision_id: '1', ...allowed }));
    });
  }, '/opa/');
  expect(await decide(opa, { args: { amount: 12.5 } })).toMatchObject({ outcome: 'allow', verdicts: [{ policy: 'all' }, { policy: 'opa/a' }] });
  expect(seen).toMatchObject([{ method: 'POST', url: '/opa/v1/data/flyball/decision', token: 'Bearer hunter2', input: { action: { name: 'payment.release' }, resource: { type: 'tool', id: 'pay' }, context: { args: { amount: 12.5 } } } }]);
});

test('story: for each resource OPA is asked, and one denial denies all', async () => {
  let asked = 0;
  const opa = await opaAt((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => {
      asked++;
      const { input } = JSON.parse(body) as { input: { resource: { id: string } } };
      response.writeHead(200).end(JSON.stringify({ result: { outcome: input.resource.id === 'b' ? 'deny' : 'allow', policies } }));
    });
  });
  expect(await decide(opa, { tool: 'copy', args: { source: 'a', destination: 'b' } })).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
  expect(asked).toBe(2);
});

describe('an OPA that does not answer as it should: nothing is allowed', () => {
  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['silence', () => undefined],
    ['a broken connection', (request) => request.socket.destroy()],
    ['status 500 beside an allow', json(allowed, 500)],
    ['status 401', json({ code: 'unauthorized' }, 401)],
    ['a redirect', (_request, response) => response.writeHead(307, { location: '/v1/data/flyball/decision' }).end()],
    ['no result', json({})],
    ['a result that is nothing', json({ result: null })],
    ['a result by inheritance only', (_request, response) => response.writeHead(200).end(`{"__proto__":${JSON.stringify(allowed)}}`)],
    ['true', json({ result: true })],
    ['a bare outcome', json({ outcome: 'allow', policies })],
    ['a list', json([allowed])],
    ['text', json('allow')],
    ['an unknown outcome', json({ result: { outcome: 'yes', policies } })],
    ['allow and deny at once', (_request, response) => response.writeHead(200).end('{"result":{"outcome":"deny","outcome":"allow","policies":[{"id":"a"}]}}')],
    ['two results at once', (_request, response) => response.writeHead(200).end(`{"result":false,"result":${JSON.stringify(allowed.result)}}`)],
    ['an allow behind a megabyte of nothing', (_request, response) => response.writeHead(200).end(`${' '.repeat(1 << 20)}${JSON.stringify(allowed)}`)],
    ['an allow that is too large', json({ result: { outcome: 'allow', policies: [{ id: 'a', reason: 'x'.repeat(limits.regoResultBytesMax) }] } })],
  ])('attack: %s', async (_name, answer) => {
    const start = performance.now();
    const decision = await decide(await opaAt(answer));
    expect(decision).toMatchObject({ outcome: 'deny', kind: 'guard_broken', verdicts: [{ policy: 'all' }, { policy: 'opa/decision', effect: 'forbid', result: 'error', error: expect.stringContaining('expected') as string }] });
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  test('attack: an OPA that allowed before it went away allows nothing any more', async () => {
    let up = true;
    const opa = await opaAt((request, response) => (up ? json(allowed)(request, response) : request.socket.destroy()));
    expect(await decide(opa)).toMatchObject({ outcome: 'allow' });
    up = false;
    expect(await decide(opa)).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
    up = true;
    expect(await decide(opa)).toMatchObject({ outcome: 'allow' });
  });

  test('attack: an OPA that answers for one resource and not for the other', async () => {
    let asked = 0;
    const opa = await opaAt((request, response) => (asked++ === 0 ? json(allowed)(request, response) : undefined));
    expect(await decide(opa, { tool: 'copy', args: { source: 'a', destination: 'b' } })).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });

  test('attack: an attempt at more resources than the bound asks nothing at all', async () => {
    let asked = 0;
    const opa = await opaAt((request, response) => {
      asked++;
      json(allowed)(request, response);
    });
    const bundle = compile(permit);
    const { inputs } = await decided(bundle);
    const many = { ...inputs, resources: Array.from({ length: limits.regoResourcesMax + 1 }, (_, i) => ({ type: 'object', id: String(i) })) };
    expect(await decideByServer(many, opa, bundle)).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
    expect(asked).toBe(0);
  });
});
