import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, FlyballError, type Principal } from '@flyball/protocol';
import type { z } from 'zod';
import { type AccessAnswer, type AccessRequests, type Asker, forMachine, type GrantHolder, type Grants, type ShownGrant } from '../approval/index.js';
import { limits } from '../lib/limits.js';
import { answerJson, wishBody } from './access-requests.js';
import { httpStatusOf } from './http-status.js';
import { isMethod, readWish } from './rest.js';

export interface MachinesAccess {
  readonly requests: Pick<AccessRequests, 'ask' | 'simulate'>;
  readonly grants: Pick<Grants, 'ofIdentity' | 'return'>;
  /** What a caller showed: the request itself looks at it again. */
  askerOf(request: IncomingMessage): Asker;
  /** As `identify`, for whoever goes on to ask. */
  verifyCaller(request: IncomingMessage): Promise<unknown>;
  /** Whoever is refused here is refused in the record. Throws `unauthenticated` or `identity_refused`. */
  identify(request: IncomingMessage): Promise<Principal>;
}

const requestsPath = '/v1/access-requests';
const grantsPath = '/v1/grants';

/**
 * What a machine asks for itself: `POST /v1/access-requests`, `POST /v1/access-requests/simulate`, `GET /v1/grants`, and
 * `DELETE /v1/grants/ID` gives one back. How a request waits is told by `/v1/holds/ID`, as of every other attempt.
 */
export function accessRequestsRoute(access: MachinesAccess) {
  return async (request: IncomingMessage, response: ServerResponse, at: string, readBody: () => Promise<Uint8Array>): Promise<boolean> => {
    switch (at) {
      case requestsPath:
        if (isMethod('POST', request, response)) send(response, ...(await ask(access, request, readBody)));
        return true;
      case `${requestsPath}/simulate`:
        if (isMethod('POST', request, response)) send(response, 200, forMachine(await access.requests.simulate(access.askerOf(request), await wishOf(access, request, readBody))));
        return true;
      case grantsPath:
        if (isMethod('GET', request, response)) send(response, 200, (await access.grants.ofIdentity(holder(await access.identify(request)))).map(row));
        return true;
      default:
        if (!at.startsWith(`${grantsPath}/`)) return false;
        if (isMethod('DELETE', request, response)) {
          const id = at.slice(grantsPath.length + 1);
          send(response, 200, { grant: id, returned: (await access.grants.return(id, holder(await access.identify(request)))).id });
        }
        return true;
    }
  };
}

async function ask(access: MachinesAccess, request: IncomingMessage, readBody: () => Promise<Uint8Array>): Promise<readonly [number, object]> {
  const answer = await access.requests.ask(access.askerOf(request), await wishOf(access, request, readBody));
  return [statusOf(answer), answerJson(answer)];
}

/** Nothing is said of a body to whom nobody knows. */
async function wishOf({ verifyCaller }: MachinesAccess, request: IncomingMessage, readBody: () => Promise<Uint8Array>): Promise<z.infer<typeof wishBody>> {
  await verifyCaller(request);
  const body = await readBody();
  if (body.byteLength > limits.accessRequestBytesMax) throw new FlyballError('request_too_large', `expected at most ${limits.accessRequestBytesMax} bytes`);
  return readWish(wishBody, body, 'nothing was granted');
}

function statusOf(answer: AccessAnswer): number {
  switch (answer.kind) {
    case 'granted':
      return 201;
    case 'waiting':
      return 202;
    case 'refused':
      return faults.has(answer.error.code) ? httpStatusOf(answer.error.code) : 403;
    case 'broken':
      return answer.effect === 'failed' ? 409 : 503;
  }
}

/** Of the request or of this server. Every other refusal is a no, and says no more by its status. */
const faults: ReadonlySet<ErrorCode> = new Set(['unauthenticated', 'request_malformed', 'conflict', 'store_unavailable', 'overloaded', 'internal']);

const holder = ({ identity, onBehalfOf }: Principal): GrantHolder => ({ identity: identity.id, onBehalfOf });

const row = ({ id, name, why, rollback, openedAtMs, untilMs }: ShownGrant) => ({ id, grant: name, why, ...(rollback !== undefined && { rollback }), opened: new Date(openedAtMs).toISOString(), until: new Date(untilMs).toISOString() });

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(value));
}
