import type { Decision } from '@flyball/protocol';
import type { RecordedDecision } from './record.js';

type Verdicts = readonly { readonly policy: string; readonly effect: 'permit' | 'forbid'; readonly result: string; readonly shadow?: boolean }[];

/** Policies that a decision follows from: those that refuse, that ask for something, or that permit. */
export function determining({ outcome, kind, policies, approvals, facts }: Pick<RecordedDecision, 'outcome' | 'kind' | 'policies' | 'approvals' | 'facts'>, isHard: (policy: string) => boolean): readonly string[] {
  const counted = policies.filter(({ shadow }) => shadow !== true);
  const named = (list: Verdicts) => [...new Set(list.map(({ policy }) => policy))];
  switch (outcome) {
    case 'deny':
      if (kind === 'guard_broken') return named(counted.filter(({ effect, result }) => effect === 'forbid' && result === 'error'));
      // Two permits that contradict each other refuse as well.
      return kind === 'forbidden' ? orAll(named(counted.filter(({ effect, result, policy }) => effect === 'forbid' && result === 'satisfied' && isHard(policy))), named(counted)) : [];
    case 'defer':
      return [...new Set(facts.map(({ policy }) => policy))];
    case 'step_up':
      return [...new Set(approvals.map(({ policy }) => policy))];
    case 'modify':
    case 'allow':
      return named(counted.filter(({ effect, result }) => effect === 'permit' && result === 'satisfied'));
  }
}

const orAll = (found: readonly string[], all: readonly string[]): readonly string[] => (found.length > 0 ? found : all);

/** A decision that was just made, as one that was recorded. */
export const asRecorded = ({ verdicts, ...decision }: Decision): RecordedDecision => ({ ...decision, policies: verdicts });
