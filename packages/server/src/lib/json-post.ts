import { isIP, type LookupFunction } from 'node:net';
import { lookup } from 'node:dns/promises';
import { FlyballError, type Json } from '@flyball/protocol';
import { Agent, request } from 'undici';
import { isPublicAddress } from './safe-fetch.js';
import type { Secret } from './secret.js';
import { parseStrictJson } from './strict-json.js';

export interface PostBounds {
  readonly bytesMax: number;
  /** For the whole exchange, the connection included. */
  readonly timeoutMs: number;
  readonly connectionsMax: number;
}

/**
 * Posts JSON to one URL of the configuration, over connections that are kept open. Follows no redirect, repeats
 * nothing, takes no proxy from the environment, and talks without TLS to addresses of the inside only: what is
 * asked, its token and its answer are not for others.
 */
export class JsonPost {
  readonly #url: URL;
  readonly #agent: Agent;

  /** Throws `config_invalid` for a URL that nothing is sent to. */
  constructor(
    url: string,
    private readonly token: Secret | undefined,
    private readonly bounds: PostBounds,
  ) {
    this.#url = parseUrl(url);
    const plain = this.#url.protocol === 'http:';
    this.#agent = new Agent({ connect: { timeout: bounds.timeoutMs, lookup: lookupOf(plain) }, connections: bounds.connectionsMax, maxResponseSize: bounds.bytesMax, headersTimeout: bounds.timeoutMs, bodyTimeout: bounds.timeoutMs });
  }

  /** The answer's JSON, read strictly. Throws `internal` when there is none, or not in time; never with what was said. */
  async send(body: Json): Promise<Json> {
    try {
      const response = await request(this.#url, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...(this.token && { authorization: `Bearer ${this.token.reveal()}` }) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(this.bounds.timeoutMs),
      });
      const bytes = new Uint8Array(await response.body.arrayBuffer());
      if (response.statusCode !== 200) throw noAnswer(`expected status 200, got ${response.statusCode}`);
      return parseStrictJson(bytes, this.bounds.bytesMax);
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

const noAnswer = (message: string, cause?: unknown) => new FlyballError('internal', message, { cause });
