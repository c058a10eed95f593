import { canonicalText, FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { limits } from './limits.js';
import { endlessReferences } from './schema-references.js';

/** Ajv keeps compiled patterns by how they print. */
const printed = (pattern: string) => `/${pattern}/u`;

/** Patterns from strangers run in linear time; one that such an engine cannot express is taken as fulfilled. */
const linearPattern = Object.assign(
  (pattern: string) => {
    try {
      const compiled = RE2JS.compile(pattern);
      return { test: (text: string) => compiled.matcher(text).find(), toString: () => printed(pattern) };
    } catch {
      return { test: () => true, toString: () => printed(pattern) };
    }
  },
  { code: 'linearPattern' },
);

/** Comparing every item with every other takes hours for what one request may carry; their canonical texts are compared instead. */
const uniqueItems = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must NOT have duplicate items' },
  validate: (unique: boolean, items: readonly unknown[]) => !unique || new Set(items.map(canonicalText)).size === items.length,
} as const;

const draft7 = /^https?:\/\/json-schema\.org\/draft-0[67]\//;

function ajv(schema: JsonObject): Ajv {
  const Dialect = typeof schema['$schema'] === 'string' && draft7.test(schema['$schema']) ? Ajv : Ajv2020;
  const instance = new Dialect({ strict: false, validateFormats: false, allErrors: false, addUsedSchema: false, ownProperties: true, code: { regExp: linearPattern } });
  instance.removeKeyword('uniqueItems');
  instance.addKeyword(uniqueItems);
  return instance;
}

const compiled = new WeakMap<JsonObject, ValidateFunction>();

/**
 * First way in which a value does not fulfil a JSON Schema (2020-12), or nothing. The schema may be a
 * stranger's: depth and size are bounded first, and nothing is ever fetched. Throws `config_invalid` for a
 * schema that cannot be compiled.
 */
export function schemaFault(schema: JsonObject, value: Json | undefined): string | undefined {
  const validate = compiled.get(schema) ?? compile(schema);
  if (isValid(validate, value)) return undefined;
  const [error] = validate.errors ?? [];
  return `\`${error?.instancePath ?? ''}\` ${error?.message ?? 'does not fulfil the schema'}`.slice(0, 300);
}

function isValid(validate: ValidateFunction, value: unknown): boolean {
  try {
    return validate(value) === true;
  } catch (cause) {
    throw unusable('it refers to itself without end', cause);
  }
}

function compile(schema: JsonObject): ValidateFunction {
  if (depth(schema) > limits.schemaDepthMax || JSON.stringify(schema).length > limits.schemaBytesMax) throw unusable('it is too deep or too large');
  const endless = endlessReferences(schema);
  if (endless !== undefined) throw unusable(endless);
  try {
    // Annotations of others have no meaning here, and an `$id` would be shared between strangers.
    const { $id: _id, $schema: _schema, $async: _async, ...rest } = schema;
    const validate = ajv(schema).compile(rest);
    compiled.set(schema, validate);
    return validate;
  } catch (cause) {
    throw unusable(cause instanceof Error ? cause.message : 'unknown', cause);
  }
}

function depth(value: unknown, level = 0): number {
  if (level > limits.schemaDepthMax) return level;
  if (Array.isArray(value)) return value.reduce<number>((most, item) => Math.max(most, depth(item, level + 1)), level);
  if (isObject(value)) return Object.values(value).reduce<number>((most, item) => Math.max(most, depth(item, level + 1)), level);
  return level;
}

const unusable = (why: string, cause?: unknown) => new FlyballError('config_invalid', `the schema cannot be used: ${why.slice(0, 200)}`, { cause });
