import type { EntitySource } from '../entities.js';
import { CedarError } from '../errors.js';
import type { Environment } from '../expressions/compiled.js';
import { isJsonObject, readUid, toRecord } from '../values/json.js';

/** A request in Cedar's JSON format, as whoever made it types it: reading it finds what is wrong. */
export interface RequestJson {
  readonly principal: unknown;
  readonly action: unknown;
  readonly resource: unknown;
  readonly context: unknown;
}

/** What a request's policies are evaluated in. Throws {@link CedarError} when it is no request of Cedar. */
export function toEnvironment(request: RequestJson, entities: EntitySource): Environment {
  if (!isJsonObject(request.context)) throw new CedarError('expected the context as an object');
  return {
    principal: readUid(request.principal),
    action: readUid(request.action),
    resource: readUid(request.resource),
    context: toRecord(request.context),
    entities,
  };
}
