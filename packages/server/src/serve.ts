import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { FlyballError } from '@flyball/protocol';
import { accessRequestsRoute } from './api/access-requests-route.js';
import { administratorsApi } from './api/administrators.js';
import { channelsRoute } from './api/channels-route.js';
import { holdsRoute } from './api/holds-route.js';
import { logRoute } from './api/log-route.js';
import { withRestErrors } from './api/rest.js';
import { sessionsRoute } from './api/sessions-route.js';
import { authzenOf } from './serve/authzen.js';
import { type Config, type Environment, resourceOf, type UpstreamConfig } from './config.js';
import { callerOf, challengeOf, createListener, type Endpoint, HttpLink, HttpRelay, HttpUpstream, HubEndpoint, type HubUpstream, identified, type OtherRoute, received, StdioLink } from './gateway/mcp/index.js';
import { localIssuer } from './identity/index.js';
import { httpAddress } from './lib/http-address.js';
import { accessMethod } from './policy/index.js';
import { frontDoor } from './serve/people.js';
import type { Governor } from './wiring.js';

export interface Serving {
  readonly machines: number;
  readonly administrators: number;
  /** Where the `flyball` command of this machine asks; no name is in it that could lead to somebody else. */
  readonly administratorsAddress: string;
  close(): Promise<void>;
}

/** In PEM. */
export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const drainMs = 5_000;

/**
 * Opens both listeners: the machines' and the administrators'. Throws `config_invalid` when a port is taken.
 *
 * @param own certificate and key of the machines' listener in PEM, where they are not in the files of the configuration
 */
export async function serve(governor: Governor, config: Config, environment: Environment, own?: Tls): Promise<Serving> {
  const tls = own ?? (config.machines.tls && readTls(config.machines.tls, config.directory));
  const endpoints = endpointsOf(governor, config, environment);
  const servers: Server[] = [];
  let hosts: ReadonlySet<string> = new Set();
  try {
    const machines: Server = createListener(governor.port, {
      endpoints,
      isAllowedHost: (host) => hosts.has(host),
      resource: resourceOf(config),
      authorizationServers: [...config.identity.oidc.map((issuer) => issuer.issuer), ...(config.identity.local ? [localIssuer] : [])],
      ...(tls && { tls }),
      other: withRestErrors(otherRoutes(governor, authzenOf(governor, config, () => portOf(machines))), {
        challenge: challengeOf(resourceOf(config)),
        trouble: (error) => governor.port.log('error', 'a request could not be handled', { reason: error.cause instanceof Error ? error.cause.message : error.message }),
      }),
    });
    servers.push(machines);
    await listen(machines, config.machines, 'machines');
    hosts = hostsOf(config.machines, machines, config);
    const administrators = createServer();
    servers.push(administrators);
    await listen(administrators, config.administrators, 'administrators');
    const administratorsAddress = addressOf(administrators);
    const { gate, routes } = frontDoor(governor, config, hostsOf(config.administrators, administrators, config), administratorsAddress);
    const api = getRequestListener(administratorsApi(gate, routes).fetch);
    administrators.on('request', (request, response) => void api(request, response));
    const close = async () => {
      await Promise.all(servers.map(drain));
      await Promise.all([...endpoints.values()].map((endpoint) => endpoint.close()));
    };
    return { machines: portOf(machines), administrators: portOf(administrators), administratorsAddress, close };
  } catch (error) {
    await Promise.all(servers.map(drain));
    await Promise.all([...endpoints.values()].map((endpoint) => endpoint.close()));
    throw error;
  }
}

/** What machines can ask beside MCP: AuthZEN evaluations, sessions, receipts and the log's checkpoint. */
function otherRoutes({ sessions, port, transparency, desk, ledger, names, access, notifier }: Governor, authzen: ReturnType<typeof authzenOf>): OtherRoute {
  const identify = (gateway: string, method: string) => async (request: IncomingMessage) => {
    const attempt = received(port, { ...callerOf(request), gateway }, { upstream: 'flyball', method, name: '', params: {}, args: {} }, 0);
    return (await identified(port, attempt)).principal;
  };
  const session = sessionsRoute(sessions, identify('rest', 'session'));
  const holds = holdsRoute(port.waiting, identify('rest', 'hold'));
  const requests = accessRequestsRoute({ ...access, askerOf: callerOf, identify: identify('access', 'grant'), verifyCaller: identify('access', accessMethod) });
  const log = logRoute({ log: transparency, desk, find: (id) => ledger.store.find(id), refOf: (person) => names.refOf(person), identify: identify('rest', 'receipt') });
  const channels = notifier ? channelsRoute(notifier) : () => Promise.resolve(false);
  return async (request, response, path, readBody) => (await channels(request, response, path, readBody)) || (await authzen(request, response, path)) || (await log(request, response, path)) || (await holds(request, response, path, readBody)) || (await requests(request, response, path, readBody)) || session(request, response, path, readBody);
}

