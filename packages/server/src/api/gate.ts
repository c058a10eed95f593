import { FlyballError } from '@flyball/protocol';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Visit } from './people/visits.js';
import { type Caller, type Env, expectedOf, mayAsk, type Right } from './route.js';

/** How people prove who they are on the administrators' listener. */
export interface Gate {
  /** Names under which the listener answers; a browser that was told another name is not answered. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Who a bearer token says they are. Throws `unauthenticated` or `identity_refused`. */
  token(token: string): Promise<Caller>;
  /** Own pages, if people can sign in with a browser. */
  readonly pages?: {
    readonly origin: string;
    visit(handle: string, byItself: boolean): { readonly caller: Caller; readonly visit: Visit } | undefined;
  };
}

/** Name of the cookie with a visit's handle. `__Host-` keeps it from being set by a neighbour or without TLS, where there is any. */
export const visitCookie = (origin: string): string => (origin.startsWith('https:') ? '__Host-flyball' : 'flyball');
export const formTokenHeader = 'flyball-form-token';
/** On what a page asks without a person having done anything. */
const byItselfHeader = 'flyball-by-itself';

/** Every request comes by here: under a name of ours, and from no page but our own. */
export const fromOwnPlace =
  ({ allowedHosts, pages }: Gate): MiddlewareHandler<Env> =>
  async (c, next) => {
    const origin = c.req.header('origin');
    // Who has a token is no page, so a token that comes from one is stolen or lent to it.
    const isOwnPage = pages !== undefined && origin === pages.origin && c.req.header('authorization') === undefined;
    if (!allowedHosts.has((c.req.header('host') ?? '').toLowerCase()) || (origin !== undefined && !isOwnPage)) return c.json({ error: { code: 'denied', message: 'requests from this host or origin are not taken' } }, 403);
    return next();
  };

/** Lets in who may ask for a route, and nobody else. */
export const mayEnter =
  (gate: Gate, right: Right): MiddlewareHandler<Env> =>
  async (c, next) => {
    if (right === 'anyone') {
      if (changes(c)) verifyOwnPage(c, gate);
    } else {
      const caller = await callerOf(c, gate);
      if (!mayAsk[right](caller)) throw new FlyballError('denied', `expected ${expectedOf[right]}`);
      c.set('caller', caller);
    }
    return next();
  };

async function callerOf(c: Context<Env>, gate: Gate): Promise<Caller> {
  const authorization = c.req.header('authorization');
  if (authorization === undefined) return byCookie(c, gate);
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthenticated();
  return gate.token(token);
}

/**
 * A browser sends its cookie with whatever any page makes it ask. So a cookie is believed only when the browser says that our
 * own page asks, and changes something only with the token that no other page can read.
 */
function byCookie(c: Context<Env>, gate: Gate): Caller {
  const handle = gate.pages && getCookie(c, visitCookie(gate.pages.origin));
  const found = handle === undefined ? undefined : gate.pages?.visit(handle, c.req.header(byItselfHeader) !== undefined);
  if (!found) throw unauthenticated();
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') throw notOurs();
  if (changes(c)) {
    verifyOwnPage(c, gate);
    if (!found.visit.formToken.equals(c.req.header(formTokenHeader) ?? '')) throw notOurs();
  }
  return { ...found.caller, visit: found.visit };
}

function verifyOwnPage(c: Context<Env>, { pages }: Gate): void {
  if (!pages || c.req.header('origin') !== pages.origin) throw notOurs();
}

const changes = (c: Context<Env>): boolean => c.req.method !== 'GET' && c.req.method !== 'HEAD';

const unauthenticated = () => new FlyballError('unauthenticated', 'expected a bearer token of an administrator, or a browser that is signed in');
const notOurs = () => new FlyballError('denied', 'expected a request from a page of this server, with its token; nothing was changed');
