import { isObject, type Json } from '@flyball/protocol';
import type { Reached } from '../../action/stages.js';
import type { Situated } from '../../action/states.js';

const namesMost = 5;
const nameMost = 64;

/**
 * Says which arguments of a denied call do not have the type that the tool's own schema gives them, in a sentence; empty
 * where there is nothing to say. It stands beside every denial alike, so it tells nothing of policies, and only to whom
 * the tool is listed.
 */
export function misfitWords(reached: Reached, couldAllow: (situated: Situated) => boolean): string {
  const { call: { tool, args }, principal, session } = reached;
  if (!tool?.accepted || !principal || !session) return '';
  const schema = tool.definition['inputSchema'];
  const properties = isObject(schema) && isObject(schema['properties']) ? schema['properties'] : {};
  const misfits = Object.entries(args).flatMap(([name, value]) => {
    const declared = Object.hasOwn(properties, name) ? typesOf(properties[name]) : [];
    return declared.length > 0 && value !== undefined && !declared.some((type) => types[type]?.(value) === true) ? [`\`${name.slice(0, nameMost)}\` (declared as ${declared.join(' or ')})`] : [];
  });
  if (misfits.length === 0 || !couldAllow({ ...reached, principal, session } as Situated)) return '';
  return `${misfits.length === 1 ? 'An argument does' : 'Arguments do'} not have the type of the tool's schema: ${misfits.slice(0, namesMost).join(', ')}. `;
}

const types: Readonly<Record<string, (value: Json) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: isObject,
  null: (value) => value === null,
};

/** The types that a property declares by `type`; none where it declares them otherwise, or in a way that is none. */
function typesOf(property: Json | undefined): readonly string[] {
  const declared = isObject(property) ? property['type'] : undefined;
  const listed = Array.isArray(declared) ? (declared as readonly Json[]) : [declared];
  return listed.every((type): type is string => typeof type === 'string' && Object.hasOwn(types, type)) ? listed : [];
}
