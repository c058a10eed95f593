import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { DecisionInputs, Situated } from '../action/states.js';
import { encodeAttributes } from './attributes.js';
import { decisionInputs, type ActionTerms } from './context.js';
import type { EntityTypes } from './entity-types.js';
import type { KnownEntities } from './known-entities.js';
import { type ArgumentType, encode } from './types.js';

/** The method by which the catalogue knows actions that an enforcement point asks about (AuthZEN Authorization API 1.0). */
export const evaluationMethod = 'evaluation';

/** A subject or a resource, as an enforcement point names it. */
export interface AskedEntity {
  readonly type: string;
  readonly id: string;
  readonly properties?: JsonObject;
}

export interface EvaluationTerms extends ActionTerms {
  readonly types: EntityTypes;
  readonly known: KnownEntities;
  /** What policies see of the request's context. */
  readonly contextType: ArgumentType | undefined;
}

/** Everything that a policy sees of an enforcement point's question. */
export function evaluationInputs(situated: Situated, action: string, terms: EvaluationTerms, nowMs: number): DecisionInputs {
  const { subject, resource } = askedOf(situated.call.params);
  const base = decisionInputs(situated, action, [{ type: resource.type, id: resource.id }], terms, nowMs);
  const isSame = subject.type === resource.type && subject.id === resource.id;
  const both = isSame ? together(subject, resource) : { properties: subject.properties ?? {}, contradicting: [] };
  const ofSubject = stated(subject, both.properties, terms);
  const ofResource = stated(resource, isSame ? {} : (resource.properties ?? {}), terms);
  const request = encode(situated.call.params['context'] ?? {}, terms.contextType ?? { kind: 'record', attributes: {} }, 'context');
  const unrepresented = [...(base.context['unrepresented'] as readonly string[]), ...[...ofSubject.left, ...both.contradicting].map((name) => `subject.properties.${name}`), ...ofResource.left.map((name) => `resource.properties.${name}`), ...request.left];
  return {
    ...base,
    principal: { type: subject.type, id: subject.id, attributes: ofSubject.value },
    context: { ...base.context, unrepresented, request: request.value ?? {}, enforcement_point: situated.principal.identity.id },
    entities: Object.keys(ofResource.value).length > 0 ? [{ uid: { type: resource.type, id: resource.id }, attrs: ofResource.value, parents: [] }] : [],
  };
}

/** Subject and resource of a request that was checked where it came in. */
export function askedOf(params: JsonObject): { readonly subject: AskedEntity; readonly resource: AskedEntity } {
  return params as unknown as { readonly subject: AskedEntity; readonly resource: AskedEntity };
}

/** What people agree to beside the arguments: what policies see of the request. Context that is not declared may change from one time to the next. */
export function aboutOf({ principal, entities, context }: DecisionInputs): Json {
  return { subject: principal, resource: entities, context: context['request'] ?? {} };
}

/** What a request adds to what the bundle states of an entity, and the names of what policies cannot see. */
function stated({ type, id }: AskedEntity, properties: JsonObject, { types, known }: EvaluationTerms): { readonly value: JsonObject; readonly left: readonly string[] } {
  const declared = types.get(type);
  if (!declared || Object.keys(properties).length === 0) return { value: {}, left: Object.keys(properties) };
  const own = known.source.get(`${type}::"${id}`)?.attributes.attributes;
  const added = own ? Object.fromEntries(Object.entries(properties).filter(([name]) => !own.has(name))) : properties;
  const { value, undeclared, unfit } = encodeAttributes(added, declared);
  return { value, left: [...undeclared, ...unfit] };
}

/** One entity that is asked about as both: what is said of it twice and differently is not believed at all. */
function together(subject: AskedEntity, resource: AskedEntity): { readonly properties: JsonObject; readonly contradicting: readonly string[] } {
  const [left, right] = [subject.properties ?? {}, resource.properties ?? {}];
  const contradicting = Object.keys(left).filter((name) => Object.hasOwn(right, name) && JSON.stringify(left[name]) !== JSON.stringify(right[name]));
  return { properties: Object.fromEntries(Object.entries({ ...left, ...right }).filter(([name]) => !contradicting.includes(name))), contradicting };
}

/**
 * Names of declared attributes and members that could not be shown exactly. A policy that looks at one of them, on
 * whatever entity, cannot be evaluated; of undeclared ones no policy can know.
 */
export function unseenNames({ principal, resources, context }: DecisionInputs, types: EntityTypes): ReadonlySet<string> {
  const left = Array.isArray(context['unrepresented']) ? (context['unrepresented'] as readonly string[]) : [];
  const declaredBy = (type: string) => types.get(type)?.attributes ?? {};
  return new Set(
    left.flatMap((path) => {
      const [owner = '', name = ''] = /^(subject|resource)\.properties\.(.*)$/s.exec(path)?.slice(1) ?? [];
      if (owner === '') return path.startsWith('context.') ? [path.slice('context.'.length).split(/[.[]/)[0] ?? ''] : [];
      const type = owner === 'subject' ? String(principal['type']) : (resources[0]?.type ?? '');
      return Object.hasOwn(declaredBy(type), name) ? [name] : [];
    }),
  );
}

/** Names of all attributes that a policy's conditions read or ask for, of whatever they are. */
export function attributesRead(conditions: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isObject(node)) return;
    for (const [operator, operand] of Object.entries(node)) {
      if ((operator === '.' || operator === 'has') && isObject(operand)) for (const name of [operand['attr']].flat()) names.add(String(name));
      visit(operand);
    }
  };
  visit(conditions);
  return names;
}
