import type { IncomingMessage, ServerResponse } from 'node:http';
import { FlyballError } from '@flyball/protocol';
import { callbackBytesMax, type Notifier } from '../approval/index.js';

const path = /^\/v1\/channels\/([a-z][a-z0-9-]{0,31})\/slack$/;
const form = 'application/x-www-form-urlencoded';

/** `POST /v1/channels/NAME/slack`: what Slack says when somebody pressed a button. Whose it is shows its signature; nothing else is asked for. */
export function channelsRoute(notifier: Pick<Notifier, 'takeSlack'>) {
  return async (request: IncomingMessage, response: ServerResponse, at: string, readBody: () => Promise<Uint8Array>): Promise<boolean> => {
    const name = path.exec(at)?.[1];
    if (name === undefined) return false;
    if (request.method !== 'POST') {
      response.writeHead(405, { allow: 'POST' }).end();
      return true;
    }
    if (!(request.headers['content-type'] ?? '').toLowerCase().startsWith(form)) throw new FlyballError('request_malformed', `expected content-type ${form}`);
    // Before a byte of it is read: nobody knows yet who sends it.
    if (Number(request.headers['content-length'] ?? Infinity) > callbackBytesMax) throw new FlyballError('request_too_large', `expected a length of at most ${callbackBytesMax} bytes`);
    const header = (wanted: string) => {
      const value = request.headers[wanted];
      return typeof value === 'string' ? value : undefined;
    };
    await notifier.takeSlack(name, header, await readBody());
    response.writeHead(200).end();
    return true;
  };
}
