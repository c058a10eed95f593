import { VerifyError } from '../verify-error.js';
import { type LogSource, unavailable } from './source.js';

export interface HttpOptions {
  /** Sent as a bearer token, to this address only. */
  readonly token?: string | undefined;
  /** Longest time for one file, in milliseconds; 20,000 when it is not said. */
  readonly timeoutMs?: number | undefined;
}

const timeoutMsUsual = 20_000;

/** A log behind an address. Redirects are not followed: who is asked is who was named. Throws `usage` for what is no address. */
export function http(url: string, { token, timeoutMs = timeoutMsUsual }: HttpOptions = {}): LogSource {
  const base = baseOf(url);
  const headers = { accept: '*/*', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return {
    name: base.href,
    async read(path, bytesMax) {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        // eslint-disable-next-line no-restricted-globals -- the one place where the verifier talks to a log; everything it answers is checked
        const response = await fetch(new URL(path, base), { headers, redirect: 'error', signal });
        if (response.status !== 200) {
          await response.body?.cancel();
          throw unavailable(path, `the server answered ${response.status}`);
        }
        return await bounded(response, path, bytesMax);
      } catch (error) {
        throw error instanceof VerifyError ? error : unavailable(path, signal.aborted ? `no whole answer within ${timeoutMs} ms` : 'no answer', error);
      }
    },
  };
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url.endsWith('/') ? url : `${url}/`) : undefined;
  if (!base || !['http:', 'https:'].includes(base.protocol) || base.search !== '' || base.hash !== '') throw new VerifyError('usage', 'expected an address that begins with http:// or https://');
  return base;
}

async function bounded(response: Response, path: string, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Counted as it comes: a length that was promised proves nothing.
  for await (const part of response.body ?? []) {
    const bytes = part as Uint8Array;
    length += bytes.length;
    if (length > bytesMax) throw unavailable(path, `it is over ${bytesMax} bytes`);
    parts.push(bytes);
  }
  return new Uint8Array(Buffer.concat(parts, length));
}
