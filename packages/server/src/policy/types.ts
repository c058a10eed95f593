import { isObject, type Json, type JsonObject } from '@flyball/protocol';

/** How an argument looks to policies. What has no such form is left out and named. */
export type ArgumentType =
  | { readonly kind: 'string' | 'integer' | 'decimal' | 'boolean' }
  | { readonly kind: 'set'; readonly element: ArgumentType }
  | { readonly kind: 'record'; readonly attributes: Readonly<Record<string, { readonly type: ArgumentType; readonly required: boolean }>> };

const depthMax = 6;

/** Reads a tool's JSON Schema (2020-12) as far as Cedar's types go: unions, references and open maps have none. */
export function argumentType(schema: Json | undefined, depth = 0): ArgumentType | undefined {
  if (!isObject(schema) || depth > depthMax) return undefined;
  switch (schema['type']) {
    case 'string':
    case 'integer':
    case 'boolean':
      return { kind: schema['type'] };
    case 'number':
      return { kind: 'decimal' };
    case 'array': {
      const element = argumentType(schema['items'], depth + 1);
      return element && { kind: 'set', element };
    }
    case 'object':
      return recordType(schema, depth);
    default:
      return undefined;
  }
}

function recordType(schema: JsonObject, depth: number): ArgumentType {
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const typed = Object.entries(properties).flatMap(([name, property]) => {
    const type = isReserved(name) ? undefined : argumentType(property, depth + 1);
    return type ? [[name, { type, required: required.includes(name) }] as const] : [];
  });
  return { kind: 'record', attributes: Object.fromEntries(typed) };
}

/** Member names that Cedar's JSON format would read as something else than a record's attribute. */
export const isReserved = (name: string): boolean => name === '__entity' || name === '__extn' || name === '__expr' || name === '__proto__';

export interface Encoded {
  readonly value: Json | undefined;
  /** Paths of what could not be carried over exactly: a guard that needs one of them stays shut. */
  readonly left: readonly string[];
}

/** A value as Cedar JSON of exactly the declared type, or nothing. Never reads the value as an entity or an extension. */
export function encode(value: Json | undefined, type: ArgumentType, path: string): Encoded {
  switch (type.kind) {
    case 'string':
      return typeof value === 'string' ? fits(value) : missing(path);
    case 'boolean':
      return typeof value === 'boolean' ? fits(value) : missing(path);
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? fits(value) : missing(path);
    case 'decimal': {
      const decimal = typeof value === 'number' ? toDecimal(value) : undefined;
      return decimal === undefined ? missing(path) : fits({ __extn: { fn: 'decimal', arg: decimal } });
    }
    case 'set':
      return Array.isArray(value) ? encodeSet(value as readonly Json[], type.element, path) : missing(path);
    case 'record':
      return isObject(value) ? encodeRecord(value, type.attributes, path) : missing(path);
  }
}

function encodeSet(values: readonly Json[], element: ArgumentType, path: string): Encoded {
  const items = values.map((item) => encode(item, element, `${path}[]`));
  // A set without one of its members would say less than was asked for, so none of it is shown.
  return items.every((item) => item.left.length === 0) ? fits(items.map((item) => item.value as Json)) : missing(path);
}

function encodeRecord(value: JsonObject, attributes: Extract<ArgumentType, { kind: 'record' }>['attributes'], path: string): Encoded {
  const members: [string, Json][] = [];
  const left: string[] = [];
  for (const name of Object.keys(value)) {
    if (value[name] === undefined) continue;
    const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    const inner = path === '' ? name : `${path}.${name}`;
    const encoded = attribute ? encode(value[name], attribute.type, inner) : missing(inner);
    if (encoded.value !== undefined) members.push([name, encoded.value]);
    for (const unseen of encoded.left) left.push(unseen);
  }
  return { value: Object.fromEntries(members), left };
}

const decimalMost = 922_337_203_685_477;

/** A number as Cedar decimal text, if four digits after the point carry it exactly. */
export function toDecimal(value: number): string | undefined {
  if (!Number.isFinite(value) || Math.abs(value) >= decimalMost) return undefined;
  const text = value.toFixed(4);
  return Number(text) === value ? text : undefined;
}

const nothing: readonly string[] = [];
const fits = (value: Json): Encoded => ({ value, left: nothing });
const missing = (path: string): Encoded => ({ value: undefined, left: [path] });
