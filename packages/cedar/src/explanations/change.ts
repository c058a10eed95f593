import { type Entity, type EntitySource, layered } from '../entities.js';
import type { Environment } from '../expressions/compiled.js';
import { EntityUid } from '../values/entity-uid.js';
import { CedarRecord, emptyRecord, identityOf, type Value } from '../values/value.js';
import type { Place } from './paths.js';

/** One thing of a request that would have to be otherwise. */
export type Change =
  | { readonly kind: 'set'; readonly place: Place; readonly value: Value; /** Any value but the present one would do; this is one. */ readonly anyOther?: true }
  | { readonly kind: 'remove'; readonly place: Place & { readonly in: 'context' | 'entity' } }
  | { readonly kind: 'join' | 'leave'; readonly uid: EntityUid; readonly group: EntityUid };

/** A text that only the same change has. */
export function changeKey(change: Change): string {
  if (!('place' in change)) return `${change.kind} ${change.uid.key} ${change.group.key}`;
  return `${placeKey(change.place)} ${change.kind === 'set' ? identityOf(change.value) : ''}`;
}

/** A text that only changes of the same thing have. */
export function subjectKey(change: Change): string {
  return !('place' in change) ? `member ${change.uid.key} ${change.group.key}` : placeKey(change.place);
}

function placeKey(place: Place): string {
  const owner = place.in === 'request' ? place.part : place.in === 'entity' ? place.uid.key : 'context';
  return JSON.stringify([place.in, owner, ...(place.in === 'request' ? [] : place.path)]);
}

/** The request as it would be. */
export function applyChanges(changes: readonly Change[], environment: Environment): Environment {
  return changes.reduce<Environment>((changed, change) => applyChange(change, changed), environment);
}

function applyChange(change: Change, environment: Environment): Environment {
  if (!('place' in change)) return { ...environment, entities: withMembership(change.uid, change.group, change.kind === 'join', environment.entities) };
  const { place } = change;
  const value = change.kind === 'set' ? change.value : undefined;
  if (place.in === 'request') return value instanceof EntityUid ? { ...environment, [place.part]: value } : environment;
  if (place.in === 'context') return { ...environment, context: put(environment.context, place.path, value) };
  const entity = environment.entities.get(place.uid.key) ?? { uid: place.uid, attributes: emptyRecord, tags: emptyRecord, parents: [], ancestors: new Set<string>() };
  return { ...environment, entities: overlay({ ...entity, ancestors: entity.ancestors, attributes: put(entity.attributes, place.path, value) }, environment.entities) };
}

const overlay = (entity: Entity, entities: EntitySource): EntitySource => layered({ get: (key) => (key === entity.uid.key ? entity : undefined) }, entities);

/** A record with a value at a path, or without it; what is not a record on the way becomes one. */
function put(record: CedarRecord, [name, ...rest]: readonly string[], value: Value | undefined): CedarRecord {
  if (name === undefined) return value instanceof CedarRecord ? value : record;
  const attributes = new Map(record.attributes);
  const present = attributes.get(name);
  const next = rest.length === 0 ? value : put(present instanceof CedarRecord ? present : emptyRecord, rest, value);
  if (next === undefined) attributes.delete(name);
  else attributes.set(name, next);
  return new CedarRecord(attributes);
}

/** Entities in which one is, or is no longer, in a group, by whatever way it was. */
function withMembership(uid: EntityUid, group: EntityUid, joins: boolean, entities: EntitySource): EntitySource {
  const entity = entities.get(uid.key) ?? { uid, attributes: emptyRecord, tags: emptyRecord, parents: [], ancestors: new Set<string>() };
  const leads = (key: string) => key === group.key || (entities.get(key)?.ancestors.has(group.key) ?? false);
  const parents = joins ? [...entity.parents, group] : entity.parents.filter((parent) => !leads(parent.key));
  const ancestors = new Set(parents.flatMap((parent) => [parent.key, ...(entities.get(parent.key)?.ancestors ?? [])]));
  return overlay({ ...entity, parents, ancestors }, entities);
}
