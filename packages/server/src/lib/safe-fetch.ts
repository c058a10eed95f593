import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { FlyballError } from '@flyball/protocol';
import ipaddr from 'ipaddr.js';
import { Agent, request } from 'undici';

export interface FetchBounds {
  readonly bytesMax: number;
  readonly timeoutMs: number;
  /** Lets a URL from the configuration, never one from a document, point to a private address. */
  readonly allowPrivate: boolean;
}

/**
 * Fetches JSON from a URL without being led to a place of the inside: https only (http too for private
 * addresses that were allowed), every address that the name has must be public, the connection goes to the
 * address that was checked, and no redirect is followed. Throws `identity_refused`.
 */
export async function fetchJson(url: string, bounds: FetchBounds): Promise<unknown> {
  const target = parseUrl(url, bounds.allowPrivate);
  const address = await checkedAddress(target.hostname.replace(/^\[|\]$/g, ''), bounds.allowPrivate);
  if (target.protocol === 'http:' && isPublicAddress(address)) throw refused('expected https for a public address');
  const agent = new Agent({
    connect: { timeout: bounds.timeoutMs, lookup: (_host, options, callback) => answerLookup(address, options, callback) },
    maxResponseSize: bounds.bytesMax,
  });
  try {
    const response = await request(target, { dispatcher: agent, signal: AbortSignal.timeout(bounds.timeoutMs), headers: { accept: 'application/json' } });
    if (response.statusCode !== 200) throw refused(`expected status 200, got ${response.statusCode}`);
    return await response.body.json();
  } catch (cause) {
    throw cause instanceof FlyballError ? cause : refused('no usable answer', cause);
  } finally {
    await agent.destroy();
  }
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

const refused = (message: string, cause?: unknown) => new FlyballError('identity_refused', `cannot fetch: ${message}`, { cause });
