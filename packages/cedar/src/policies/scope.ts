import { CedarError } from '../errors.js';
import type { EntityUid } from '../values/entity-uid.js';
import { isJsonObject, type Json, readMembers, readText, readUid } from '../values/json.js';
import { isName } from '../values/name.js';
import { shown } from '../values/quote.js';

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

export interface Asked {
  readonly uid: EntityUid;
  /** Keys of all that the entity is in. */
  readonly ancestors: ReadonlySet<string> | undefined;
}

/** Whom a request asks for. */
export type AskedScope = Readonly<Record<keyof Scope, Asked>>;

/** What slots stand for: `?principal` and `?resource`. */
export type Slots = ReadonlyMap<string, EntityUid>;

/** A policy's head in the JSON policy format. Throws {@link CedarError} for what is none, and unless each slot has a value and each value a slot. */
export function readScope(principal: Json, action: Json, resource: Json, slots: Slots): Scope {
  const unused = [...slots.keys()].find((slot) => slotOf(principal) !== slot && slotOf(resource) !== slot);
  if (unused !== undefined) throw new CedarError(`expected no value for the slot \`${shown(unused)}\`, which is not there`);
  return { principal: readConstraint(principal, slots, '?principal'), action: readActionConstraint(action), resource: readConstraint(resource, slots, '?resource') };
}

/** The slot of a constraint, wherever it may stand. */
export function slotOf(constraint: Json | undefined): string | undefined {
  if (!isJsonObject(constraint)) return undefined;
  return typeof constraint['slot'] === 'string' ? constraint['slot'] : slotOf(constraint['in']);
}

function readConstraint(json: Json, slots: Slots, slot: string): Constraint {
  switch (isJsonObject(json) ? json['op'] : undefined) {
    case 'All':
    case 'all':
      readMembers(json, 'a constraint', ['op']);
      return { op: 'any' };
    case '==':
      return { op: 'equal', uid: readNamed(json, ['op'], slots, slot) };
    case 'in':
      return { op: 'in', uids: [readNamed(json, ['op'], slots, slot)] };
    case 'is': {
      const { entity_type, in: group } = readMembers(json, 'a constraint', ['op', 'entity_type'], ['in']);
      const type = readText(entity_type);
      if (!isName(type)) throw new CedarError(`expected \`is\` with the name of a type, got \`${shown(type)}\``);
      return group === undefined ? { op: 'is', type } : { op: 'is-in', type, uid: readNamed(group, [], slots, slot) };
    }
    default:
      throw new CedarError('expected a constraint with `op` All, ==, in or is');
  }
}

/** Actions have no slots and no `is`, but may be named in a list. */
function readActionConstraint(json: Json): Constraint {
  if (isJsonObject(json) && json['op'] === 'is') throw new CedarError('expected a constraint of the action with `op` All, == or in');
  if (!isJsonObject(json) || json['op'] !== 'in' || json['entities'] === undefined) return readConstraint(json, new Map(), '');
  const { entities } = readMembers(json, 'a constraint', ['op', 'entities']);
  if (!Array.isArray(entities)) throw new CedarError('expected `entities` as a list');
  return { op: 'in', uids: (entities as readonly Json[]).map(readUid) };
}

function readNamed(json: Json, others: readonly string[], slots: Slots, slot: string): EntityUid {
  const named = slotOf(json);
  if (named === undefined) return readUid(readMembers(json, 'a constraint', [...others, 'entity'])['entity']);
  readMembers(json, 'a constraint', [...others, 'slot']);
  const uid = named === slot ? slots.get(slot) : undefined;
  if (!uid) throw new CedarError(`expected a value for the slot \`${shown(named)}\``);
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

const parts = ['principal', 'action', 'resource'] as const;

/** Parts of a head that name others than those who are asked for; none where the policy is about this request. */
export const elsewhere = (scope: Scope, asked: AskedScope): readonly (keyof Scope)[] => parts.filter((part) => !holds(scope[part], asked[part].uid, asked[part].ancestors));
