import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { FlyballError } from '@flyball/protocol';
import ipaddr from 'ipaddr.js';
import type { Agent } from 'undici';

export interface FetchBounds {
  readonly bytesMax: number;
  readonly timeoutMs: number;
  /** Lets a URL from the configuration, never one from a document, point to a private address. */
  readonly allowPrivate: boolean;
}

/** Loaded by whoever fetches something: it is as large as all else that a command needs. */
export const undici = () => import('undici');

/** Fetches JSON as `fetchBytes` does. Throws `identity_refused`. */
export async function fetchJson(url: string, bounds: FetchBounds): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await fetchBytes(url, bounds, { accept: 'application/json' })).toString('utf8'));
  } catch (cause) {
    throw new FlyballError('identity_refused', cause instanceof FlyballError ? cause.message : 'cannot fetch: no usable answer', { cause });
  }
}

/**
 * Gets what a URL has without being led to a place of the inside: https only (http too for private
 * addresses that were allowed), every address that the name has must be public, the connection goes to the
 * address that was checked, and no redirect is followed. Throws `internal`, never with what was said.
 */
export async function fetchBytes(url: string, bounds: FetchBounds, headers: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const { target, agent } = await checkedTarget(url, bounds);
  try {
    const { request } = await undici();
    const response = await request(target, { dispatcher: agent, signal: AbortSignal.timeout(bounds.timeoutMs), headers: { ...headers } });
    if (response.statusCode !== 200) throw refused(`expected status 200, got ${response.statusCode}`);
    return new Uint8Array(await response.body.arrayBuffer());
  } catch (cause) {
    throw cause instanceof FlyballError ? cause : refused(`no usable answer of at most ${bounds.bytesMax} bytes within ${bounds.timeoutMs} ms`, cause);
  } finally {
    await agent.destroy();
  }
}

/** A URL that may be asked, and an agent that connects to the address that was checked and to no other; who asks destroys it. */
export async function checkedTarget(url: string, bounds: FetchBounds): Promise<{ readonly target: URL; readonly agent: Agent }> {
  const target = parseUrl(url, bounds.allowPrivate);
  const address = await checkedAddress(target.hostname.replace(/^\[|\]$/g, ''), bounds.allowPrivate);
  if (target.protocol === 'http:' && isPublicAddress(address)) throw refused('expected https for a public address');
  const { Agent } = await undici();
  const agent = new Agent({
    connect: { timeout: bounds.timeoutMs, lookup: (_host, options, callback) => answerLookup(address, options, callback) },
    maxResponseSize: bounds.bytesMax,
  });
  return { target, agent };
}

function parseUrl(url: string, allowPrivate: boolean): URL {
  let target: URL;
  try {
    target = new URL(url);
  } catch (cause) {
    throw refused('expected an absolute URL', cause);
  }
  const plain = target.protocol === 'http:' && allowPrivate;
  if ((target.protocol !== 'https:' && !plain) || target.username || target.password) throw refused('expected an https URL without user and password');
  return target;
}

async function checkedAddress(host: string, allowPrivate: boolean): Promise<string> {
  const addresses = isIP(host) ? [host] : (await resolveAll(host)).map((entry) => entry.address);
  const first = addresses[0];
  if (first === undefined || (!allowPrivate && !addresses.every(isPublicAddress))) throw refused('expected a name with public addresses only');
  // Link-local addresses are where clouds hand out credentials; nobody's document is there.
  if (addresses.some((each) => ipaddr.process(each).range() === 'linkLocal')) throw refused('expected no link-local address');
  return first;
}

async function resolveAll(host: string) {
  try {
    return await lookup(host, { all: true });
  } catch (cause) {
    throw refused('expected a name that resolves', cause);
  }
}

/** True for global unicast alone; an IPv4 address inside an IPv6 one is judged as the IPv4 address it is. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  // Of IPv6 only 2000::/3 is given out for public use; what is left of older forms leads to IPv4 addresses of the inside.
  const given = parsed.kind() === 'ipv4' || ((parsed.toByteArray()[0] ?? 0) & 0xe0) === 0x20;
  return given && parsed.range() === 'unicast';
}

type LookupCallback = (error: Error | null, address: string | { address: string; family: number }[], family?: number) => void;

function answerLookup(address: string, options: { all?: boolean | undefined }, callback: LookupCallback): void {
  const family = isIP(address);
  if (options.all) callback(null, [{ address, family }]);
  else callback(null, address, family);
}

const refused = (message: string, cause?: unknown) => new FlyballError('internal', `cannot fetch: ${message}`, { cause });
