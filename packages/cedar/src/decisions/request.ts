import type { EntitySource } from '../entities.js';
import type { Environment } from '../expressions/compiled.js';
import { type Json, type JsonObject, readUid, toRecord } from '../values/json.js';

/** A request in Cedar's JSON format. */
export interface RequestJson {
  readonly principal: Json;
  readonly action: Json;
  readonly resource: Json;
  readonly context: JsonObject;
}

/** What a request's policies are evaluated in. Throws {@link CedarError} when it is no request of Cedar. */
export const toEnvironment = (request: RequestJson, entities: EntitySource): Environment => ({
  principal: readUid(request.principal),
  action: readUid(request.action),
  resource: readUid(request.resource),
  context: toRecord(request.context),
  entities,
});
