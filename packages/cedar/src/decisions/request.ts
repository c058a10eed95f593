import type { EntitySource } from '../entities.js';
import { CedarError } from '../errors.js';
import type { Environment } from '../expressions/compiled.js';
import { isJsonObject, type JsonObject, readUid, toRecord } from '../values/json.js';
import { lateRecord } from '../values/late-record.js';
import type { CedarRecord } from '../values/value.js';

/** A request in Cedar's JSON format, as whoever made it types it: reading it finds what is wrong. */
export interface RequestJson {
  readonly principal: unknown;
  readonly action: unknown;
  readonly resource: unknown;
  readonly context: unknown;
}

/** What a request's policies are evaluated in. Throws {@link CedarError} when it is no request of Cedar. */
export const toEnvironment = (request: RequestJson, entities: EntitySource): Environment => environmentWith(toRecord, request, entities);

/**
 * As {@link toEnvironment}, for whoever makes many requests that are of Cedar's format anyway: a member of the context is
 * read when a policy asks for it, and what is wrong with one that none asks for is not found.
 */
export const toLateEnvironment = (request: RequestJson, entities: EntitySource): Environment => environmentWith(lateRecord, request, entities);

function environmentWith(read: (json: JsonObject) => CedarRecord, { principal, action, resource, context }: RequestJson, entities: EntitySource): Environment {
  if (!isJsonObject(context)) throw new CedarError('expected the context as an object');
  return { principal: readUid(principal), action: readUid(action), resource: readUid(resource), context: read(context), entities };
}
