import { FlyballError } from '@flyball/protocol';
import { isNonce } from '../identity/index.js';
import type { Route } from './route.js';

/**
 * The server proves to the `flyball` command that it belongs to the command's own installation, before the command shows
 * it a token: on a port of this machine anybody may listen.
 *
 * @param prove the proof for a nonce
 */
export const installationRoute = (prove: (nonce: string) => Promise<string>): Route => ({
  method: 'GET',
  path: '/v1/installation',
  right: 'anyone',
  answer: async (c) => {
    const nonce = c.req.query('nonce') ?? '';
    if (!isNonce(nonce)) throw new FlyballError('request_malformed', 'expected a `nonce` of 16 to 128 letters, digits, `-` and `_`');
    return c.json({ proof: await prove(nonce) });
  },
});
