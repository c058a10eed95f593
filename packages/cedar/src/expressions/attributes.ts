import { CedarError, EvaluationError, typeError } from '../errors.js';
import { EntityUid } from '../values/entity-uid.js';
import { type Json, readText } from '../values/json.js';
import { CedarRecord, typeOf, type Value } from '../values/value.js';
import { isIdentifier } from '../values/name.js';
import { quoted } from '../values/quote.js';
import { type Compiled, type Environment, nestingMax, type Run } from './compiled.js';

/** An attribute's name as it stands behind a value: `.name`, or `["odd name"]`. */
export const dotted = (name: string): string => (isIdentifier(name) ? `.${name}` : `[${quoted(name)}]`);

/** `left.name`. */
export function attributeOf(left: Compiled, name: string): Compiled {
  const path = left.path === undefined ? undefined : left.path + dotted(name);
  const run: Run = (environment) => {
    const owner = left.run(environment);
    const value = attributesOf(owner, environment, path)?.get(name);
    if (value !== undefined) return value;
    throw missing(owner, name, path);
  };
  return { run, ...(path !== undefined && { path }) };
}

function missing(owner: Value, name: string, path: string | undefined): EvaluationError {
  const whose = owner instanceof EntityUid ? `\`${String(owner)}\`` : 'record';
  return new EvaluationError('attribute', `${whose} does not have the attribute \`${name}\`${path === undefined ? '' : `: \`${path}\``}`, path ?? name);
}

function attributesOf(owner: Value, environment: Environment, path: string | undefined): ReadonlyMap<string, Value> {
  if (owner instanceof CedarRecord) return owner.attributes;
  if (!(owner instanceof EntityUid)) throw typeError('(entity or record)', typeOf(owner));
  const entity = environment.entities.get(owner.key);
  if (!entity) throw noEntity(owner, path);
  return entity.attributes.attributes;
}

const noEntity = (uid: EntityUid, path?: string) => new EvaluationError('entity', `entity \`${String(uid)}\` does not exist`, path);

/** `left has name`, or `left has one.two.three`. */
export function hasAttribute(left: Compiled, json: Json): Compiled {
  const names = (Array.isArray(json) ? (json as readonly Json[]) : [json]).map(readText);
  if (names.length === 0 || names.length > nestingMax) throw new CedarError(`expected \`has\` with a name or a list of at most ${nestingMax} names`);
  return {
    run: (environment) => {
      let owner = left.run(environment);
      for (const name of names) {
        const value = lookUp(owner, name, environment);
        if (value === undefined) return false;
        owner = value;
      }
      return true;
    },
  };
}

function lookUp(owner: Value, name: string, environment: Environment): Value | undefined {
  if (owner instanceof CedarRecord) return owner.attributes.get(name);
  if (owner instanceof EntityUid) return environment.entities.get(owner.key)?.attributes.attributes.get(name);
  throw typeError('(entity or record)', typeOf(owner));
}

const tagName = (value: Value): string => {
  if (typeof value === 'string') return value;
  throw typeError('string', typeOf(value));
};

const tagged = (value: Value): EntityUid => {
  if (value instanceof EntityUid) return value;
  throw typeError('(entity of any type)', typeOf(value));
};

/** `left.hasTag(right)`. */
export function hasTag(left: Value, right: Value, environment: Environment): Value {
  const entity = environment.entities.get(tagged(left).key);
  return entity?.tags.attributes.has(tagName(right)) ?? (tagName(right), false);
}

/** `left.getTag(right)`. */
export function getTag(left: Value, right: Value, environment: Environment): Value {
  const uid = tagged(left);
  const name = tagName(right);
  const entity = environment.entities.get(uid.key);
  if (!entity) throw noEntity(uid);
  const value = entity.tags.attributes.get(name);
  if (value !== undefined) return value;
  throw new EvaluationError('tag', `\`${String(uid)}\` does not have the tag \`${name}\``, name);
}
