import type { Identity, Json, JsonObject } from '@flyball/protocol';
import ipaddr from 'ipaddr.js';
import type { DecisionInputs, Resource, SessionState, Situated } from '../action/states.js';
import type { EngineRequest } from './engine.js';
import { Memo } from '../lib/memo.js';
import { activeGrants, type GrantTerms, type HeldGrant } from './grants.js';
import { evaluationRequest, isEvaluation } from './evaluation-request.js';
import type { KnownEntities } from './known-entities.js';
import { type ArgumentType, encode } from './types.js';

const ten4 = 10_000;
const extension = (fn: string, arg: string): Json => ({ __extn: { fn, arg } });
export const datetime = (ms: number): Json => extension('datetime', new Date(ms).toISOString());

/** What the bundle knows of an action. */
export interface ActionTerms {
  readonly argumentType: ArgumentType | undefined;
  /** Every budget that the catalogue names; one that nothing was drawn from is zero, not missing. */
  readonly units: readonly string[];
  /** Grants that the catalogue declares, and those that the identity holds. */
  readonly grants?: { readonly declared: ReadonlyMap<string, GrantTerms>; readonly held: readonly HeldGrant[] };
}

/** Everything that a policy sees of an attempt. Time comes in as `now`; nothing here looks at a clock. */
export function decisionInputs(situated: Situated, action: string, resources: readonly Resource[], terms: ActionTerms, nowMs: number): DecisionInputs {
  const { principal, session, call, origin } = situated;
  const state = session.state;
  const args = encode(call.args, terms.argumentType ?? { kind: 'record', attributes: {} }, '');
  const context: JsonObject = {
    args: args.value ?? {},
    unrepresented: args.left,
    session: sessionContext(state, terms.units, nowMs),
    facts: {},
    grants: terms.grants ? activeGrants(terms.grants.held, terms.grants.declared, nowMs) : [],
    origin: originContext(origin.gateway, origin.address),
    now: datetime(nowMs),
    ...(principal.onBehalfOf !== undefined && { on_behalf_of: principal.onBehalfOf }),
  };
  return { principal: principalJson(principal.identity), action, resources, context, entities: [] };
}

const addresses = new Memo<JsonObject>(1_000);

/** Through what an attempt came, and from where if that is an address. */
function originContext(gateway: string, address: string): JsonObject {
  return addresses.of(`${gateway} ${address}`, () => (ipaddr.isValid(address) ? { gateway, address: extension('ip', ipaddr.process(address).toString()) } : { gateway }));
}

/** What policies see of a session at a moment. */
export function sessionContext(state: SessionState, units: readonly string[], nowMs: number): JsonObject {
  return {
    purpose: state.purpose,
    capabilities: state.capabilities,
    labels: state.labels,
    actions: Object.keys(state.counts),
    counts: state.counts,
    spent: Object.fromEntries(units.map((unit) => [unit, extension('decimal', ((Object.hasOwn(state.spent, unit) ? (state.spent[unit] ?? 0) : 0) / ten4).toFixed(4))])),
    refusals: state.refusals,
    age: extension('duration', `${Math.max(0, nowMs - state.openedAtMs)}ms`),
  };
}

export const principalJson = ({ id, kind, autonomy, owner, purpose, groups, expiresAtMs }: Identity): JsonObject => ({
  id,
  groups,
  attributes: { kind, autonomy, owner, purpose, findings: [], ...(expiresAtMs !== undefined && { expires: datetime(expiresAtMs) }) },
});

/** The inputs as the engine's request for one of the resources. Entities an engine is not told about would silently be in no group. */
export function engineRequest(recorded: DecisionInputs, resource: Resource, actionGroups: readonly string[], known?: KnownEntities): EngineRequest {
  // There was a time before there were grants.
  const inputs = Object.hasOwn(recorded.context, 'grants') ? recorded : { ...recorded, context: { ...recorded.context, grants: [] } };
  if (isEvaluation(inputs)) return evaluationRequest(inputs, resource, actionGroups, known);
  const { id, groups, attributes } = inputs.principal as { id: string; groups: readonly string[]; attributes: JsonObject };
  const principal = { type: 'Identity', id };
  const action = { type: 'Action', id: inputs.action };
  const target = { type: 'Resource', id: `${resource.type}/${resource.id}` };
  const entities: Json = [
    { uid: principal, attrs: attributes, parents: groups.map((group) => ({ type: 'Group', id: group })) },
    { uid: action, attrs: {}, parents: actionGroups.map((group) => ({ type: 'Action', id: group })) },
    { uid: target, attrs: { kind: resource.type, name: resource.id }, parents: [] },
  ];
  return { principal, action, resource: target, context: inputs.context, entities };
}
