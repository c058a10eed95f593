import { isIP, type LookupFunction } from 'node:net';
import { lookup } from 'node:dns/promises';
import { FlyballError } from '@flyball/protocol';
import { Agent, request } from 'undici';
import { isPublicAddress } from './safe-fetch.js';

export interface PostBounds {
  readonly bytesMax: number;
  /** For the whole exchange, the connection included. */
  readonly timeoutMs: number;
  readonly connectionsMax: number;
}

export interface Posted {
  readonly status: number;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/**
 * Posts to one URL of the configuration, over connections that are kept open. Follows no redirect, repeats
 * nothing, takes no proxy from the environment, and talks without TLS to addresses of the inside only: what is
 * asked, its token and its answer are not for others.
 */
export class Post {
  readonly #url: URL;
  readonly #agent: Agent;

  /** Throws `config_invalid` for a URL that nothing is sent to. */
  constructor(
    url: string,
    private readonly bounds: PostBounds,
  ) {
    this.#url = parseUrl(url);
    const plain = this.#url.protocol === 'http:';
    this.#agent = new Agent({ connect: { timeout: bounds.timeoutMs, lookup: lookupOf(plain) }, connections: bounds.connectionsMax, maxResponseSize: bounds.bytesMax, headersTimeout: bounds.timeoutMs, bodyTimeout: bounds.timeoutMs });
  }

  /** Whatever was answered, within the bounds. Throws `internal` when nothing was; never with what was said. */
  async send(body: string, headers: Readonly<Record<string, string>>): Promise<Posted> {
    try {
      const response = await request(this.#url, { dispatcher: this.#agent, method: 'POST', headers: { ...headers }, body, signal: AbortSignal.timeout(this.bounds.timeoutMs) });
      const contentType = response.headers['content-type'];
      return { status: response.statusCode, contentType: typeof contentType === 'string' ? contentType : '', bytes: new Uint8Array(await response.body.arrayBuffer()) };
    } catch (cause) {
      throw cause instanceof FlyballError ? cause : noAnswer(`expected an answer of at most ${this.bounds.bytesMax} bytes within ${this.bounds.timeoutMs} ms`, cause);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.username || url.password || url.search || url.hash) throw new FlyballError('config_invalid', 'expected an http or https URL without user, password, query and fragment');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:' && isIP(host) !== 0 && isPublicAddress(host)) throw new FlyballError('config_invalid', 'expected https for an address that is public');
  return url;
}

/** Looks a name up for each new connection, and lets the connection go to no other address than was looked at. */
const lookupOf = (plain: boolean): LookupFunction => (host, options, callback) => {
  const answer = async () => {
    const found = await lookup(host, { all: true });
    const [first] = found;
    if (!first || (plain && found.some(({ address }) => isPublicAddress(address)))) throw noAnswer('expected a name with an address, and https for one that is public');
    return { found, first };
  };
  answer().then(
    ({ found, first }) => (options.all ? callback(null, found) : callback(null, first.address, first.family)),
    (error: NodeJS.ErrnoException) => callback(error, ''),
  );
};

export const noAnswer = (message: string, cause?: unknown) => new FlyballError('internal', message, { cause });
