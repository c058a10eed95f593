import type { Environment } from '../expressions/compiled.js';
import type { EntityUid } from '../values/entity-uid.js';
import { CedarRecord, type Value } from '../values/value.js';

/** One thing that happened: a request, the response to it, or its error. */
export interface PastEvent {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly action: EntityUid;
  /** `request`, `response` or `error`. */
  readonly event: string;
  /** What was logged of it: `input`, `output`, and whatever else the host writes. */
  readonly record: CedarRecord;
}

/** What a clause's terms are read from: the request that is decided. */
export type Present = Pick<Environment, 'principal' | 'resource' | 'context' | 'entities'>;

/** The value at a path within a record, if it is there. */
export function valueAt(record: CedarRecord, path: readonly string[]): Value | undefined {
  let value: Value | undefined = record;
  for (const name of path) value = value instanceof CedarRecord ? value.attributes.get(name) : undefined;
  return value;
}

/** The request's principal or resource, or an attribute of it; its id and type where no attribute is called so. */
export function entityValue(uid: EntityUid, path: readonly string[], { entities }: Present): Value | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return uid;
  const attribute = entities.get(uid.key)?.attributes.attributes.get(first);
  if (attribute === undefined) return rest.length > 0 ? undefined : first === 'id' ? uid.id : first === 'type' ? uid.type : undefined;
  return rest.length === 0 ? attribute : attribute instanceof CedarRecord ? valueAt(attribute, rest) : undefined;
}
