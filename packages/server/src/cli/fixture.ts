import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlyballError } from '@flyball/protocol';
import { type Config, type Environment, loadConfig, resourceOf } from '../config.js';
import { loadLocalKey, signLocalToken } from '../identity/index.js';
import { selfSigned } from '../lib/self-signed.js';

const certificateDays = 30;
/** The identity that a fixture's bundle registers for runners. */
const identity = 'harness';
const tokenMs = 24 * 60 * 60_000;
const portMost = 65_535;

/** Folders with ready bundles: in the package, or in the repository. */
const places = ['../../examples', '../../../../examples'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/**
 * The configuration of a ready-made example that others can be pointed at. Its data is in the working directory, and it
 * is served over HTTPS with a certificate that is made for it. Throws `usage` for an example that is not there.
 *
 * @param port where it listens, if not where the example says
 */
export function fixtureConfig(name: string, port: string | undefined, environment: Environment): Config {
  const place = places.find((folder) => existsSync(join(folder, name, 'flyball.yaml')));
  if (!place || !/^[a-z0-9-]+$/.test(name)) throw new FlyballError('usage', `no fixture \`${name}\`; there are ${known().join(', ')}`);
  const data = resolve(environment['FLYBALL_DATA_DIR'] ?? join('.flyball', name));
  const config = loadConfig(join(place, name, 'flyball.yaml'), environment);
  const tls = certificateIn(data);
  if (port === undefined) return { ...config, data, machines: { ...config.machines, tls } };
  const chosen = Number(port);
  if (!Number.isInteger(chosen) || chosen < 1 || chosen > portMost) throw new FlyballError('usage', `expected --port as a number from 1 to ${portMost}`);
  return { ...config, data, resource: `https://localhost:${chosen}`, machines: { ...config.machines, port: chosen, tls }, administrators: { ...config.administrators, port: 0 } };
}

const known = (): readonly string[] => [...new Set(places.filter((place) => existsSync(place)).flatMap((place) => readdirSync(place).filter((name) => existsSync(join(place, name, 'flyball.yaml')))))].sort();

/** A certificate and its key for this start. */
function certificateIn(data: string): { readonly cert: string; readonly key: string } {
  const files = { cert: join(data, 'tls-cert.pem'), key: join(data, 'tls-key.pem') };
  const made = selfSigned(Date.now(), certificateDays);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(files.cert, made.cert);
  writeFileSync(files.key, made.key, { mode: 0o600 });
  return files;
}

/** What whoever points a runner at the fixture has to know. The token is of this installation's own key and ends within a day. */
export async function fixtureWelcome(config: Config): Promise<string> {
  const token = await signLocalToken(loadLocalKey(config.data), { subject: identity, audience: resourceOf(config), nowMs: Date.now(), ttlMs: tokenMs });
  return [`policy decision point: ${new URL(resourceOf(config)).origin}`, `certificate: ${config.machines.tls?.cert ?? ''} (NODE_EXTRA_CA_CERTS, --cacert)`, `token of ${identity}, for a day: ${token}`].join('\n');
}
