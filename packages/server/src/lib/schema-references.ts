import { isObject, type Json, type JsonObject } from '@flyball/protocol';

const expansionsMost = 1_000;
const inPlaceLists = ['allOf', 'anyOf', 'oneOf'];
const inPlaceSingles = ['not', 'if', 'then', 'else'];
const inPlaceMaps = ['dependentSchemas'];
const memberKeys = ['additionalProperties', 'propertyNames', 'unevaluatedProperties'];
const itemKeys = ['items', 'contains', 'unevaluatedItems'];
const anyName = ' any';

/** What one value is held against at one place, and what its parts are held against after that. */
interface Closure {
  expansions: number;
  /** Schemas that each part of the value is held against, by how the part is reached. */
  readonly parts: Map<string, JsonObject[]>;
}

/**
 * What makes a schema's validation take time beyond all bounds: references that fan out on the same value, or
 * a recursion that looks at the same part more than once. A recursion that takes each part once is fine.
 */
export function endlessReferences(schema: JsonObject): string | undefined {
  if (refersByName(schema)) return 'it refers to its parts by names; expected JSON pointers (`#/$defs/…`)';
  const seen = new Set<JsonObject>();
  const queue: JsonObject[] = [schema];
  let recursive = false;
  let doubled = false;
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const closure: Closure = { expansions: 0, parts: new Map() };
    if (!expand(next, schema, closure, [])) return 'its references have no end, or too many ways';
    for (const schemas of closure.parts.values()) {
      recursive ||= schemas.some((part) => seen.has(part) && hasReference(part));
      doubled ||= schemas.length > 1 && schemas.some(hasReference);
      queue.push(...schemas);
    }
    if (seen.size > 10 * expansionsMost) return 'it has too many parts';
  }
  return recursive && doubled ? 'it refers to itself in more than one way at once' : undefined;
}

/** Follows everything that is held against the same value; false when that has no end in sight. */
function expand(schema: Json | undefined, root: JsonObject, closure: Closure, path: readonly JsonObject[]): boolean {
  if (!isObject(schema)) return true;
  if (path.includes(schema) || ++closure.expansions > expansionsMost) return false;
  const deeper = [...path, schema];
  const inPlace = [
    ...inPlaceLists.flatMap((key) => (Array.isArray(schema[key]) ? (schema[key] as readonly Json[]) : [])),
    ...inPlaceSingles.map((key) => schema[key]),
    ...inPlaceMaps.flatMap((key) => (isObject(schema[key]) ? Object.values(schema[key]) : [])),
    ...(typeof schema['$ref'] === 'string' ? [resolve(schema['$ref'], root)] : []),
  ];
  collectParts(schema, root, closure);
  return inPlace.every((next) => expand(next, root, closure, deeper));
}

function collectParts(schema: JsonObject, root: JsonObject, { parts }: Closure): void {
  const add = (key: string, part: Json | undefined) => {
    if (isObject(part)) parts.set(key, [...(parts.get(key) ?? []), target(part, root)]);
  };
  const patterns = isObject(schema['patternProperties']) ? Object.values(schema['patternProperties']) : [];
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  // A pattern may match any name, so its schema is held against each of them too.
  for (const name of [...Object.keys(properties), anyName]) for (const part of [properties[name], ...patterns]) add(`member ${name}`, part);
  for (const key of memberKeys) add(`member ${anyName}`, schema[key]);
  const items = Array.isArray(schema['prefixItems']) ? (schema['prefixItems'] as readonly Json[]) : [];
  for (const part of [...items, ...itemKeys.map((key) => schema[key])]) add('item', part);
}

/** A part that is nothing but a reference is what it refers to. */
function target(part: JsonObject, root: JsonObject): JsonObject {
  const referred = typeof part['$ref'] === 'string' && Object.keys(part).length === 1 ? resolve(part['$ref'], root) : undefined;
  return isObject(referred) ? referred : part;
}

/** References that are no pointers, and identifiers that would move what pointers are relative to. */
function refersByName(value: Json | undefined, level = 0): boolean {
  if (Array.isArray(value)) return (value as readonly Json[]).some((item) => refersByName(item, level + 1));
  if (!isObject(value)) return false;
  const ref = value['$ref'];
  const named = (typeof ref === 'string' && ref !== '#' && !ref.startsWith('#/')) || ['$dynamicRef', '$recursiveRef'].some((key) => typeof value[key] === 'string');
  const moved = level > 0 && typeof value['$id'] === 'string';
  return named || (moved && hasReference(value)) || Object.values(value).some((item) => refersByName(item, level + 1));
}

const hasReference = (schema: JsonObject): boolean => JSON.stringify(schema).includes('"$ref"');

/** Follows a JSON pointer inside the schema; other references are left to the compiler, which refuses them. */
function resolve(reference: string, root: JsonObject): Json | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let at: Json | undefined = root;
  for (const segment of reference.slice(2).split('/')) {
    const name = decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~');
    at = Array.isArray(at) ? (at as readonly Json[])[Number(name)] : isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}
