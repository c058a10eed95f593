import type { Desk } from '../api/desk.js';
import type { Config } from '../config.js';
import { loadLocalKey, signLocalToken } from '../identity/index.js';
import { administratorsAudience, operatorName } from '../serve.js';
import { openGovernor } from '../wiring.js';
import { RemoteDesk } from './remote-desk.js';

const tokenMs = 60_000;

/** The desk of the server that runs with this configuration; without one, the store itself, opened for this command. */
export async function withDesk<T>(config: Config, person: string | undefined, use: (desk: Desk) => Promise<T>): Promise<T> {
  const { host, port } = config.administrators;
  const base = `http://${host}:${port}`;
  if (await answers(base)) {
    const token = await signLocalToken(loadLocalKey(config.data), { subject: person ?? operatorName, audience: administratorsAudience, nowMs: Date.now(), ttlMs: tokenMs });
    return use(new RemoteDesk(base, token));
  }
  const governor = await openGovernor(config, () => undefined);
  try {
    return await use(governor.desk);
  } finally {
    await governor.close();
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
