import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect } from 'vitest';

export type Wire = 'legacy' | '2026-07-28';

/** A real MCP client of the official SDK, connected. */
export async function connect(url: string, token: string, wire: Wire = 'legacy', headers: Readonly<Record<string, string>> = {}): Promise<Client> {
  const client = new Client({ name: 'flyball-tests', version: '1' }, { versionNegotiation: { mode: wire === 'legacy' ? 'legacy' : { pin: wire } } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider: { token: () => Promise.resolve(token) }, requestInit: { headers } }));
  return client;
}

export interface RawAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly headers: Headers;
}

/** One HTTP POST of exactly these bytes, as no client would send it. */
export async function raw(url: string, body: string | Uint8Array, token?: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    body: body as BodyInit,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
  });
  const text = await response.text();
  return { status: response.status, text, body: parse(text), headers: response.headers };
}

function parse(text: string): unknown {
  const data = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? 'null');
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}

/** What a tool result says of the decision. */
export function decisionOf(result: unknown): { readonly outcome?: string; readonly kind?: string; readonly hold?: string; readonly evaluation?: string } {
  const meta = (result as { _meta?: Record<string, unknown> })._meta;
  return (meta?.['flyball/decision'] ?? {}) as ReturnType<typeof decisionOf>;
}

export function expectAllowed(result: unknown): void {
  expect(decisionOf(result)).toEqual({});
  expect((result as { isError?: boolean }).isError ?? false).toBe(false);
}
