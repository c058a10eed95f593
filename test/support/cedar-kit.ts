import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { authorize, Entities, type Environment, type Json, type JsonObject, PolicySet, type PolicySetJson, toEnvironment } from '@flyball/cedar';

/** The reference engine. */
export const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;

export const uid = (type: string, id: string): JsonObject => ({ type, id });
export const value = (json: Json): JsonObject => ({ Value: json });
export const variable = (name: string): JsonObject => ({ Var: name });
export const attribute = (left: Json, ...names: readonly string[]): JsonObject => names.reduce<JsonObject>((owner, attr) => ({ '.': { left: owner, attr } }), left as JsonObject);
export const ofContext = (...names: readonly string[]): JsonObject => attribute(variable('context'), ...names);
export const binary = (operator: string, left: Json, right: Json): JsonObject => ({ [operator]: { left, right } });

/** A policy for everybody, with conditions. */
export const policyWhen = (...bodies: readonly Json[]): JsonObject => ({ effect: 'permit', principal: { op: 'All' }, action: { op: 'All' }, resource: { op: 'All' }, conditions: bodies.map((body) => ({ kind: 'when', body })) });

export const environmentOf = (context: JsonObject = {}, entities = Entities.fromJson([])): Environment => toEnvironment({ principal: uid('User', 'ann'), action: uid('Action', 'read'), resource: uid('Doc', 'plan'), context }, entities);

/** What one condition comes to: satisfied, not, or why it has no value. */
export function outcomeOf(body: Json, environment = environmentOf()): string {
  const { decision, errors } = authorize(new PolicySet({ staticPolicies: { only: policyWhen(body) } }), environment);
  return errors[0]?.error.message ?? decision;
}

interface Answered {
  readonly decision: string;
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
}

export function answerOf(policies: PolicySet, environment: Environment): Answered {
  const { decision, reasons, errors } = authorize(policies, environment);
  return { decision, reasons, errors: errors.map(({ policy }) => policy) };
}

let prepared = 0;

/** Asks both engines about the same policies, each context anew. */
export function bothEngines(policies: Readonly<Record<string, JsonObject>>): (context: JsonObject) => { readonly own: Answered; readonly reference: Answered } {
  const name = `kit-${prepared++}`;
  const parsed = cedar.preparsePolicySet(name, { staticPolicies: policies as unknown as Record<string, Cedar.PolicyJson> });
  if (parsed.type !== 'success') throw new Error(parsed.errors.map(({ message }) => message).join('; '));
  const set = new PolicySet({ staticPolicies: policies });
  return (context) => {
    const request = { principal: uid('User', 'ann'), action: uid('Action', 'read'), resource: uid('Doc', 'plan'), context };
    const answer = cedar.statefulIsAuthorized({ ...request, entities: [], preparsedPolicySetId: name, validateRequest: false } as unknown as Cedar.StatefulAuthorizationCall);
    if (answer.type !== 'success') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    const { decision, diagnostics } = answer.response;
    return { own: answerOf(set, environmentOf(context)), reference: { decision, reasons: [...diagnostics.reason].sort(), errors: diagnostics.errors.map(({ policyId }) => policyId).sort() } };
  };
}

/** Whether the reference engine takes a policy set. */
export function isCedar(policies: PolicySetJson): boolean {
  try {
    return cedar.isAuthorized({ principal: uid('User', 'ann'), action: uid('Action', 'read'), resource: uid('Doc', 'plan'), context: {}, policies, entities: [], validateRequest: false } as unknown as Cedar.AuthorizationCall).type === 'success';
  } catch {
    return false;
  }
}
