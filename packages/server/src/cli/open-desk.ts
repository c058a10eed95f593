import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desk } from '../api/desk.js';
import type { Config } from '../config.js';
import { loadLocalKey, signLocalToken } from '../identity/index.js';
import { administratorsAudience, operatorName } from '../serve.js';
import { openGovernor } from '../wiring.js';
import { RemoteDesk } from './remote-desk.js';

const tokenMs = 60_000;

/** The desk of the server that runs with this configuration; without one, the store itself, opened for this command. */
export async function withDesk<T>(config: Config, person: string | undefined, use: (desk: Desk) => Promise<T>): Promise<T> {
  const base = runningAt(config);
  if (await answers(base)) {
    const token = await signLocalToken(loadLocalKey(config.data), { subject: person ?? operatorName, audience: administratorsAudience, nowMs: Date.now(), ttlMs: tokenMs });
    return use(new RemoteDesk(base, token));
  }
  const governor = await openGovernor(config, () => undefined, true);
  try {
    return await use(governor.desk);
  } finally {
    await governor.close();
  }
}

/** Where a running server says it can be reached by administrators. */
export const listeningFile = (data: string): string => join(data, 'listening.json');

function runningAt(config: Config): string {
  try {
    return (JSON.parse(readFileSync(listeningFile(config.data), 'utf8')) as { administrators: string }).administrators;
  } catch {
    return `http://${config.administrators.host}:${config.administrators.port}`;
  }
}

async function answers(base: string): Promise<boolean> {
  try {
    await fetch(`${base}/v1/status`, { signal: AbortSignal.timeout(2_000), redirect: 'error' });
    return true;
  } catch {
    return false;
  }
}
