import { type Entities, type EntitySource } from '../entities.js';
import type { Environment } from '../expressions/compiled.js';
import { compiledOf, innerOf, single } from '../expressions/compile.js';
import { attempt } from '../expressions/parts.js';
import { EvaluationError } from '../errors.js';
import type { Policy } from '../policies/policy.js';
import type { PolicySet } from '../policies/policy-set.js';
import { type Constraint, elsewhere } from '../policies/scope.js';
import { EntityUid } from '../values/entity-uid.js';
import { isJsonObject, type Json } from '../values/json.js';
import { CedarSet, type Value } from '../values/value.js';
import { askedOf, authorize } from './authorize.js';

export type Unknown = 'principal' | 'action' | 'resource';

/** A request without the part that is looked for. */
export type Question = Partial<Pick<Environment, Unknown>> & Pick<Environment, 'context'>;

/**
 * Every known entity of a type that could stand in the missing place and be allowed, sorted by key. Permits
 * say who could: by their heads, and by those of their conditions that name somebody or do not depend on who
 * it is. Only these candidates are decided; each is decided in full. (AuthZEN 1.0, section 8: subject, action and resource search)
 */
export function search(policies: PolicySet, unknown: Unknown, type: string, question: Question, entities: Entities): readonly EntityUid[] {
  const nobody = new EntityUid(type, '');
  const environment: Environment = { principal: nobody, action: nobody, resource: nobody, ...question, [unknown]: nobody, entities };
  return candidates(policies, unknown, type, environment, entities).filter((uid) => authorize(policies, { ...environment, [unknown]: uid }).decision === 'allow');
}

/**
 * Every known entity of a type that a permit could be satisfied for, sorted by key: no fewer than those that would be
 * allowed. For who decides each of them by more than Cedar's answer.
 *
 * @param environment with anyone in the missing place; what it knows of entities may be more than `entities` does
 */
export function candidates(policies: PolicySet, unknown: Unknown, type: string, environment: Environment, entities: Entities): readonly EntityUid[] {
  const asked = askedOf(environment);
  const found = new Map<string, EntityUid>();
  for (const policy of policies.values()) {
    if (policy.effect !== 'permit' || elsewhere(policy.scope, asked).some((part) => part !== unknown)) continue;
    for (const uid of candidatesOf(policy, unknown, type, environment, entities)) found.set(uid.key, uid);
  }
  return [...found.values()].sort((left, right) => (left.key < right.key ? -1 : 1));
}

/** Entities that a permit could be satisfied for: no fewer than those for which it is. */
function candidatesOf(policy: Policy, unknown: Unknown, type: string, environment: Environment, entities: Entities): readonly EntityUid[] {
  let narrowest: readonly EntityUid[] | undefined = named(policy.scope[unknown], type, entities);
  for (const { when, json } of policy.clauses) {
    for (const condition of when ? conjuncts(json) : []) {
      if (!mentions(condition, unknown)) {
        if (attempt(() => compiledOf(condition).run(environment)) !== true) return [];
        continue;
      }
      const found = namedBy(condition, unknown, type, environment, entities);
      if (found && (narrowest === undefined || found.length < narrowest.length)) narrowest = found;
    }
  }
  return narrowest ?? [...entities.values()].flatMap(({ uid }) => (uid.type === type ? [uid] : []));
}

function named(constraint: Constraint, type: string, entities: Entities): readonly EntityUid[] | undefined {
  const ofType = (uids: readonly EntityUid[]) => uids.filter((uid) => uid.type === type && entities.get(uid.key) !== undefined);
  switch (constraint.op) {
    case 'any':
      return undefined;
    case 'equal':
      return ofType([constraint.uid]);
    case 'in':
      return ofType(constraint.uids.flatMap((group) => entities.descendants(group).map(({ uid }) => uid)));
    case 'is':
      return constraint.type === type ? undefined : [];
    case 'is-in':
      return constraint.type === type ? ofType(entities.descendants(constraint.uid).map(({ uid }) => uid)) : [];
  }
}

const conjuncts = (json: Json): readonly Json[] => {
  const [operator, operand] = single(json);
  return operator === '&&' && isJsonObject(operand) ? [...conjuncts(operand['left'] ?? null), ...conjuncts(operand['right'] ?? null)] : [json];
};

function mentions(json: Json, unknown: Unknown): boolean {
  const [operator, operand] = single(json);
  return operator === 'Var' ? operand === unknown : innerOf(json).some((inner) => mentions(inner, unknown));
}

/** Whom a condition like `unknown == x`, `unknown in x` or `x.contains(unknown)` names, where `x` does not depend on it. */
function namedBy(json: Json, unknown: Unknown, type: string, environment: Environment, entities: Entities): readonly EntityUid[] | undefined {
  const [operator, operand] = single(json);
  if (!isJsonObject(operand)) return undefined;
  const { left, right } = operand;
  const isUnknown = (side: Json | undefined) => isJsonObject(side) && side['Var'] === unknown;
  const other = operator === 'contains' ? (isUnknown(right) ? left : undefined) : operator === '==' && isUnknown(right) ? left : isUnknown(left) && (operator === '==' || operator === 'in') ? right : undefined;
  if (other === undefined || mentions(other, unknown)) return undefined;
  const value = attempt(() => compiledOf(other).run(environment));
  if (value instanceof EvaluationError) return [];
  const uids = entitiesIn(value);
  const members = operator === 'in' ? uids.flatMap((uid) => entities.descendants(uid).map((entity) => entity.uid)) : uids;
  return members.filter((uid) => uid.type === type && isKnown(uid, entities));
}

const entitiesIn = (value: Value): readonly EntityUid[] => (value instanceof CedarSet ? [...value] : [value]).filter((member) => member instanceof EntityUid);

const isKnown = (uid: EntityUid, entities: EntitySource): boolean => entities.get(uid.key) !== undefined;
