import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { z } from 'zod';
import { signatureAlgorithms } from './identity/index.js';
import { limits } from './lib/limits.js';
import { Secret } from './lib/secret.js';
import { parseYaml } from './lib/yaml-file.js';

const seconds = z.number().int().min(1).max(3_600);
const listen = z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: z.number().int().min(0).max(65_535) });

const upstream = z
  .strictObject({
    command: z.array(z.string()).min(1).optional(),
    env: z.record(z.string(), z.string()).default({}),
    cwd: z.string().optional(),
    url: z.url().optional(),
    /** Headers for the upstream; a value is the name of the environment variable that holds it. */
    headers_from_env: z.record(z.string(), z.string()).default({}),
    prefix: z.string().regex(/^[A-Za-z0-9_-]*$/).optional(),
    timeout_seconds: seconds.default(60),
    output_schema: z.enum(['off', 'warn', 'strict']).default('warn'),
    unlisted_tools: z.enum(['deny', 'catalogued']).default('deny'),
  })
  .refine((value) => (value.command === undefined) !== (value.url === undefined), 'expected exactly one of `command` and `url`');

const oidc = z.strictObject({
  issuer: z.url(),
  audience: z.string().min(1),
  algorithms: z.array(z.enum(signatureAlgorithms as [string, ...string[]])).min(1).default(['RS256', 'ES256', 'EdDSA']),
  jwks_url: z.url().optional(),
  allow_private_address: z.boolean().default(false),
});

const spiffe = z
  .strictObject({ trust_domain: z.string().min(1), audience: z.string().min(1), bundle_file: z.string().optional(), bundle_url: z.url().optional(), allow_private_address: z.boolean().default(false) })
  .refine((value) => (value.bundle_file === undefined) !== (value.bundle_url === undefined), 'expected exactly one of `bundle_file` and `bundle_url`');

const opa = z.strictObject({
  url: z.url(),
  /** Name of the environment variable that holds the bearer token. */
  token_from_env: z.string().min(1).optional(),
  timeout_ms: z.number().int().min(1).max(limits.opaMsMax).default(1_000),
});

const log = z.strictObject({
  /** Name of the log: a URL without its scheme that is yours, such as `example.com/flyball`. */
  origin: z.string().regex(/^[^\s+]{1,200}$/).optional(),
  /** Files with the keys that sign the log (Ed25519, PKCS#8, PEM); one is made where none is named. */
  keys: z.array(z.string().min(1)).default([]),
  /** Name of the environment variable that holds keys in PEM. */
  keys_from_env: z.string().min(1).optional(),
  /** Who cosigns the log's checkpoints: C2SP witnesses, by the address of `add-checkpoint` and their verifier keys. */
  witnesses: z.array(z.strictObject({ url: z.url(), key: z.string().min(1) })).max(limits.witnessesMax).default([]),
});

const configDocument = z.strictObject({
  tenant: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/).default('default'),
  bundle: z.string().default('bundle'),
  data: z.string().default('.flyball'),
  machines: listen.default({ host: '127.0.0.1', port: 7600 }),
  administrators: listen.default({ host: '127.0.0.1', port: 7601 }),
  /** The address by which machines know this server: the audience of their tokens. */
  resource: z.url().optional(),
  /** One decision in so many is also asked of Cedar's own WebAssembly engine; 0 asks it none. */
  check_decisions_every: z.number().int().min(0).default(0),
  /** A running OPA that has to allow every action as well. */
  opa: opa.optional(),
  log: log.default({ keys: [], witnesses: [] }),
  allowed_hosts: z.array(z.string()).default([]),
  identity: z.strictObject({ local: z.boolean().default(false), oidc: z.array(oidc).default([]), spiffe: z.array(spiffe).default([]) }).default({ local: false, oidc: [], spiffe: [] }),
  upstreams: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), upstream).default({}),
});

export type Config = z.infer<typeof configDocument> & { readonly directory: string; readonly databaseUrl: string | undefined; readonly opaToken: Secret | undefined; readonly logKeys: Secret | undefined };
export type UpstreamConfig = z.infer<typeof upstream>;
export type Environment = Readonly<Record<string, string | undefined>>;

export const configFile = 'flyball.yaml';

/** Reads the configuration; paths in it are relative to it. Throws `config_invalid` with file and line. */
export function loadConfig(path: string, environment: Environment): Config {
  const file = resolve(path);
  if (!existsSync(file)) throw new FlyballError('config_invalid', `expected a configuration at \`${file}\`; \`flyball init\` makes one, --config names another`);
  return parseConfig(readFileSync(file, 'utf8'), file, environment);
}

export function parseConfig(text: string, file: string, environment: Environment): Config {
  const parsed = parseYaml(text, configDocument);
  if ('faults' in parsed) {
    const faults = parsed.faults.map((fault) => `${file}:${fault.line}:${fault.column}: ${fault.message}`);
    throw new FlyballError('config_invalid', ['the configuration is not valid; nothing was started', ...faults].join('\n'));
  }
  const directory = dirname(file);
  const { bundle, data, ...rest } = parsed.value;
  const secretOf = (name: string | undefined) => (name === undefined || environment[name] === undefined ? undefined : new Secret(environment[name]));
  return { ...rest, directory, bundle: resolve(directory, bundle), data: resolve(directory, environment['FLYBALL_DATA_DIR'] ?? data), databaseUrl: environment['FLYBALL_DATABASE_URL'], opaToken: secretOf(rest.opa?.token_from_env), logKeys: secretOf(rest.log.keys_from_env) };
}

/** Address by which machines reach the server, when the configuration names no other. */
export const resourceOf = ({ resource, machines }: Config): string => resource ?? `http://${machines.host}:${machines.port}/mcp`;
