import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
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

/** Name of a member, at any depth, that no part of the schema names; nothing where the schema is open. */
function unknownMember(schema: Json | undefined, value: Json | undefined): string | undefined {
  if (Array.isArray(value)) return first(value as readonly Json[], (item) => unknownMember(isObject(schema) ? schema['items'] : undefined, item));
  if (!isObject(schema) || !isObject(value)) return undefined;
  const branches = [schema, ...['allOf', 'anyOf', 'oneOf'].flatMap((key) => (Array.isArray(schema[key]) ? (schema[key] as readonly Json[]) : []))].filter(isObject);
  if (branches.some(isOpen)) return undefined;
  const known = branches.flatMap((branch) => (isObject(branch['properties']) ? [branch['properties']] : []));
  if (known.every((properties) => Object.keys(properties).length === 0)) return undefined;
  return first(Object.keys(value), (name) => {
    const own = known.filter((properties) => Object.hasOwn(properties, name));
    return own.length === 0 ? name : first(own, (properties) => unknownMember(properties[name], value[name]));
  });
}

/** True for a schema that says of itself that there may be other members, or that says it elsewhere. */
const isOpen = (schema: JsonObject): boolean => ['additionalProperties', 'patternProperties', '$ref', 'unevaluatedProperties'].some((key) => schema[key] !== undefined && schema[key] !== false);

function first<A, B>(values: readonly A[], find: (value: A) => B | undefined): B | undefined {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const refused = (what: string) => new FlyballError('request_malformed', `the arguments do not fit the tool's schema: ${what}`);
