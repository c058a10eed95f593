import { type Answer, askedOf, authorize, evaluate } from '../decisions/authorize.js';
import type { Environment } from '../expressions/compiled.js';
import type { Policy } from '../policies/policy.js';
import type { PolicySet } from '../policies/policy-set.js';
import { type Constraint, elsewhere, holds } from '../policies/scope.js';
import { applyChanges, type Change, changeKey } from './change.js';
import type { RequestPart } from './paths.js';
import { type Alternative, changesMax, combined, merged, propose } from './propose.js';

/** What counts as allowed, and which policies stand in the way; Cedar's own reading unless another is given. */
export interface Reading {
  isAllowed(answer: Answer): boolean;
  /** Forbids that would have to stop holding. */
  blocking(answer: Answer): readonly string[];
}

export const cedarsReading: Reading = { isAllowed: ({ decision }) => decision === 'allow', blocking: ({ forbids }) => forbids };

export interface Found {
  /** The changes after which the request would have been allowed, evaluated and so; nothing when none was found within the bound. */
  readonly changes: Alternative | undefined;
  readonly evaluations: number;
}

/** How many requests are evaluated before the search gives up, and how many policies it asks what would satisfy them. */
export const evaluationsMax = 400;
const policiesAskedMax = 4_000;

interface State {
  readonly changes: Alternative;
  readonly cost: number;
}

/**
 * The smallest change of a denied request that would have been allowed. Goes from the request to what would
 * have to differ for its forbids to let go and for a permit to hold, the fewest changes first, and evaluates
 * each: what it returns is allowed, not only likely to be.
 */
export function findSmallestChange(policies: PolicySet, environment: Environment, reading: Reading = cedarsReading): Found {
  const open: State[] = [{ changes: [], cost: 0 }];
  const known = new Set<string>();
  let evaluations = 0;
  let asked = 0;
  for (let state = open.shift(); state !== undefined && evaluations < evaluationsMax && asked < policiesAskedMax; state = open.shift()) {
    const changed = applyChanges(state.changes, environment);
    const answer = authorize(policies, changed);
    evaluations++;
    if (reading.isAllowed(answer)) {
      const needed = withoutIdle(state.changes, (changes) => reading.isAllowed(authorize(policies, applyChanges(changes, environment))));
      return { changes: needed, evaluations: evaluations + state.changes.length };
    }
    const concerned = obstaclesOf(policies, changed, answer, reading);
    asked += concerned.length;
    for (const alternative of concerned.flatMap((policy) => overcome(policy, changed))) {
      const changes = merged(state.changes, alternative);
      const key = changes.map(changeKey).sort().join('\n');
      if (changes.length > changesMax || known.has(key)) continue;
      known.add(key);
      insert(open, { changes, cost: changes.reduce((sum, change) => sum + costOf(change), 0) });
    }
  }
  return { changes: undefined, evaluations };
}

/** The changes without those that it is allowed without: one may imply another. */
function withoutIdle(changes: Alternative, isAllowed: (changes: Alternative) => boolean): Alternative {
  return changes.reduce<Alternative>((kept, change) => {
    const fewer = kept.filter((other) => other !== change);
    return isAllowed(fewer) ? fewer : kept;
  }, changes);
}

/** Whoever acts on what is a greater change than how. */
const costOf = (change: Change): number => (change.kind === 'set' && change.place.in === 'request' ? 3 : 1);

function insert(open: State[], state: State): void {
  const at = open.findIndex(({ cost }) => cost > state.cost);
  open.splice(at < 0 ? open.length : at, 0, state);
  // Those behind would not be reached.
  if (open.length > evaluationsMax) open.pop();
}

/** What stands in the way: the first forbid that holds, or else every permit for this action. */
function obstaclesOf(policies: PolicySet, environment: Environment, answer: Answer, reading: Reading): readonly Policy[] {
  const [first] = reading.blocking(answer);
  const blocking = first === undefined ? undefined : policies.get(first);
  if (blocking) return [blocking];
  if (answer.permits.length > 0) return [];
  const { action } = askedOf(environment);
  return [...policies.values()].filter((policy) => policy.effect === 'permit' && holds(policy.scope.action, action.uid, action.ancestors));
}

const overcome = (policy: Policy, environment: Environment): readonly Alternative[] => (policy.effect === 'forbid' ? withoutPolicy : withPolicy)(policy, environment);

/** Changes after which a policy applies no more: one of its clauses fails, or its head names others. */
function withoutPolicy(policy: Policy, environment: Environment): readonly Alternative[] {
  const byClause = policy.clauses.flatMap(({ when, json }) => propose(json, !when, environment));
  const { principal, resource } = policy.scope;
  return [...byClause, ...leaving(principal, environment, 'principal'), ...leaving(resource, environment, 'resource')];
}

function leaving(constraint: Constraint, environment: Environment, part: 'principal' | 'resource'): readonly Alternative[] {
  const uid = environment[part];
  if (constraint.op !== 'in' && constraint.op !== 'is-in') return [];
  const groups = constraint.op === 'in' ? constraint.uids : [constraint.uid];
  return [groups.map((group) => ({ kind: 'leave', uid, group }))];
}

/** Changes after which a policy applies: its head names this request and all its clauses hold. */
function withPolicy(policy: Policy, environment: Environment): readonly Alternative[] {
  if (elsewhere(policy.scope, askedOf(environment)).length === 0 && evaluate(policy, environment) === true) return [];
  const heads = combined(joining(policy.scope.principal, environment, 'principal'), joining(policy.scope.resource, environment, 'resource'));
  return policy.clauses.reduce((all, { when, json }) => combined(all, propose(json, when, environment)), heads);
}

function joining(constraint: Constraint, environment: Environment, part: Exclude<RequestPart, 'action'>): readonly Alternative[] {
  const uid = environment[part];
  if (holds(constraint, uid, environment.entities.get(uid.key)?.ancestors)) return [[]];
  switch (constraint.op) {
    case 'any':
      return [[]];
    case 'equal':
      return [[{ kind: 'set', place: { in: 'request', part }, value: constraint.uid }]];
    case 'in':
      return constraint.uids.map((group) => [{ kind: 'join', uid, group }]);
    case 'is':
      return [];
    case 'is-in':
      return constraint.type === uid.type ? [[{ kind: 'join', uid, group: constraint.uid }]] : [];
  }
}
