import { type Answer, authorize, Entities, EntityUid, type Environment, holds, PolicySet, toLateEnvironment } from '@flyball/cedar';
import { FlyballError, type Json } from '@flyball/protocol';
import { Memo } from '../lib/memo.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import type { EngineAnswer, EngineRequest, PolicyEngine } from './engine.js';
import { evaluationEnvironment } from './evaluation-request.js';

/** Policies as the engine takes them. Throws `CedarError` for one that is not Cedar. */
export const policySetOf = (policies: readonly CompiledPolicy[]): PolicySet => new PolicySet({ staticPolicies: Object.fromEntries(policies.map(({ id, json }) => [id, json])) });

/** Who calls and what for are the same time after time; read once, by their JSON. */
const callers = new Memo<Entities>(1_000);

/** What a request's policies are evaluated in. Throws `CedarError` when it is no request of Cedar. */
export function environmentOf(request: EngineRequest): Environment {
  if (request.known) return evaluationEnvironment(request, request.known);
  const [principal, action, ...others] = Array.isArray(request.entities) ? (request.entities as readonly Json[]) : [];
  if (principal === undefined || action === undefined) return toLateEnvironment(request, Entities.fromJson(request.entities));
  const caller = callerOf(principal, action);
  const rest = Entities.fromJson(others);
  return toLateEnvironment(request, { get: (key) => rest.get(key) ?? caller.get(key) });
}

const callerOf = (principal: Json, action: Json): Entities => callers.of(JSON.stringify([principal, action]), () => Entities.fromJson([principal, action]));

/** What Cedar's answer says of each policy by itself. */
export const verdictsOf = ({ permits, forbids, errors }: Answer): Omit<EngineAnswer, 'considered'> => ({
  satisfied: new Set([...permits, ...forbids]),
  broken: new Map(errors.map(({ policy, error }) => [policy, { message: error.message, ...(error.kind === 'attribute' && error.path !== undefined && { missing: error.path }) }])),
});

/** Cedar by `@flyball/cedar`, which tells of every policy that is satisfied or broken, permits and forbids alike. */
export class CedarEngine implements PolicyEngine {
  readonly #considered = new Map<string, ReadonlySet<string>>();

  /** @param actionGroups every group that an action is in, by the action's name */
  constructor(
    private readonly policies: PolicySet,
    private readonly actionGroups: ReadonlyMap<string, readonly string[]>,
  ) {}

  evaluate(request: EngineRequest): EngineAnswer {
    try {
      const environment = environmentOf(request);
      return { considered: this.#considers(environment.action), ...verdictsOf(authorize(this.policies, environment)) };
    } catch (cause) {
      // What is wrong with a request may repeat what is in it, so it is kept from the message.
      throw new FlyballError('internal', 'the policy engine gave no answer; nothing was allowed', { cause });
    }
  }

  close(): void {
    this.#considered.clear();
  }

  #considers(action: EntityUid): ReadonlySet<string> {
    const known = this.#considered.get(action.id);
    if (known) return known;
    const groups = new Set((this.actionGroups.get(action.id) ?? []).map((id) => new EntityUid('Action', id).key));
    const found = new Set([...this.policies.values()].filter(({ scope }) => holds(scope.action, action, groups)).map(({ id }) => id));
    this.#considered.set(action.id, found);
    return found;
  }
}
