import { CedarError } from '../errors.js';
import type { EntityUid } from '../values/entity-uid.js';
import { isJsonObject, type Json, readUid } from '../values/json.js';

/** Whom a policy's head names: anyone, one entity, all in some entities, a type, or a type within an entity. */
export type Constraint =
  | { readonly op: 'any' }
  | { readonly op: 'equal'; readonly uid: EntityUid }
  | { readonly op: 'in'; readonly uids: readonly EntityUid[] }
  | { readonly op: 'is'; readonly type: string }
  | { readonly op: 'is-in'; readonly type: string; readonly uid: EntityUid };

export interface Scope {
  readonly principal: Constraint;
  readonly action: Constraint;
  readonly resource: Constraint;
}

/** What slots stand for: `?principal` and `?resource`. */
export type Slots = ReadonlyMap<string, EntityUid>;

/** A constraint of the JSON policy format. Throws {@link CedarError} for what is none, or has an unlinked slot. */
export function readConstraint(json: Json | undefined, slots: Slots): Constraint {
  if (!isJsonObject(json)) throw new CedarError('expected a constraint as an object');
  switch (json['op']) {
    case 'All':
      return { op: 'any' };
    case '==':
      return { op: 'equal', uid: readNamed(json, slots) };
    case 'in':
      return { op: 'in', uids: Array.isArray(json['entities']) ? (json['entities'] as readonly Json[]).map(readUid) : [readNamed(json, slots)] };
    case 'is': {
      const { entity_type: type, in: group } = json;
      if (typeof type !== 'string') throw new CedarError('expected `is` with a type');
      return group === undefined ? { op: 'is', type } : { op: 'is-in', type, uid: readNamed(group, slots) };
    }
    default:
      throw new CedarError('expected a constraint with `op` All, ==, in or is');
  }
}

function readNamed(json: Json, slots: Slots): EntityUid {
  if (!isJsonObject(json) || typeof json['slot'] !== 'string') return readUid(isJsonObject(json) ? json['entity'] : undefined);
  const uid = slots.get(json['slot']);
  if (!uid) throw new CedarError(`expected a value for the slot \`${json['slot']}\``);
  return uid;
}

/** True when the head names an entity; `ancestors` are the keys of all that the entity is in. */
export function holds(constraint: Constraint, uid: EntityUid, ancestors: ReadonlySet<string> | undefined): boolean {
  const isIn = (group: EntityUid) => group.key === uid.key || (ancestors?.has(group.key) ?? false);
  switch (constraint.op) {
    case 'any':
      return true;
    case 'equal':
      return constraint.uid.key === uid.key;
    case 'in':
      return constraint.uids.some(isIn);
    case 'is':
      return constraint.type === uid.type;
    case 'is-in':
      return constraint.type === uid.type && isIn(constraint.uid);
  }
}
