import { FlyballError } from '@flyball/protocol';
import { Agent, type Dispatcher, request } from 'undici';

export interface UpstreamReply {
  readonly status: number;
  readonly contentType: string;
  readonly session: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
  discard(): void;
}

export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

const headersTimeoutMs = 60 * 60_000;
const errorBytesMost = 64 * 1024;

/** Errors after which it is certain that nothing was sent. */
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** One MCP server over streamable HTTP. Follows no redirect and repeats nothing. */
export class HttpUpstream {
  readonly #agent = new Agent({ connections: null, headersTimeout: headersTimeoutMs, bodyTimeout: 0, pipelining: 1 });

  constructor(
    readonly name: string,
    private readonly url: string,
    private readonly ownHeaders: Readonly<Record<string, string>>,
  ) {}

  async exchange({ method, headers, body, signal }: UpstreamRequest): Promise<UpstreamReply> {
    try {
      const response = await request(this.url, {
        dispatcher: this.#agent,
        method,
        headers: { ...headers, ...this.ownHeaders },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      return toReply(response);
    } catch (cause) {
      throw toError(cause);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function toReply({ statusCode, headers, body }: Dispatcher.ResponseData): UpstreamReply {
  const one = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  // A body that nobody reads any more may still fail; that is nobody's error then.
  body.on('error', () => undefined);
  return {
    status: statusCode,
    contentType: one('content-type') ?? '',
    session: one('mcp-session-id'),
    body: guarded(body),
    text: () => readText(body),
    discard: () => void body.destroy(),
  };
}

async function* guarded(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw toError(cause);
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of guarded(body)) {
    bytes += part.byteLength;
    if (bytes > errorBytesMost) break;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function toError(cause: unknown): FlyballError {
  if (cause instanceof FlyballError) return cause;
  const code = (cause as { code?: string }).code ?? '';
  return notSent.has(code)
    ? new FlyballError('performed_failed', 'the upstream server cannot be reached; nothing was sent', { cause })
    : new FlyballError('performed_unknown', 'the upstream server was lost before it answered', { cause });
}
