import type { Agent } from 'undici';
import { checkedTarget, type FetchBounds, undici } from './safe-fetch.js';

export interface GuardedRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * `fetch` for libraries that bring their own requests along: no redirect is followed, answers are bounded, and an address
 * of the inside is asked only at the origin that the configuration vouches for, whatever documents say.
 */
export const guardedFetch =
  (vouched: string, bounds: FetchBounds) =>
  async (url: string, { method = 'GET', headers = {}, body }: GuardedRequest): Promise<Response> => {
    const allowPrivate = bounds.allowPrivate && new URL(url).origin === new URL(vouched).origin;
    const { target, agent } = await checkedTarget(url, { ...bounds, allowPrivate });
    return answerOf(target, agent, { method, headers, body }, bounds.timeoutMs);
  };

async function answerOf(target: URL, agent: Agent, { method = 'GET', headers = {}, body }: GuardedRequest, timeoutMs: number): Promise<Response> {
  const sent = body instanceof URLSearchParams ? body.toString() : (body ?? null);
  if (sent !== null && typeof sent !== 'string' && !(sent instanceof Uint8Array)) throw new TypeError('expected a body that is known in full');
  try {
    const { request } = await undici();
    const answer = await request(target, { dispatcher: agent, method, headers: { ...headers }, body: sent, signal: AbortSignal.timeout(timeoutMs) });
    const bytes = await answer.body.arrayBuffer();
    const told = Object.entries(answer.headers).flatMap(([name, value]) => (value === undefined ? [] : [value].flat().map((one) => [name, one] as [string, string])));
    const isEmpty = [101, 204, 205, 304].includes(answer.statusCode);
    return new Response(isEmpty ? null : bytes, { status: answer.statusCode, headers: told });
  } finally {
    await agent.destroy();
  }
}
