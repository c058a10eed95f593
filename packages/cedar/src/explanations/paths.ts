import { compiledOf, single } from '../expressions/compile.js';
import type { Environment } from '../expressions/compiled.js';
import { isJsonObject, type Json } from '../values/json.js';
import { EntityUid } from '../values/entity-uid.js';
import { attempt } from '../expressions/parts.js';

export type RequestPart = 'principal' | 'action' | 'resource';

/** Where a value of a request stands: in the context, in an entity's attributes, or as the request itself. */
export type Place =
  | { readonly in: 'request'; readonly part: RequestPart }
  | { readonly in: 'context'; readonly path: readonly string[] }
  | { readonly in: 'entity'; readonly uid: EntityUid; readonly path: readonly string[] };

/** The place that an expression reads, if it is a variable or an attribute of one. */
export function placeOf(json: Json, environment: Environment): Place | undefined {
  const [operator, operand] = single(json);
  if (operator === 'Var') return operand === 'context' ? { in: 'context', path: [] } : { in: 'request', part: operand as RequestPart };
  if (operator !== '.' || !isJsonObject(operand)) return undefined;
  return attributeOf(operand['left'] ?? null, [String(operand['attr'])], environment);
}

/** The place of an attribute behind an expression. */
export function attributeOf(left: Json, names: readonly string[], environment: Environment): Place | undefined {
  const owner = placeOf(left, environment);
  if (!owner) return undefined;
  const value = attempt(() => compiledOf(left).run(environment));
  // An attribute that is an entity leads on into that entity.
  if (value instanceof EntityUid) return { in: 'entity', uid: value, path: names };
  // What is not there yet can be put there, except where it would be an entity's.
  if (owner.in === 'request') return undefined;
  return { ...owner, path: [...owner.path, ...names] };
}
