import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import type { AskedEntity } from '../../policy/index.js';
import { obligationType, type Semantic, semantics } from './versions.js';

export interface AskedAction {
  readonly name: string;
  readonly properties?: JsonObject;
}

/** One access evaluation request (API 1.0, section 6.1), as far as it is understood here. */
export interface AskedEvaluation {
  readonly subject: AskedEntity;
  readonly action: AskedAction;
  readonly resource: AskedEntity;
  readonly context: JsonObject;
}

/** An entity of which a search names the type only; its `id` is ignored where it is there (section 8.4.1). */
export type AskedType = Pick<AskedEntity, 'type'>;

const nameBytesMax = 1_024;

/** The top level of every request. Throws `request_malformed`. */
export function readObject(value: Json): JsonObject {
  if (!isObject(value)) throw malformed('a JSON object');
  return value;
}

/** Members that are not known are ignored (section 10.1.1). Throws `request_malformed`. */
export const readEvaluation = (from: JsonObject): AskedEvaluation => ({
  subject: readEntity(from, 'subject'),
  action: readAction(from),
  resource: readEntity(from, 'resource'),
  context: readContext(from),
});

export function readEntity(from: JsonObject, member: 'subject' | 'resource'): AskedEntity {
  const entity = readMember(from, member);
  const [type, id] = [readText(entity['type'], `${member}.type`), readText(entity['id'], `${member}.id`)];
  const properties = readProperties(entity, member);
  return properties ? { type, id, properties } : { type, id };
}

export const readType = (from: JsonObject, member: 'subject' | 'resource'): AskedType => ({ type: readText(readMember(from, member)['type'], `${member}.type`) });

export function readAction(from: JsonObject): AskedAction {
  const action = readMember(from, 'action');
  const name = readText(action['name'], 'action.name');
  const properties = readProperties(action, 'action');
  return properties ? { name, properties } : { name };
}

export function readContext({ context }: JsonObject): JsonObject {
  if (context === undefined) return {};
  if (!isObject(context)) throw malformed('`context` as an object');
  return context;
}

function readMember(from: JsonObject, member: string): JsonObject {
  const value = from[member];
  if (!isObject(value)) throw malformed(`\`${member}\` as an object`);
  return value;
}

function readText(value: Json | undefined, what: string): string {
  if (typeof value !== 'string') throw malformed(`\`${what}\` as a string`);
  if (value.length > nameBytesMax || (value.length > nameBytesMax / 4 && Buffer.byteLength(value) > nameBytesMax)) throw malformed(`\`${what}\` of at most ${nameBytesMax} bytes`);
  return value;
}

function readProperties({ properties }: JsonObject, what: string): JsonObject | undefined {
  if (properties !== undefined && !isObject(properties)) throw malformed(`\`${what}.properties\` as an object`);
  return properties;
}

/** The requests of a batch, each with what it does not say itself from the top level, whole member by whole member (section 7.1.1); nothing where there is no batch. */
export function readBatch(from: JsonObject): { readonly items: readonly JsonObject[]; readonly semantic: Semantic } | undefined {
  const { evaluations, options } = from;
  if (options !== undefined && !isObject(options)) throw malformed('`options` as an object');
  const semantic = semantics.find((known) => known === (options?.['evaluations_semantic'] ?? 'execute_all'));
  if (!semantic) throw malformed(`\`options.evaluations_semantic\` to be one of ${semantics.join(', ')}`);
  if (evaluations === undefined) return undefined;
  if (!Array.isArray(evaluations) || !evaluations.every(isObject)) throw malformed('`evaluations` as a list of objects');
  if (evaluations.length > limits.evaluationsMax) throw malformed(`at most ${limits.evaluationsMax} evaluations`);
  if (evaluations.length === 0) return undefined;
  const { subject, action, resource, context } = from;
  return { semantic, items: evaluations.map((item) => ({ subject, action, resource, context, ...item })) };
}

/** Whether the enforcement point says that it honours the obligations that are issued here (Obligations Profile, section 7). */
export function honoursObligations({ supported_obligations: supported }: JsonObject): boolean {
  return Array.isArray(supported) && supported.includes(obligationType);
}

export const malformed = (expected: string): FlyballError => new FlyballError('request_malformed', `expected ${expected}`);
