import type { IncomingMessage, ServerResponse } from 'node:http';
import { FlyballError, type Json, type Principal } from '@flyball/protocol';
import { z } from 'zod';
import { factsOf, type HoldOwner, type HoldStatus, type Waiting, wordsOf } from '../gateway/mcp/index.js';
import { limits } from '../lib/limits.js';
import { parseStrictJson } from '../lib/strict-json.js';
import { sendNotAllowed } from './rest.js';

const evidence = z.strictObject({ kind: z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/), value: z.unknown() });
const path = '/v1/holds/';
/** What each path below a hold takes. */
const methods: Readonly<Record<string, string>> = { '': 'GET, DELETE', wait: 'GET', evidence: 'POST' };
const secondsMost = limits.holdWaitMsMax / 1_000;

/**
 * What a machine asks about its own questions without MCP: `GET /v1/holds/ID`, `GET /v1/holds/ID/wait?seconds=N`,
 * `DELETE /v1/holds/ID` takes one back, `POST /v1/holds/ID/evidence` adds to it.
 */
export function holdsRoute(waiting: Waiting, identify: (request: IncomingMessage) => Promise<Principal>) {
  return async (request: IncomingMessage, response: ServerResponse, at: string, readBody: () => Promise<Uint8Array>): Promise<boolean> => {
    if (!at.startsWith(path)) return false;
    const { identity, onBehalfOf } = await identify(request);
    const owner: HoldOwner = { identity: identity.id, onBehalfOf };
    const [id = '', what = '', ...more] = at.slice(path.length).split('/');
    if (more.length > 0) throw noSuchHold();
    switch (`${request.method ?? ''} ${what}`) {
      case 'GET ':
        send(response, await waiting.desk.status(id, owner));
        return true;
      case 'GET wait':
        send(response, await waited(waiting, id, owner, request, response));
        return true;
      case 'DELETE ':
        send(response, await waiting.desk.cancel(id, owner));
        return true;
      case 'POST evidence':
        send(response, await attach(waiting, id, owner, await readBody()));
        return true;
      default:
        if (!Object.hasOwn(methods, what)) throw noSuchHold();
        sendNotAllowed(response, methods[what] ?? '');
        return true;
    }
  };
}

function waited(waiting: Waiting, id: string, owner: HoldOwner, request: IncomingMessage, response: ServerResponse): Promise<HoldStatus | undefined> {
  const text = new URL(request.url ?? '', 'http://machines').searchParams.get('seconds') ?? String(secondsMost);
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > secondsMost) throw new FlyballError('request_malformed', `expected \`seconds\` from 1 to ${secondsMost}`);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return waiting.settled(id, owner, seconds * 1_000, gone.signal);
}

function attach(waiting: Waiting, id: string, owner: HoldOwner, body: Uint8Array): Promise<HoldStatus> {
  if (body.byteLength > limits.evidenceBytesMax) throw new FlyballError('request_too_large', `expected at most ${limits.evidenceBytesMax} bytes of evidence`);
  const checked = evidence.safeParse(parseStrictJson(body));
  if (!checked.success || checked.data.value === undefined) throw new FlyballError('request_malformed', 'expected {"kind": "ticket", "value": …}');
  return waiting.desk.attach(id, owner, checked.data.kind, checked.data.value as Json);
}

function send(response: ServerResponse, status: HoldStatus | undefined): void {
  if (!status) throw noSuchHold();
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify({ ...factsOf(status), next: wordsOf(status, 'rest') }));
}

const noSuchHold = () => new FlyballError('not_found', 'no such hold');
