import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import type { ToolDefinition } from '../action/states.js';
import { schemaFault } from '../lib/json-schema.js';

/**
 * Refuses arguments that the tool's own schema does not allow, and members that it does not name unless it
 * says that there may be others: what policies cannot see must not reach the tool. Throws `request_malformed`.
 */
export function verifyArguments(tool: ToolDefinition, args: JsonObject): void {
  const schema = tool.definition['inputSchema'];
  if (!isObject(schema)) return;
  const unknown = unknownMember(schema, args);
  if (unknown !== undefined) throw refused(`the tool has no argument \`${unknown.slice(0, 64)}\``);
  const fault = schemaFault(schema, args);
  if (fault !== undefined) throw refused(fault);
}

function unknownMember(schema: JsonObject, args: JsonObject): string | undefined {
  const properties = schema['properties'];
  const open = schema['additionalProperties'] !== undefined || schema['patternProperties'] !== undefined || ['allOf', 'anyOf', 'oneOf', '$ref'].some((key) => key in schema);
  if (open || !isObject(properties) || Object.keys(properties).length === 0) return undefined;
  return Object.keys(args).find((name) => !Object.hasOwn(properties, name));
}

const refused = (what: string) => new FlyballError('request_malformed', `the arguments do not fit the tool's schema: ${what}`);
