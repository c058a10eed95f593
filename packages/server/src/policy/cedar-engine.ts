import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { FlyballError } from '@flyball/protocol';
import { asPermit } from './cedar-text.js';
import type { EngineAnswer, EngineRequest, PolicyEngine } from './engine.js';
import { type Needs, needsOf, slice } from './needs.js';

const require = createRequire(import.meta.url);
const modulePath = '@cedar-policy/cedar-wasm/nodejs';

/** The WebAssembly build of Cedar. Loaded when first needed: it takes 30 ms and 4 MB. */
export const cedar = (): typeof Cedar => require(modulePath) as typeof Cedar;

/** True for what the module throws when a stack overflowed: from then on it answers nothing, so a fresh one is loaded. */
export function isOverflow(error: unknown): boolean {
  const overflow = error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');
  if (overflow) reloadCedar();
  return overflow;
}

/** A fresh module takes 10 ms. */
function reloadCedar(): void {
  delete require.cache[require.resolve(modulePath)];
}

export interface CompiledPolicy {
  readonly id: string;
  readonly text: string;
  readonly json: PolicyJson;
}

interface Prepared {
  readonly set: string;
  readonly ids: ReadonlySet<string>;
  readonly needs: Needs;
  /** Answers by request: what the policies look at is all that they can depend on. */
  readonly answers: Map<string, EngineAnswer>;
}

const answersMost = 1_000;

let engines = 0;

/**
 * Cedar by its own WebAssembly build. It answers for permits or for forbids, never for both, and skips what
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
    const { set, ids, needs, answers } = this.#prepare(request.action.id);
    const seen = slice(request, needs);
    // JSON text of a value built in one way: two requests share it only if they are the same.
    const key = JSON.stringify(seen);
    const known = answers.get(key);
    if (known) return known;
    const answer = this.#instance.statefulIsAuthorized({ ...seen, preparsedPolicySetId: set, validateRequest: false } as unknown as Cedar.StatefulAuthorizationCall);
    if (answer.type !== 'success') throw new FlyballError('internal', 'the policy engine refused the request; nothing was allowed');
    const { reason, errors } = answer.response.diagnostics;
    if (reason.some((id) => !ids.has(id))) throw new FlyballError('internal', 'the policy engine named a policy that it was not given');
    const result = { considered: ids, satisfied: new Set(reason), broken: new Map(errors.map(({ policyId, error }) => [policyId, error.message])) };
    if (answers.size >= answersMost) answers.clear();
    answers.set(key, result);
    return result;
  }

  #prepare(action: string): Prepared {
    const known = this.#prepared.get(action);
    if (known) return known;
    const groups = this.actionGroups.get(action) ?? [];
    const apply = this.policies.filter((policy) => actionCanMatch(policy.json, action, groups));
    const set = `${this.#number}:${action}`;
    const result = this.#instance.preparsePolicySet(set, { staticPolicies: Object.fromEntries(apply.map((policy) => [policy.id, asPermit(policy.text)])) });
    if (result.type !== 'success') throw new FlyballError('internal', 'the policy engine did not take the policies');
    const prepared = { set, ids: new Set(apply.map((policy) => policy.id)), needs: needsOf(apply.map((policy) => policy.json)), answers: new Map() };
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
