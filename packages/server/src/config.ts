import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { z } from 'zod';
import { accessRequestsConfig } from './config/access-requests.js';
import { evidenceSourcesConfig, factsConfig } from './config/facts.js';
import { channelsConfig } from './approval/channels/config.js';
import { signatureAlgorithms } from './identity/config.js';
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

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : 'none');
const isLoopback = (url: string): boolean => URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);

const signIn = z
  .strictObject({
    issuer: z.url(),
    client_id: z.string().min(1),
    /** Name of the environment variable that holds the client's secret; none for a public client. */
    client_secret_from_env: z.string().min(1).optional(),
    /** Where people's browsers reach the administrators' listener; the provider sends them back to `/sign-in/back` there. */
    address: z.string().refine((url) => url.replace(/\/$/, '') === originOf(url), 'expected scheme, host and port alone').transform(originOf),
    /** Claim that names the person in people.yaml, beside `issuer|subject`. */
    claim: z.string().min(1).optional(),
    groups_claim: z.string().min(1).optional(),
    /** The provider's names of groups in people.yaml. */
    groups: z.record(z.string().min(1), z.string().min(1)).default({}),
    scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).max(20).default(['openid']),
    algorithm: z.enum(signatureAlgorithms as [string, ...string[]]).default('RS256'),
    /** Audience of the provider's access tokens for the administrators' API; without it none are taken. */
    audience: z.string().min(1).optional(),
    allow_private_address: z.boolean().default(false),
  })
  .refine(({ address }) => address.startsWith('https:') || isLoopback(address), 'expected an `address` with https, or on this machine')
  .refine(({ scopes }) => scopes.includes('openid'), 'expected `openid` among the `scopes`')
  .refine(({ audience, client_id: client }) => audience !== client, 'expected an `audience` that is not the `client_id`: an ID token is no access token')
  .refine(({ groups_claim: claim, groups }) => claim !== undefined || Object.keys(groups).length === 0, 'expected `groups_claim` beside `groups`');

const configDocument = z.strictObject({
  tenant: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/).default('default'),
  bundle: z.string().default('bundle'),
  data: z.string().default('.flyball'),
  /** With `tls`, files in PEM, they are served directly over HTTPS. */
  machines: listen.extend({ tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1) }).optional() }).default({ host: '127.0.0.1', port: 7600 }),
  /** `public_url` is where people's browsers reach it; links in messages lead there. */
  administrators: listen.extend({ public_url: z.url({ protocol: /^https?$/ }).optional() }).default({ host: '127.0.0.1', port: 7601 }),
  /** The address by which machines know this server: the audience of their tokens. */
  resource: z.url().optional(),
  /** One decision in so many is also asked of Cedar's own WebAssembly engine; 0 asks it none. */
  check_decisions_every: z.number().int().min(0).default(0),
  /** A running OPA that has to allow every action as well. */
  opa: opa.optional(),
  log: log.default({ keys: [], witnesses: [] }),
  /** The OpenID provider at which people sign in. */
  sign_in: signIn.optional(),
  facts: factsConfig,
  evidence_sources: evidenceSourcesConfig,
  /** By which people are told of questions, beside the inbox. */
  channels: channelsConfig,
  /** Several nodes that answer enforcement points sign with one key: the environment variable that holds it (Ed25519, PKCS#8, PEM). */
  authzen: z.strictObject({ key_from_env: z.string().min(1) }).optional(),
  access_requests: accessRequestsConfig,
  allowed_hosts: z.array(z.string()).default([]),
  identity: z.strictObject({ local: z.boolean().default(false), oidc: z.array(oidc).default([]), spiffe: z.array(spiffe).default([]) }).default({ local: false, oidc: [], spiffe: [] }),
  upstreams: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), upstream).default({}),
});

export type Config = z.infer<typeof configDocument> & { readonly directory: string; readonly databaseUrl: string | undefined; readonly secretOf: (environmentVariable: string) => Secret | undefined; readonly opaToken: Secret | undefined; readonly logKeys: Secret | undefined; readonly signInSecret: Secret | undefined };
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
  return { ...rest, directory, secretOf, bundle: resolve(directory, bundle), data: resolve(directory, environment['FLYBALL_DATA_DIR'] ?? data), databaseUrl: environment['FLYBALL_DATABASE_URL'], opaToken: secretOf(rest.opa?.token_from_env), logKeys: secretOf(rest.log.keys_from_env), signInSecret: secretOf(rest.sign_in?.client_secret_from_env) };
}

/** Address by which machines reach the server, when the configuration names no other. */
export const resourceOf = ({ resource, machines }: Config): string => resource ?? `${machines.tls ? 'https' : 'http'}://${machines.host}:${machines.port}/mcp`;

/** Where people reach the administrators' pages. */
export const pagesOf = ({ administrators: { public_url: url, host, port }, sign_in: signIn }: Config): string => (url ?? signIn?.address ?? `http://${host}:${port}`).replace(/\/$/, '');
