import { FlyballError } from '@flyball/protocol';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Desk } from './desk.js';
import { fromOwnPlace, type Gate, mayEnter } from './gate.js';
import { httpStatusOf } from './http-status.js';
import { receiptsFor } from './receipts.js';
import { body, type Env, most, part, type Route } from './route.js';

const acceptBody = z.strictObject({ upstream: z.string().min(1), tool: z.string().min(1) });
const retireBody = z.strictObject({ key: z.string().min(1) });
const eraseBody = z.strictObject({ person: z.string().min(1).optional(), session: z.string().min(1).optional(), entries: z.array(z.string()).max(1_000).optional(), containing: z.string().min(3).optional() });
const bodyBytesMost = 64 * 1024;

/** The administrators' API: rows of routes, each with who may ask for it. What has no row is not there. */
export function administratorsApi(gate: Gate, routes: readonly Route[]): Hono<Env> {
  const app = new Hono<Env>();
  app.use('*', async (c, next) => {
    await next();
    c.header('x-content-type-options', 'nosniff');
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store');
  });
  app.use('*', fromOwnPlace(gate));
  const bounded = bodyLimit({ maxSize: bodyBytesMost, onError: (c) => c.json({ error: { code: 'request_too_large', message: `expected at most ${bodyBytesMost} bytes` } }, 413) });
  for (const { method, path, right, answer } of routes) app.on(method, path, mayEnter(gate, right), bounded, (c) => answer(c));
  app.notFound((c) => c.json({ error: { code: 'not_found', message: 'no such route' } }, 404));
  app.onError((error, c) => {
    const known = error instanceof FlyballError ? error : new FlyballError('internal', 'an internal error occurred; nothing was changed', { cause: error });
    return c.json({ error: { code: known.code, message: known.message } }, httpStatusOf(known.code));
  });
  return app;
}

export const deskRoutes = (desk: Desk): readonly Route[] => [
  { method: 'GET', path: '/v1/status', right: 'reads', answer: async (c) => c.json(await desk.status()) },
  { method: 'GET', path: '/v1/sessions', right: 'reads', answer: async (c) => c.json(await desk.sessions(most(c))) },
  { method: 'GET', path: '/v1/actions', right: 'reads', answer: async (c) => c.json(await desk.actions(most(c), c.req.query('session'))) },
  { method: 'GET', path: '/v1/actions/:id', right: 'reads', answer: async (c) => c.json(await desk.explain(part(c, 'id'))) },
  { method: 'GET', path: '/v1/holds', right: 'reads', answer: async (c) => c.json(await desk.holds()) },
  { method: 'GET', path: '/v1/tools', right: 'reads', answer: async (c) => c.json(await desk.tools()) },
  {
    method: 'POST',
    path: '/v1/tools/accept',
    right: 'administers',
    answer: async (c) => {
      const { upstream, tool } = await body(c, acceptBody);
      return c.json(await desk.acceptTool(upstream, tool, c.get('caller').person));
    },
  },
  { method: 'POST', path: '/v1/bundle/reload', right: 'administers', answer: async (c) => c.json(await desk.reload()) },
  ...logRoutes(desk),
];

/** The log's files, receipts, keys, and what may be erased beside it. */
const logRoutes = (desk: Desk): readonly Route[] => [
  { method: 'GET', path: '/v1/log', right: 'reads', answer: async (c) => c.json(await desk.log()) },
  { method: 'GET', path: '/v1/log/checkpoint', right: 'reads', answer: async (c) => c.text(new TextDecoder().decode(await desk.logFile('checkpoint'))) },
  { method: 'GET', path: '/v1/log/bodies', right: 'reads', answer: async (c) => c.json(await desk.bodies(c.req.query('after') ?? '', most(c))) },
  {
    method: 'GET',
    path: '/v1/log/tile/*',
    right: 'reads',
    answer: async (c) => c.body(new Uint8Array(await desk.logFile(c.req.path.slice('/v1/log/'.length))), 200, { 'content-type': 'application/octet-stream', 'cache-control': 'private, max-age=31536000, immutable' }),
  },
  { method: 'POST', path: '/v1/log/keys/retire', right: 'administers', answer: async (c) => c.json(await desk.retireKey((await body(c, retireBody)).key)) },
  {
    method: 'GET',
    path: '/v1/receipts/:id',
    right: 'reads',
    answer: async (c) => {
      const [type, text] = await receiptsFor(desk, part(c, 'id'), new URL(c.req.url).searchParams);
      return c.body(text, 200, { 'content-type': type });
    },
  },
  { method: 'POST', path: '/v1/erase', right: 'administers', answer: async (c) => c.json({ ...(await desk.erase(await body(c, eraseBody), c.get('caller').person)) }) },
];
