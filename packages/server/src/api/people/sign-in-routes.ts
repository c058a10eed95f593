import { FlyballError } from '@flyball/protocol';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { visitCookie } from '../gate.js';
import { body, type Env, type Route } from '../route.js';
import { beginningMs, type SignIn } from './sign-in.js';
import { visitMs } from './visits.js';

const startBody = z.strictObject({ return_to: z.string().max(200).default('/'), fresh: z.boolean().default(false) });
const finishBody = z.strictObject({ query: z.string().min(1).max(8_192) });

/** From nobody to somebody and back. Every step that changes something is a POST of our own page: a link, a prefetch or a picture signs nobody in. */
export function signInRoutes(signIn: SignIn, origin: string): readonly Route[] {
  const cookie = visitCookie(origin);
  const beginning = `${cookie}-start`;
  const keep = (c: Context<Env>, name: string, value: string, ms: number) => setCookie(c, name, value, { path: '/', httpOnly: true, sameSite: 'Strict', secure: origin.startsWith('https:'), maxAge: ms / 1000 });
  const drop = (c: Context<Env>, name: string) => deleteCookie(c, name, { path: '/', secure: origin.startsWith('https:') });
  const start = async (c: Context<Env>) => {
    const { return_to: returnTo, fresh } = await body(c, startBody);
    const { url, handle } = await signIn.begin(returnTo, fresh);
    keep(c, beginning, handle, beginningMs);
    return c.json({ url });
  };
  const finish = async (c: Context<Env>) => {
    const { query } = await body(c, finishBody);
    const begun = getCookie(c, beginning);
    drop(c, beginning);
    if (begun === undefined) throw new FlyballError('unauthenticated', 'this sign-in was not begun in this browser; begin again');
    const before = getCookie(c, cookie);
    const { handle, returnTo } = await signIn.finish(begun, query);
    if (before !== undefined) signIn.end(before);
    keep(c, cookie, handle, visitMs);
    return c.json({ return_to: returnTo });
  };
  const out = (c: Context<Env>) => {
    signIn.end(getCookie(c, cookie) ?? '');
    drop(c, cookie);
    return c.json({});
  };
  return [
    { method: 'POST', path: '/sign-in/start', right: 'anyone', answer: start },
    { method: 'POST', path: '/sign-in/finish', right: 'anyone', answer: finish },
    { method: 'POST', path: '/sign-out', right: 'visits', answer: out },
  ];
}

/** Who one is here, and the token that one's own pages show when they change something. */
export const meRoute: Route = {
  method: 'GET',
  path: '/v1/me',
  right: 'person',
  answer: (c) => {
    const { person, operator, administrator, auditor, visit } = c.get('caller');
    return c.json({ person, operator, administrator, auditor, ...(visit && { form_token: visit.formToken.reveal(), until: visit.untilMs, fresh_until: visit.freshUntilMs }) });
  },
};
