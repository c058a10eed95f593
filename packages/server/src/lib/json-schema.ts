import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { limits } from './limits.js';

/** Patterns from strangers run in linear time; one that such an engine cannot express is taken as fulfilled. */
const linearPattern = Object.assign(
  (pattern: string) => {
    try {
      const compiled = RE2JS.compile(pattern);
      return { test: (text: string) => compiled.matcher(text).find() };
    } catch {
      return { test: () => true };
    }
  },
  { code: 'linearPattern' },
);

const ajv = () => new Ajv2020({ strict: false, validateFormats: false, allErrors: false, addUsedSchema: false, code: { regExp: linearPattern } });

const compiled = new WeakMap<JsonObject, ValidateFunction>();

/**
 * First way in which a value does not fulfil a JSON Schema (2020-12), or nothing. The schema may be a
 * stranger's: depth and size are bounded first, and nothing is ever fetched. Throws `config_invalid` for a
 * schema that cannot be compiled.
 */
export function schemaFault(schema: JsonObject, value: Json | undefined): string | undefined {
  const validate = compiled.get(schema) ?? compile(schema);
  if (validate(value)) return undefined;
  const [error] = validate.errors ?? [];
  return `\`${error?.instancePath ?? ''}\` ${error?.message ?? 'does not fulfil the schema'}`.slice(0, 300);
}

function compile(schema: JsonObject): ValidateFunction {
  if (depth(schema) > limits.schemaDepthMax || JSON.stringify(schema).length > limits.schemaBytesMax) throw unusable('it is too deep or too large');
  try {
    // Annotations of others have no meaning here, and an `$id` would be shared between strangers.
    const { $id: _id, $schema: _schema, ...rest } = schema;
    const validate = ajv().compile(rest);
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
