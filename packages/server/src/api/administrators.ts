import { FlyballError } from '@flyball/protocol';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Desk } from './desk.js';
import { receiptsFor } from './receipts.js';

/** Who an administrator's token says they are. */
export type AuthenticatePerson = (token: string) => Promise<{ readonly person: string; readonly operator: boolean; readonly administrator: boolean }>;

const answerBody = z.strictObject({ agrees: z.boolean(), reason: z.string().max(2_000).default('') });
const acceptBody = z.strictObject({ upstream: z.string().min(1), tool: z.string().min(1) });
const retireBody = z.strictObject({ key: z.string().min(1) });
const eraseBody = z.strictObject({ person: z.string().min(1).optional(), session: z.string().min(1).optional(), entries: z.array(z.string()).max(1_000).optional(), containing: z.string().min(3).optional() });
const bodyBytesMost = 64 * 1024;

type Person = Awaited<ReturnType<AuthenticatePerson>>;
type Env = { Variables: { person: Person } };

/** The administrators' API. Every route needs a person's token; none of them takes a cookie, so no page can forge one. */
export function administratorsApi(desk: Desk, authenticate: AuthenticatePerson, allowedHosts: ReadonlySet<string>): Hono<Env> {
  const app = new Hono<Env>();
  app.use('*', async (c, next) => {
    if (!allowedHosts.has((c.req.header('host') ?? '').toLowerCase()) || c.req.header('origin') !== undefined) return c.json({ error: { code: 'denied', message: 'requests from this host or origin are not taken' } }, 403);
    const token = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (token === undefined) throw new FlyballError('unauthenticated', 'expected a bearer token of an administrator');
    c.set('person', await authenticate(token));
    await next();
  });
  app.use('*', bodyLimit({ maxSize: bodyBytesMost, onError: (c) => c.json({ error: { code: 'request_too_large', message: `expected at most ${bodyBytesMost} bytes` } }, 413) }));
  app.get('/v1/status', async (c) => c.json(await desk.status()));
  app.get('/v1/sessions', async (c) => c.json(await desk.sessions(most(c))));
  app.get('/v1/actions', async (c) => c.json(await desk.actions(most(c), c.req.query('session'))));
  app.get('/v1/actions/:id', async (c) => c.json(await desk.explain(c.req.param('id'))));
  app.get('/v1/holds', async (c) => c.json(await desk.holds()));
  app.post('/v1/holds/:id/answer', async (c) => {
    const { agrees, reason } = await body(c, answerBody);
    return c.json(await desk.answer(c.req.param('id'), c.get('person').person, agrees, reason));
  });
  app.get('/v1/tools', async (c) => c.json(await desk.tools()));
  app.post('/v1/tools/accept', async (c) => {
    const { upstream, tool } = await body(c, acceptBody);
    return c.json(await desk.acceptTool(upstream, tool, mayAdminister(c)));
  });
  app.post('/v1/bundle/reload', async (c) => {
    mayAdminister(c);
    return c.json(await desk.reload());
  });
  logRoutes(app, desk);
  app.notFound((c) => c.json({ error: { code: 'not_found', message: 'no such route' } }, 404));
  app.onError((error, c) => {
    const known = error instanceof FlyballError ? error : new FlyballError('internal', 'an internal error occurred; nothing was changed', { cause: error });
    return c.json({ error: { code: known.code, message: known.message } }, statusOf(known));
  });
  return app;
}

/** The log's files, receipts, keys, and what may be erased beside it. */
function logRoutes(app: Hono<Env>, desk: Desk): void {
  app.get('/v1/log', async (c) => c.json(await desk.log()));
  app.get('/v1/log/checkpoint', async (c) => c.text(new TextDecoder().decode(await desk.logFile('checkpoint'))));
  app.get('/v1/log/bodies', async (c) => {
    mayAdminister(c);
    return c.json(await desk.bodies(c.req.query('after') ?? '', most(c)));
  });
  app.get('/v1/log/tile/*', async (c) => c.body(new Uint8Array(await desk.logFile(c.req.path.slice('/v1/log/'.length))), 200, { 'content-type': 'application/octet-stream', 'cache-control': 'max-age=31536000, immutable' }));
  app.post('/v1/log/keys/retire', async (c) => {
    mayAdminister(c);
    return c.json(await desk.retireKey((await body(c, retireBody)).key));
  });
  app.get('/v1/receipts/:id', async (c) => {
    const [type, text] = await receiptsFor(desk, c.req.param('id'), new URL(c.req.url).searchParams);
    return c.body(text, 200, { 'content-type': type });
  });
  app.post('/v1/erase', async (c) => {
    const person = mayAdminister(c);
    return c.json({ ...(await desk.erase(await body(c, eraseBody), person)) });
  });
}

function mayAdminister(c: Context<Env>): string {
  const { person, operator, administrator } = c.get('person');
  if (!operator && !administrator) throw new FlyballError('denied', 'expected an administrator');
  return person;
}

const most = (c: Context<Env>): number => Number.parseInt(c.req.query('most') ?? '50', 10) || 50;

async function body<T>(c: Context<Env>, schema: z.ZodType<T>): Promise<T> {
  const checked = schema.safeParse(await c.req.json().catch(() => undefined));
  if (!checked.success) throw new FlyballError('request_malformed', z.prettifyError(checked.error));
  return checked.data;
}

function statusOf({ code }: FlyballError): 400 | 401 | 403 | 404 | 409 | 500 | 503 {
  switch (code) {
    case 'unauthenticated':
      return 401;
    case 'denied':
    case 'identity_refused':
    case 'approval_refused':
      return 403;
    case 'not_found':
      return 404;
    case 'conflict':
    case 'already_settled':
      return 409;
    case 'store_unavailable':
    case 'overloaded':
      return 503;
    case 'internal':
      return 500;
    default:
      return 400;
  }
}
