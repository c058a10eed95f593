import type { IncomingHttpHeaders } from 'node:http';
import { claimedVersion } from './eras.js';
import type { RpcRequest } from './message.js';

/**
 * A page in a browser can make any name point to this machine (DNS rebinding); it cannot choose the Host and
 * Origin that the browser then sends.
 */
export function isForeignOrigin(headers: IncomingHttpHeaders, isAllowedHost: (host: string) => boolean): boolean {
  const host = headers.host?.toLowerCase() ?? '';
  if (!isAllowedHost(host)) return true;
  if (headers.origin === undefined) return false;
  try {
    return !isAllowedHost(new URL(headers.origin).host.toLowerCase());
  } catch {
    return true;
  }
}

/** Parameter that the `Mcp-Name` header repeats, by method (MCP 2026-07-28, Streamable HTTP, "Standard headers"). */
const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** How a request's headers and its body disagree, if they do: whoever trusts the one must not be told another thing than who trusts the other. */
export function headerMismatch(headers: IncomingHttpHeaders, { method, params }: RpcRequest): string | undefined {
  const claim = claimedVersion(params);
  if (headers['mcp-protocol-version'] !== claim) return 'MCP-Protocol-Version';
  if (headers['mcp-method'] !== method) return 'Mcp-Method';
  const parameter = namedBy[method];
  if (parameter === undefined) return undefined;
  const header = headers['mcp-name'];
  return typeof header === 'string' && decodeHeader(header.trim()) === params[parameter] ? undefined : 'Mcp-Name';
}

const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** The value that a header carries; nothing when its base64 is not the one way to write it. */
export function decodeHeader(value: string): string | undefined {
  const match = encoded.exec(value);
  if (!match) return value;
  const bytes = Buffer.from(match[1] ?? '', 'base64');
  return bytes.toString('base64') === match[1] ? bytes.toString('utf8') : undefined;
}

/** The value as a header carries it: plain where that is safe, else base64 with its marker. */
export function encodeHeader(value: string): string {
  const plain = /^[\x20-\x7e\t]*$/.test(value) && value.trim() === value && !encoded.test(value);
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
