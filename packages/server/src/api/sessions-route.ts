import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '@flyball/protocol';
import { z } from 'zod';
import type { Sessions } from '../session/index.js';
import { readWish, sendNotAllowed } from './rest.js';

const wish = z.strictObject({ purpose: z.string().min(1).max(2_000).optional(), capabilities: z.array(z.string().min(1).max(256)).max(200).optional(), ttl_seconds: z.number().int().min(1).max(86_400).optional() });

const path = '/v1/sessions';

/** `POST /v1/sessions` opens a session for the caller's task; `DELETE /v1/sessions/ID` ends it. */
export function sessionsRoute(sessions: Sessions, identify: (request: IncomingMessage) => Promise<Principal>) {
  return async (request: IncomingMessage, response: ServerResponse, at: string, readBody: () => Promise<Uint8Array>): Promise<boolean> => {
    if (at !== path && !at.startsWith(`${path}/`)) return false;
    const principal = await identify(request);
    if (request.method === 'POST' && at === path) {
      const { purpose, capabilities, ttl_seconds: ttl } = readWish(wish, await readBody(), 'no session was opened');
      const state = await sessions.open(principal, { purpose, capabilities, ttlMs: ttl === undefined ? undefined : ttl * 1_000 });
      send(response, 201, { session: state.id, purpose: state.purpose, capabilities: state.capabilities, expires_at: new Date(state.deadlineMs).toISOString(), header: 'Flyball-Session' });
      return true;
    }
    if (request.method === 'DELETE' && at.startsWith(`${path}/`)) {
      await sessions.end(at.slice(path.length + 1), principal);
      send(response, 200, { ended: true });
      return true;
    }
    sendNotAllowed(response, at === path ? 'POST' : 'DELETE');
    return true;
  };
}

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
