import { digestOf, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import { malformed } from './read-request.js';

/** Where in a result a request begins, and how much of it is wanted. */
export interface PageWish {
  readonly after: string | undefined;
  readonly limit: number;
}

const tokenBytesMax = 4_096;

/**
 * The page that a request asks for (API 1.0, section 8.2). A token goes on from an earlier page of the very same request:
 * whoever changed anything begins anew. It is bound by a digest and no secret: made up, it only begins elsewhere in what
 * its holder is shown anyway.
 *
 * @param question whose request it is and what it says, apart from the page
 */
export function readPage({ page }: JsonObject, question: Json): PageWish {
  if (page === undefined) return { after: undefined, limit: limits.searchPageMax };
  if (!isObject(page)) throw malformed('`page` as an object');
  const { token, limit } = page;
  if (limit !== undefined && !(typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 0)) throw malformed('`page.limit` as an integer that is not negative');
  if (token === undefined || token === '') return { after: undefined, limit: Math.min(limit ?? limits.searchPageMax, limits.searchPageMax) };
  const known = typeof token === 'string' && token.length <= tokenBytesMax ? readToken(token, question) : undefined;
  if (!known) throw malformed('`page.token` as it was given, with the request that it was given for');
  if (limit !== undefined && Math.min(limit, limits.searchPageMax) !== known.limit) throw malformed('`page.limit` to stay what it was on the first page');
  return known;
}

/** The token of the next page. */
export function tokenFor(after: string, limit: number, question: Json): string {
  return Buffer.from(JSON.stringify([after, limit, sealOf(after, limit, question)])).toString('base64url');
}

function readToken(token: string, question: Json): PageWish | undefined {
  try {
    const parts = parseStrictJson(Buffer.from(token, 'base64url'), tokenBytesMax);
    const [after, limit] = Array.isArray(parts) ? (parts as readonly Json[]) : [];
    if (typeof after !== 'string' || typeof limit !== 'number') return undefined;
    return tokenFor(after, limit, question) === token ? { after: after === '' ? undefined : after, limit } : undefined;
  } catch {
    return undefined;
  }
}

const sealOf = (after: string, limit: number, question: Json): string => digestOf({ after, limit, question });
