import { CedarError, EvaluationError } from '../errors.js';
import { EntityUid } from './entity-uid.js';
import { applyExtension } from './extension-functions.js';
import { readLong } from './long.js';
import { shown } from './quote.js';
import { CedarRecord, CedarSet, type Value } from './value.js';
import { Datetime } from './datetime.js';
import { Decimal } from './decimal.js';
import { Duration } from './duration.js';

/** JSON as `JSON.parse` or {@link parseJson} make it: large integers are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** How deep values may be inside each other. */
export const depthMax = 64;

/** A value of Cedar's JSON format, with its escapes `__entity` and `__extn`. Throws {@link CedarError}. */
export function toValue(json: Json | undefined, depth = 0): Value {
  if (depth > depthMax) throw new CedarError(`expected values at most ${depthMax} deep`);
  switch (typeof json) {
    case 'boolean':
      return json;
    case 'string':
      return wellFormed(json);
    case 'number':
    case 'bigint':
      return readLong(json);
    default:
  }
  if (Array.isArray(json)) return new CedarSet((json as readonly Json[]).map((item) => toValue(item, depth + 1)));
  if (!isJsonObject(json)) throw new CedarError('expected a boolean, an integer, a string, an array or an object, got null');
  return toEscaped(json, depth) ?? toRecord(json, depth);
}

/** An object as a record, whatever its names; the values in it may be escapes. */
export function toRecord(json: JsonObject, depth = 0): CedarRecord {
  const attributes = new Map<string, Value>();
  for (const name of Object.keys(json)) attributes.set(wellFormed(name), toValue(json[name], depth + 1));
  return new CedarRecord(attributes);
}

/** A text of Cedar. Throws {@link CedarError}. */
export function readText(json: Json | undefined): string {
  if (typeof json !== 'string') throw new CedarError('expected a text');
  return wellFormed(json);
}

/** An object with these members and no others: one that is misspelt would be left out in silence. Throws {@link CedarError}. */
export function readMembers<Required extends string, Optional extends string = never>(json: unknown, what: string, required: readonly Required[], optional: readonly Optional[] = []): Readonly<Record<Required, Json> & Partial<Record<Optional, Json>>> {
  if (!isJsonObject(json)) throw new CedarError(`expected ${what} as an object`);
  const missing = required.find((name) => !Object.hasOwn(json, name));
  if (missing !== undefined) throw new CedarError(`expected ${what} with \`${missing}\``);
  const known: readonly string[] = [...required, ...optional];
  const unknown = Object.keys(json).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new CedarError(`expected ${what} without \`${shown(unknown)}\``);
  return json as Readonly<Record<Required, Json> & Partial<Record<Optional, Json>>>;
}

/** Cedar's strings are Unicode; half a surrogate pair is none. */
function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new CedarError('expected well-formed Unicode');
  return text;
}

function toEscaped(json: JsonObject, depth: number): Value | undefined {
  const names = Object.keys(json);
  if (names.length !== 1) return undefined;
  const [name] = names;
  if (name === '__entity') return readUid(json[name]);
  if (name === '__expr') throw new CedarError('expected a value, got `__expr`, which Cedar no longer takes');
  return name === '__extn' ? toExtension(json[name], depth) : undefined;
}

function toExtension(call: Json | undefined, depth: number): Value {
  if (!isJsonObject(call) || typeof call['fn'] !== 'string') throw new CedarError('expected `__extn` with `fn` and `arg`');
  const args = Array.isArray(call['args']) ? (call['args'] as readonly Json[]) : [call['arg']];
  try {
    return applyExtension(call['fn'], args.map((arg) => toValue(arg, depth + 1)));
  } catch (error) {
    if (error instanceof EvaluationError) throw new CedarError(error.message);
    throw error;
  }
}

/** An entity uid: `{"type", "id"}`, or the same as `__entity`. Throws {@link CedarError}. */
export function readUid(json: unknown): EntityUid {
  const plain = isJsonObject(json) && isJsonObject(json['__entity']) ? json['__entity'] : json;
  if (!isJsonObject(plain) || typeof plain['type'] !== 'string' || typeof plain['id'] !== 'string') throw new CedarError('expected an entity as {"type", "id"}');
  return new EntityUid(plain['type'], wellFormed(plain['id']));
}

/** The value in Cedar's JSON format, members sorted by name. */
export function fromValue(value: Value): Json {
  if (typeof value !== 'object') return value;
  if (value instanceof EntityUid) return { __entity: { type: value.type, id: value.id } };
  if (value instanceof CedarSet) return [...value].map(fromValue);
  if (value instanceof CedarRecord) return Object.fromEntries([...value.attributes].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, member]) => [name, fromValue(member)]));
  if (value instanceof Datetime) return { __extn: { fn: 'offset', args: [{ __extn: { fn: 'datetime', arg: '1970-01-01' } }, { __extn: { fn: 'duration', arg: new Duration(value.epochMs).toString() } }] } };
  return { __extn: { fn: value instanceof Decimal || value instanceof Duration ? value.kind : 'ip', arg: value.toString() } };
}
