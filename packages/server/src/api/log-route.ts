import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Entry, FlyballError, type Principal } from '@flyball/protocol';
import type { TransparencyLog } from '../ledger/index.js';
import { isTimeId } from '../lib/ids.js';
import type { Desk } from './desk.js';
import { receiptsFor } from './receipts.js';

export interface LogRouteParts {
  readonly log: TransparencyLog;
  readonly desk: Pick<Desk, 'receipt' | 'receipts'>;
  find(id: string): Promise<Entry | undefined>;
  /** The reference of a person, by which entries name them. */
  refOf(person: string): Promise<string>;
  identify(request: IncomingMessage): Promise<Principal>;
}

const wellKnown = '/.well-known/flyball-log';
const checkpointPath = '/log/checkpoint';
const receiptsPath = '/v1/receipts/';

/**
 * What machines may see of the log: anybody its name, keys and checkpoint, and every identity the receipts of what
 * it did itself.
 */
export function logRoute(parts: LogRouteParts) {
  return async (request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> => {
    if (path !== wellKnown && path !== checkpointPath && !path.startsWith(receiptsPath)) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (path === wellKnown) send(response, 'application/json', JSON.stringify({ origin: parts.log.origin, keys: parts.log.activeKeys, history: parts.log.keys.history, checkpoint: checkpointPath }));
    else if (path === checkpointPath) send(response, 'text/plain; charset=utf-8', await parts.log.checkpoint());
    else await sendReceipts(parts, request, response, path.slice(receiptsPath.length));
    return true;
  };
}

async function sendReceipts(parts: LogRouteParts, request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
  const principal = await parts.identify(request);
  const entry = isTimeId(id) ? await parts.find(id) : undefined;
  if (!entry || !(await isOwn(entry, principal, parts))) throw noReceipt();
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const [type, text] = await receiptsFor(parts.desk, id, searchParams).catch(notYet);
  send(response, type, text);
}

/** The same answer for an entry that is not there and for somebody else's. */
async function isOwn(entry: Entry, { identity, onBehalfOf }: Principal, parts: LogRouteParts): Promise<boolean> {
  const body = entry.body as { readonly identity?: string; readonly on_behalf_of?: string; readonly gateway?: string };
  // What an enforcement point asked is its own, whomever it asked about.
  if (body.gateway === 'authzen') return body.identity === identity.id && onBehalfOf === undefined;
  const person = onBehalfOf === undefined ? undefined : await parts.refOf(onBehalfOf);
  return body.identity === identity.id && body.on_behalf_of === person;
}

const noReceipt = () => new FlyballError('not_found', 'no receipt: expected the id of an entry of your own that is in the log; a new one is there within a second');

/** What the desk says to administrators is of no use to a machine. */
function notYet(error: unknown): never {
  throw error instanceof FlyballError && error.code === 'not_found' ? noReceipt() : error;
}

function send(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }).end(text);
}
