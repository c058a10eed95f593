import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { FlyballError } from '@flyball/protocol';
import { asPermit } from './cedar-text.js';
import { cedar, type CompiledPolicy, isOverflow } from './cedar-wasm.js';
import type { EngineAnswer, EngineRequest, PolicyEngine } from './engine.js';
import { allEntities } from './evaluation-request.js';

interface Prepared {
  readonly set: string;
  readonly ids: ReadonlySet<string>;
}

let engines = 0;

/**
 * Cedar by its own WebAssembly build: slower by a hundred times, and what the engine is held to. It answers for permits or for forbids, never for both, and skips what
 * it cannot evaluate; so every policy is given to it as a permit, and only those whose action can match.
 */
export class CedarWasmEngine implements PolicyEngine {
  readonly #number = ++engines;
  #instance = cedar();
  readonly #prepared = new Map<string, Prepared>();

  /** @param actionGroups every group that an action is in, by the action's name */
  constructor(
    private readonly policies: readonly CompiledPolicy[],
    private readonly actionGroups: ReadonlyMap<string, readonly string[]>,
  ) {}

  evaluate(request: EngineRequest): EngineAnswer {
    try {
      return this.#evaluate(request);
    } catch (cause) {
      if (isOverflow(cause)) this.#revive();
      // The message of a failed call repeats the whole context, so it is kept from the record.
      throw cause instanceof FlyballError ? cause : new FlyballError('internal', 'the policy engine gave no answer; nothing was allowed', { cause });
    }
  }

  close(): void {
    for (const { set } of this.#prepared.values()) this.#instance.preparsePolicySet(set, { staticPolicies: {} });
    this.#prepared.clear();
  }

  #evaluate(request: EngineRequest): EngineAnswer {
    const { principal, action, resource, context } = request;
    const { set, ids } = this.#prepare(action.id);
    const answer = this.#instance.statefulIsAuthorized({ principal, action, resource, context, entities: allEntities(request), preparsedPolicySetId: set, validateRequest: false } as unknown as Cedar.StatefulAuthorizationCall);
    if (answer.type !== 'success') throw new FlyballError('internal', 'the policy engine refused the request; nothing was allowed');
    const { reason, errors } = answer.response.diagnostics;
    if (reason.some((id) => !ids.has(id))) throw new FlyballError('internal', 'the policy engine named a policy that it was not given');
    return { considered: ids, satisfied: new Set(reason), broken: new Map(errors.map(({ policyId, error }) => [policyId, { message: error.message }])) };
  }

  #prepare(action: string): Prepared {
    const known = this.#prepared.get(action);
    if (known) return known;
    const groups = this.actionGroups.get(action) ?? [];
    const apply = this.policies.filter((policy) => actionCanMatch(policy.json, action, groups));
    const set = `${this.#number}:${action}`;
    const result = this.#instance.preparsePolicySet(set, { staticPolicies: Object.fromEntries(apply.map((policy) => [policy.id, asPermit(policy.text)])) });
    if (result.type !== 'success') throw new FlyballError('internal', 'the policy engine did not take the policies');
    const prepared = { set, ids: new Set(apply.map((policy) => policy.id)) };
    this.#prepared.set(action, prepared);
    return prepared;
  }

  #revive(): void {
    this.#instance = cedar();
    this.#prepared.clear();
  }
}

/** True unless the policy's head names other actions. */
function actionCanMatch({ action }: PolicyJson, id: string, groups: readonly string[]): boolean {
  const names = (uid: unknown) => {
    const { id: name } = ('__entity' in (uid as object) ? (uid as { __entity: { id: string } }).__entity : uid) as { id: string };
    return name;
  };
  switch (action.op) {
    case 'All':
      return true;
    case '==':
      return !('entity' in action) || names(action.entity) === id;
    case 'in': {
      const members = 'entities' in action ? action.entities.map(names) : [names(action.entity)];
      return members.some((member) => member === id || groups.includes(member));
    }
  }
}
