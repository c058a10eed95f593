import type { IncomingMessage, ServerResponse } from 'node:http';
import { FlyballError, toFlyballError } from '@flyball/protocol';
import type { z } from 'zod';
import type { OtherRoute } from '../gateway/mcp/index.js';
import { parseStrictJson } from '../lib/strict-json.js';
import { httpStatusOf } from './http-status.js';

export interface RestTerms {
  /** Where whoever has no token learns how to get one. */
  readonly challenge: string;
  /** Told what went wrong inside; whoever asked is not. */
  trouble(error: FlyballError): void;
}

/** The machines' routes that are not MCP, with what they throw as an answer: a code of docs/errors.md, its message and its status. */
export function withRestErrors(route: OtherRoute, { challenge, trouble }: RestTerms): OtherRoute {
  return async (request, response, path, readBody) => {
    try {
      return await route(request, response, path, readBody);
    } catch (thrown) {
      const error = toFlyballError(thrown);
      if (error.code === 'internal') trouble(error);
      sendError(response, error, challenge);
      return true;
    }
  };
}

function sendError(response: ServerResponse, { code, message }: FlyballError, challenge: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const status = httpStatusOf(code);
  // What is left of a body that is too large is not read.
  const more = { ...(status === 413 && { connection: 'close' }), ...(status === 401 && { 'www-authenticate': challenge }) };
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...more }).end(JSON.stringify({ error: { code, message } }));
}

/** True for the one method that a path takes; any other is answered. */
export function isMethod(method: string, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === method) return true;
  sendNotAllowed(response, method);
  return false;
}

export function sendNotAllowed(response: ServerResponse, allow: string): void {
  response.writeHead(405, { allow, 'content-type': 'application/json' }).end(JSON.stringify({ error: { code: 'request_malformed', message: `expected ${allow.replaceAll(', ', ' or ')}` } }));
}

/**
 * A body as its schema has it. Throws `request_malformed` with what was expected of which member, in one line.
 *
 * @param without what has not happened because of it
 */
export function readWish<T>(schema: z.ZodType<T>, body: Uint8Array, without: string): T {
  const checked = schema.safeParse(parseStrictJson(body));
  if (checked.success) return checked.data;
  const faults = checked.error.issues.map(({ path, message }) => `${path.length > 0 ? `\`${path.join('.')}\`: ` : ''}${message.replace(/^Invalid input: /, '')}`);
  throw new FlyballError('request_malformed', `${faults.join('; ').slice(0, faultsMost)}; ${without}`);
}

const faultsMost = 1_000;
