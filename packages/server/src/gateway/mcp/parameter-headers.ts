import type { IncomingHttpHeaders } from 'node:http';
import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { ToolDefinition } from '../../action/states.js';
import { decodeHeader, encodeHeader } from './http-guards.js';

/** Arguments that a tool wants repeated in headers (MCP 2026-07-28, `x-mcp-header`): the header's name and where the argument stands. */
function annotated(schema: Json | undefined, path: readonly string[] = []): readonly { readonly header: string; readonly path: readonly string[] }[] {
  const properties = isObject(schema) && isObject(schema['properties']) ? schema['properties'] : {};
  return Object.entries(properties).flatMap(([name, property]) => {
    const header = isObject(property) ? property['x-mcp-header'] : undefined;
    const own = typeof header === 'string' && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(header) ? [{ header: `mcp-param-${header.toLowerCase()}`, path: [...path, name] }] : [];
    return path.length < 8 ? [...own, ...annotated(property, [...path, name])] : own;
  });
}

function valueAt(args: JsonObject, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), args);
}

const printed = (value: Json | undefined): string | undefined => (value === undefined || value === null || typeof value === 'object' ? undefined : String(value));

/** The headers that go with the arguments that were decided on; never the client's own. */
export function parameterHeaders(tool: ToolDefinition | undefined, args: JsonObject): Record<string, string> {
  const values = annotated(tool?.definition['inputSchema']).map(({ header, path }) => [header, printed(valueAt(args, path))] as const);
  return Object.fromEntries(values.flatMap(([header, value]) => (value === undefined ? [] : [[header, encodeHeader(value)]])));
}

/** Name of a header of the client that says another thing than its body, or says nothing where the tool wants it said. */
export function parameterMismatch(headers: IncomingHttpHeaders, tool: ToolDefinition | undefined, args: JsonObject): string | undefined {
  if (headers['mcp-method'] === undefined) return undefined;
  return annotated(tool?.definition['inputSchema']).find(({ header, path }) => {
    const sent = headers[header];
    const said = typeof sent === 'string' ? decodeHeader(sent.trim()) : undefined;
    const meant = printed(valueAt(args, path));
    const same = said === meant || (said !== undefined && typeof valueAt(args, path) === 'number' && said.trim() !== '' && Number(said) === valueAt(args, path));
    return !same || (typeof sent === 'string' && said === undefined);
  })?.header;
}
