import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlyballError } from '@flyball/protocol';
import { z } from 'zod';
import { type Config, type Environment, loadConfig, resourceOf } from '../config.js';
import { loadLocalKey, signLocalToken } from '../identity/index.js';
import { selfSigned } from '../lib/self-signed.js';
import { parseYaml } from '../lib/yaml-file.js';
import type { Tls } from '../serve.js';

const certificateDays = 30;
/** The identity that a fixture's bundle registers for runners; an example without it is no fixture. */
const identity = 'harness';
const tokenMs = 24 * 60 * 60_000;
const portMost = 65_535;

/** Folders with ready bundles: in the package, or in the repository. */
const places = ['../../examples', '../../../../examples'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const identitiesFile = z.object({ identities: z.array(z.object({ id: z.string() })) });

/** A ready-made example that others can be pointed at. */
export interface Fixture {
  readonly config: Config;
  readonly tls: Tls;
  /** Writes the certificate, and says what whoever points a runner at it has to know. Only who serves may: another start's files are in the same place. */
  welcome(): Promise<string>;
}

/**
 * The example of a name. Its data is in the working directory, and it is served over HTTPS with a certificate that is made
 * for it. Nothing is written yet. Throws `usage` for an example that is not there.
 *
 * @param port where it listens, if not where the example says
 */
export function openFixture(name: string, port: string | undefined, environment: Environment): Fixture {
  const folder = fixtures().get(name);
  if (folder === undefined) throw new FlyballError('usage', `no fixture \`${name}\`; there are ${[...fixtures().keys()].sort().join(', ')}`);
  const made = selfSigned(Date.now(), certificateDays);
  const tls = { cert: Buffer.from(made.cert), key: Buffer.from(made.key) };
  const config = configOf(folder, port, environment);
  return { config, tls, welcome: () => welcome(config, tls) };
}

function configOf(folder: string, port: string | undefined, environment: Environment): Config {
  const example = loadConfig(join(folder, 'flyball.yaml'), environment);
  const data = resolve(environment['FLYBALL_DATA_DIR'] ?? join('.flyball', basename(folder)));
  const tls = { cert: join(data, 'tls-cert.pem'), key: join(data, 'tls-key.pem') };
  if (port === undefined) return { ...example, data, machines: { ...example.machines, tls } };
  const chosen = Number(port);
  if (!Number.isInteger(chosen) || chosen < 1 || chosen > portMost) throw new FlyballError('usage', `expected --port as a number from 1 to ${portMost}`);
  return { ...example, data, resource: `https://localhost:${chosen}`, machines: { ...example.machines, port: chosen, tls }, administrators: { ...example.administrators, port: 0 } };
}

/** Folders of the examples that runners can be pointed at, by their names. */
function fixtures(): ReadonlyMap<string, string> {
  const there = places.filter((place) => existsSync(place)).flatMap((place) => readdirSync(place).map((name) => [name, join(place, name)] as const));
  return new Map(there.filter(([, folder]) => hasHarness(folder)).reverse());
}

function hasHarness(folder: string): boolean {
  const file = join(folder, 'bundle/identities.yaml');
  const parsed = existsSync(file) ? parseYaml(readFileSync(file, 'utf8'), identitiesFile) : undefined;
  return parsed !== undefined && 'value' in parsed && parsed.value.identities.some(({ id }) => id === identity);
}

/** The token is of this installation's own key and ends within a day. */
async function welcome(config: Config, { cert, key }: Tls): Promise<string> {
  const { tls } = config.machines;
  if (!tls) throw new FlyballError('internal', 'expected a fixture to be served over HTTPS');
  writeFileSync(tls.cert, cert);
  writeFileSync(tls.key, key, { mode: 0o600 });
  const token = await signLocalToken(loadLocalKey(config.data), { subject: identity, audience: resourceOf(config), nowMs: Date.now(), ttlMs: tokenMs });
  return [`policy decision point: ${new URL(resourceOf(config)).origin}`, `certificate: ${tls.cert} (NODE_EXTRA_CA_CERTS, --cacert)`, `token of ${identity}, for a day: ${token}`].join('\n');
}
