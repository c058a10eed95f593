import { FlyballError } from '@flyball/protocol';
import { type Config, resourceOf } from '../config.js';
import { loadLocalKey, signLocalToken } from '../identity/index.js';

const secondsMost = 86_400;

export async function token(config: Config, identity: string, { ttl, onBehalfOf }: { readonly ttl: string; readonly onBehalfOf?: string }, out: (line: string) => void): Promise<void> {
  const seconds = Number(ttl);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > secondsMost) throw new FlyballError('usage', `expected --ttl as seconds from 1 to ${secondsMost}`);
  if (!config.identity.local) throw new FlyballError('config_invalid', 'tokens of the local key are not accepted here; set `identity: { local: true }` in the configuration to try things out');
  const wish = { subject: identity, audience: resourceOf(config), nowMs: Date.now(), ttlMs: seconds * 1_000, ...(onBehalfOf !== undefined && { onBehalfOf }) };
  out(await signLocalToken(loadLocalKey(config.data), wish));
}