/** `/mcp` is every upstream behind one endpoint; `/mcp/NAME` is one of them with its own names. */
function endpointsOf(governor: Governor, config: Config, environment: Environment): ReadonlyMap<string, Endpoint> {
  const names = Object.keys(config.upstreams);
  const single = names.map((name) => [`/mcp/${name}`, singleEndpoint(governor, name, config, environment)] as const);
  const hub = names.map((name) => hubUpstream(name, config, environment, names.length === 1 ? '' : undefined));
  return new Map<string, Endpoint>([...single, ['/mcp', new HubEndpoint(governor.port, hub)]]);
}

function singleEndpoint(governor: Governor, name: string, config: Config, environment: Environment): Endpoint {
  const settings = config.upstreams[name];
  if (settings?.url === undefined) return new HubEndpoint(governor.port, [hubUpstream(name, config, environment, '')]);
  const upstream = new HttpUpstream(name, settings.url, headersOf(name, settings, environment));
  return new HttpRelay(governor.port, upstream, { timeoutMs: settings.timeout_seconds * 1_000, unlisted: settings.unlisted_tools === 'catalogued' });
}

export function hubUpstream(name: string, config: Config, environment: Environment, prefix?: string): HubUpstream {
  const settings = config.upstreams[name];
  if (!settings) throw new FlyballError('config_invalid', `no upstream named \`${name}\``);
  const common = { upstream: name, prefix: prefix ?? settings.prefix ?? `${name}__`, timeoutMs: settings.timeout_seconds * 1_000, unlisted: settings.unlisted_tools === 'catalogued' };
  if (settings.url !== undefined) {
    const server = new HttpUpstream(name, settings.url, headersOf(name, settings, environment));
    return { ...common, open: (listener) => new HttpLink(server, listener) };
  }
  const [command = '', ...args] = settings.command ?? [];
  return { ...common, open: (listener) => new StdioLink({ name, command, args, env: settings.env, cwd: settings.cwd ?? config.directory }, listener, environment) };
}

function headersOf(name: string, settings: UpstreamConfig, environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings.headers_from_env).map(([header, variable]) => {
      const value = environment[variable];
      if (value === undefined) throw new FlyballError('config_invalid', `expected the environment variable \`${variable}\` with the header \`${header}\` for the upstream \`${name}\``);
      return [header, value];
    }),
  );
}

/** Names under which a listener answers, with its port; a browser that was told another name is not answered. */
function hostsOf({ host }: { readonly host: string }, server: Server, config: Config): ReadonlySet<string> {
  const port = portOf(server);
  const own = ['localhost', '127.0.0.1', '[::1]', host].map((name) => `${name}:${port}`);
  return new Set([...own, new URL(addressOf(server)).host, ...config.allowed_hosts].map((name) => name.toLowerCase()));
}

/** Certificate and key of the machines' listener. Throws `config_invalid` when they cannot be read. */
function readTls({ cert, key }: { readonly cert: string; readonly key: string }, directory: string): Tls {
  try {
    return { cert: readFileSync(resolve(directory, cert)), key: readFileSync(resolve(directory, key)) };
  } catch (cause) {
    throw new FlyballError('config_invalid', `expected a certificate and its key in PEM in \`${cert}\` and \`${key}\`, which \`machines.tls\` names`, { cause });
  }
}

/** Where a listener without TLS really listens. */
function addressOf(server: Server): string {
  const address = server.address();
  return typeof address === 'object' && address ? httpAddress(address.address, address.port) : '';
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another process listens there; stop it or choose another port' : (cause.code ?? 'unknown');
      reject(new FlyballError('config_invalid', `cannot listen for ${name} on ${host}:${port}: ${why}`, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

/** Takes nothing new and lets what is under way finish, for a while. */
function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const timer = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
