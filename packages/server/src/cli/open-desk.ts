import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import type { Desk } from '../api/desk.js';
import type { Config } from '../config.js';
import { administratorsAudience, findLocalKey, operatorName, signLocalToken } from '../identity/index.js';
import { httpAddress } from '../lib/http-address.js';
import type { Governor } from '../wiring.js';
import { whoAnswers } from './own-server.js';
import { RemoteDesk } from './remote-desk.js';

const tokenMs = 60_000;

/** The desk of the server that runs with this configuration; without one, the store itself, opened for this command. */
export async function withDesk<T>(config: Config, person: string | undefined, use: (desk: Desk) => Promise<T>): Promise<T> {
  const base = runningAt(config);
  const key = findLocalKey(config.data);
  const found = await whoAnswers(base, key);
  if (found === 'own' && key) {
    const token = await signLocalToken(key, { subject: person ?? operatorName, audience: administratorsAudience, nowMs: Date.now(), ttlMs: tokenMs });
    return use(new RemoteDesk(base, token));
  }
  const governor = await ownStore(config, found === 'stranger' ? base : undefined);
  try {
    return await use(governor.desk);
  } finally {
    await governor.close();
  }
}

/** @param stranger where somebody else answers, of whom the person may think that it is their server */
async function ownStore(config: Config, stranger: string | undefined): Promise<Governor> {
  const { openGovernor } = await import('../wiring.js');
  try {
    return await openGovernor(config, () => undefined, true);
  } catch (error) {
    if (stranger === undefined || !(error instanceof FlyballError) || error.code !== 'store_locked') throw error;
    const who = `\`${stranger}\` answers, but not with the key of this installation (local-issuer.pem in \`${config.data}\`): it belongs to another installation, or to this one and was started before the key was replaced; nothing was sent to it`;
    throw new FlyballError('store_locked', `${error.message}\n${who}`, { cause: error });
  }
}

/** Where a running server says it can be reached by administrators. */
export const listeningFile = (data: string): string => join(data, 'listening.json');

function runningAt(config: Config): string {
  try {
    return (JSON.parse(readFileSync(listeningFile(config.data), 'utf8')) as { administrators: string }).administrators;
  } catch {
    return httpAddress(config.administrators.host, config.administrators.port);
  }
}
