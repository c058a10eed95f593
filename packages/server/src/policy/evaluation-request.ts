import { CedarRecord, Entities, type Entity, type EntitySource, EntityUid, type Environment, toLateEnvironment, toRecord } from '@flyball/cedar';
import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { DecisionInputs, Resource } from '../action/states.js';
import { Memo } from '../lib/memo.js';
import type { EngineRequest } from './engine.js';
import type { KnownEntities } from './known-entities.js';

/** True for inputs of an enforcement point's question: its subject has a type of the catalogue, where a caller of ours is an identity. */
export const isEvaluation = ({ principal }: Pick<DecisionInputs, 'principal'>): boolean => typeof principal['type'] === 'string';

/** The identity that asked: an enforcement point, or whoever acts itself. */
export const askedBy = ({ principal, context }: Pick<DecisionInputs, 'principal' | 'context'>): Json | undefined => (typeof principal['type'] === 'string' ? context['enforcement_point'] : principal['id']);

/** Of the names of what policies could not see, those that are no arguments. */
export const notArguments = ({ context }: Pick<DecisionInputs, 'context'>): readonly string[] => (Array.isArray(context['unrepresented']) ? (context['unrepresented'] as readonly string[]) : []).filter((path) => /^(subject|resource)\.properties\.|^context\./.test(path));

/** A resource as the policies of its kind of request know it. */
export const resourceUid = ({ type, id }: Resource, typed: boolean): { readonly type: string; readonly id: string } => (typed ? { type, id } : { type: 'Resource', id: `${type}/${id}` });

/** The inputs of an evaluation as the engine's request: subject, action and resource with what the request said of them. */
export function evaluationRequest(inputs: DecisionInputs, resource: Resource, actionGroups: readonly string[], known: KnownEntities | undefined): EngineRequest {
  const { type, id, attributes } = inputs.principal as { type: string; id: string; attributes: JsonObject };
  const principal = { type, id };
  const action = { type: 'Action', id: inputs.action };
  const target = resourceUid(resource, true);
  const stated = Array.isArray(inputs.entities) ? (inputs.entities as readonly Json[]) : [];
  const entities: Json = [{ uid: principal, attrs: attributes, parents: [] }, { uid: action, attrs: {}, parents: actionGroups.map((group) => ({ type: 'Action', id: group })) }, ...stated];
  return { principal, action, resource: target, context: inputs.context, entities, known: known ?? nobody };
}

const nobody: KnownEntities = { source: Entities.fromJson([]), json: new Map() };

const actions = new Memo<Entities>(10_000);

/** What an evaluation's policies are evaluated in: the bundle's entities, with what the request adds to two of them. */
export function evaluationEnvironment(request: EngineRequest, { source }: KnownEntities): Environment {
  const [subject, action, ...others] = Array.isArray(request.entities) ? (request.entities as readonly JsonObject[]) : [];
  const said = subject ? [subject, ...others].flatMap((json) => merged(json, source) ?? []) : [];
  const added = new Map(said.map((entity) => [entity.uid.key, entity] as const));
  const verbs = action && actionOf(action, request.action.id);
  return toLateEnvironment(request, { get: (key) => added.get(key) ?? source.get(key) ?? verbs?.get(key) });
}

/** An action and its groups are the same time after time; the groups are in the key, for another bundle has others. */
function actionOf(json: JsonObject, id: string): Entities {
  const key = `${id}\n${(json['parents'] as readonly { readonly id: string }[]).map((parent) => parent.id).join('\n')}`;
  return actions.of(key, () => Entities.fromJson([json]));
}

/** An entity with what a request says of it; what the bundle states counts. Nothing where the request says nothing. */
function merged({ uid, attrs }: JsonObject, source: EntitySource): Entity | undefined {
  if (!isObject(attrs) || Object.keys(attrs).length === 0) return undefined;
  const { type, id } = uid as { readonly type: string; readonly id: string };
  const own = new EntityUid(type, id);
  const known = source.get(own.key);
  const said = toRecord(attrs as Parameters<typeof toRecord>[0]);
  const attributes = known ? new CedarRecord(new Map([...said.attributes, ...known.attributes.attributes])) : said;
  return { uid: own, attributes, tags: known?.tags ?? empty, parents: known?.parents ?? [], ancestors: known?.ancestors ?? nothing };
}

const empty = new CedarRecord(new Map());
const nothing: ReadonlySet<string> = new Set();

/** All entities of an evaluation in Cedar's JSON format, for an engine that knows none of them. */
export function allEntities({ entities, known }: EngineRequest): Json {
  if (!known || !Array.isArray(entities)) return entities;
  const all = new Map(known.json);
  for (const entity of entities as readonly { readonly uid: { readonly type: string; readonly id: string }; readonly attrs: JsonObject }[]) {
    const key = `${entity.uid.type}::"${entity.uid.id}`;
    const stated = all.get(key) as { readonly attrs: JsonObject } | undefined;
    all.set(key, stated ? { ...stated, attrs: { ...entity.attrs, ...stated.attrs } } : (entity as unknown as Json));
  }
  return [...all.values()];
}
