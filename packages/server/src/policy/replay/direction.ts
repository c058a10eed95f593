import { type Decision, type Json, type JsonObject, outcomes } from '@flyball/protocol';
import { isSame } from './same.js';

export type Direction = 'same' | 'stricter' | 'looser' | 'other';

/** How a decision compares with another: by its outcome, and then by what it asks for or changes. */
export function directionOf(then: Demands, now: Demands): Direction {
  const rank = ({ outcome }: Demands) => outcomes.indexOf(outcome);
  if (rank(now) !== rank(then)) return rank(now) < rank(then) ? 'stricter' : 'looser';
  return then.outcome === 'deny' || isSame(demandsOf(then), demandsOf(now)) ? 'same' : 'other';
}

type Demands = Pick<Decision, 'outcome' | 'approvals' | 'facts'> & { readonly modification?: Decision['modification']; readonly credential?: Decision['credential'] };

/** Who has to agree, what has to arrive, and what is changed; not which policy says so, nor in which words. */
function demandsOf({ approvals, facts, modification, credential }: Demands): JsonObject {
  const texts = (items: readonly object[]) => items.map((item) => JSON.stringify(item)).sort();
  return {
    approvals: texts(approvals.map(({ approvers, quorum, evidence, withinMs }) => ({ approvers, quorum, evidence, withinMs }))),
    facts: texts(facts.map(({ needs, withinMs }) => ({ needs, withinMs }))),
    modification: (modification ?? null) as unknown as Json,
    credential: (credential ?? null) as unknown as Json,
  };
}

