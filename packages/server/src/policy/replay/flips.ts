import type { DecisionInputs } from '../../action/states.js';
import type { Bundle } from '../bundle.js';
import { clauseLines } from '../clauses.js';
import { environmentsOf } from '../counterfactual.js';
import type { Redecided } from './candidate.js';
import { type Causes, causesOf, type Explained } from './causes.js';
import { asRecorded, determining } from './determining.js';
import type { Direction } from './direction.js';
import type { Asked } from './read-decisions.js';
import type { EntryRef, RecordedDecision } from './record.js';

/** One policy in a flip: where it stands, and which parts of it decided. */
export interface FlippedPolicy {
  readonly policy: string;
  readonly result: string;
  readonly place?: string;
  readonly reason?: string;
  readonly because: readonly string[];
}

export interface FlippedSide {
  readonly outcome: string;
  readonly kind: string;
  readonly bundle: string;
  readonly policies: readonly FlippedPolicy[];
}

/** A decision that the candidate would have made otherwise. */
export interface Flip {
  readonly entry: EntryRef;
  readonly direction: Exclude<Direction, 'same'>;
  readonly then: FlippedSide;
  readonly now: FlippedSide;
  /** Earlier entries that it comes from. */
  readonly causes: Causes;
}

/** Policies that a decision and its remaking follow from. */
export function decisivePolicies({ recorded, bundle }: Asked, { decision }: Redecided, candidate: Bundle): { readonly then: readonly string[]; readonly now: readonly string[] } {
  const isHardIn = (rules: Bundle['rules']) => (policy: string) => rules.get(policy)?.outcome !== 'step_up' && rules.get(policy)?.outcome !== 'defer';
  return { then: determining(recorded, isHardIn(bundle.rules)), now: determining(asRecorded(decision), isHardIn(candidate.rules)) };
}

export function describeFlip(asked: Asked, again: Redecided, candidate: Bundle, direction: Flip['direction']): Flip {
  const { ref, recorded, bundle, inputs } = asked;
  const policies = decisivePolicies(asked, again, candidate);
  const inputsNow = again.inputs ?? inputs;
  // What decided then and says so no longer is as much of a reason as what decides now.
  const saysSo = (id: string) => again.decision.verdicts.some(({ policy, result }) => policy === id && result === 'satisfied');
  const silent = policies.then.filter((id) => !policies.now.includes(id) && candidate.rules.has(id) && !saysSo(id));
  const then: Explained = { bundle, inputs, policies: policies.then };
  const now: Explained = { bundle: candidate, inputs: inputsNow, policies: again.inputs ? [...policies.now, ...silent] : [] };
  return {
    entry: ref,
    direction,
    then: sideOf(recorded, then),
    now: sideOf(asRecorded(again.decision), now),
    causes: causesOf(asked, [now, then]),
  };
}

function sideOf({ outcome, kind, bundle, policies }: RecordedDecision, explained: Explained): FlippedSide {
  const resultOf = (id: string) => policies.find(({ policy }) => policy === id)?.result ?? 'unsatisfied';
  return { outcome, kind, bundle, policies: explained.policies.map((id) => ({ ...describe(explained.bundle, explained.inputs, id), result: resultOf(id) })) };
}

function describe(bundle: Bundle, inputs: DecisionInputs, policy: string): Omit<FlippedPolicy, 'result'> {
  if (policy.includes('/')) return { policy, place: 'rego/bundle.tar.gz', because: [] };
  const source = bundle.sources.get(policy);
  const reason = bundle.rules.get(policy)?.reason;
  return { policy, ...(source && { place: `${source.file}:${source.line}` }), ...(reason !== undefined && { reason }), because: environmentsOf(inputs, bundle).flatMap((environment) => clauseLines(bundle, policy, environment)) };
}
