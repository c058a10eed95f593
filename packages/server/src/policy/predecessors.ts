import { type Decision, type FactRule, FlyballError } from '@flyball/protocol';
import type { HoldState, Predecessor, SessionState } from '../action/states.js';
import { matchesGlob } from '../lib/glob.js';
import { limits } from '../lib/limits.js';

/** Names this rule, which no bundle has: what waits because of what it depends on. */
export const predecessorPolicy = 'flyball/predecessor';

/** Time to go on after what was waited for. */
const graceMs = 15 * 60_000;

export interface Dependence {
  /** Holds that the caller says it depends on. */
  readonly named: readonly string[];
  /** Patterns of actions that the catalogue lets this one follow. */
  readonly after: readonly string[];
  readonly digest: string;
}

/**
 * The holds of a session that an attempt depends on: those that its caller names, those that it waited behind before, and
 * those of actions that it has to follow. Throws `request_malformed` for a hold that is not of this session.
 */
export function predecessorsOf(state: SessionState, { named, after, digest }: Dependence, nowMs: number): readonly Predecessor[] {
  const holds = Object.values(state.holds);
  if (holds.length === 0 && named.length === 0) return [];
  const before = Object.hasOwn(state.holds, digest) ? (state.holds[digest]?.after ?? []) : [];
  const byName = [...new Set([...named, ...before])].map((id) => {
    const hold = holds.find((each) => each.id === id);
    if (hold) return ofHold(hold, nowMs);
    const status = state.pastHolds && Object.hasOwn(state.pastHolds, id) ? state.pastHolds[id] : undefined;
    if (status === undefined) throw new FlyballError('request_malformed', `expected holds of this session that this depends on, got \`${id.slice(0, 64)}\``);
    // Whatever waited then does so no more: the same was asked again.
    return { hold: id, action: '', status: status === 'pending' ? ('expired' as const) : status, remainingMs: 0, depth: 0 };
  });
  const known = new Set(byName.map(({ hold }) => hold));
  const byAction = holds.filter((hold) => !known.has(hold.id) && hold.digest !== digest && isOpen(hold, nowMs) && after.some((pattern) => matchesGlob(pattern, hold.action)));
  return [...byName, ...byAction.map((hold) => ofHold(hold, nowMs))];
}

const ofHold = (hold: HoldState, nowMs: number): Predecessor => ({ hold: hold.id, action: hold.action, status: isOpen(hold, nowMs) || hold.status !== 'pending' ? hold.status : 'expired', remainingMs: Math.max(0, hold.deadlineMs - nowMs), depth: hold.depth });

const isOpen = ({ status, deadlineMs }: HoldState, nowMs: number): boolean => status === 'pending' && deadlineMs > nowMs;

/** A decision with what it depends on: it waits as long as that does, and does not happen when that does not. Pure. */
export function afterPredecessors(decision: Decision, predecessors: readonly Predecessor[]): Decision {
  if (decision.outcome === 'deny' || predecessors.length === 0) return decision;
  const denied: Decision = { ...decision, outcome: 'deny', kind: 'predecessor' };
  if (predecessors.some(({ status }) => status !== 'pending' && status !== 'used')) return denied;
  const waiting = predecessors.filter(({ status }) => status === 'pending');
  if (waiting.length === 0) return decision;
  if (waiting.some(({ depth }) => depth + 1 > limits.chainOfHoldsMax)) return denied;
  const rule: FactRule = {
    policy: predecessorPolicy,
    needs: waiting.map(({ hold }) => `hold:${hold}`).sort(),
    withinMs: Math.max(...waiting.map(({ remainingMs }) => remainingMs)) + graceMs,
    reason: 'this follows what waits itself',
  };
  return { ...decision, outcome: 'defer', kind: decision.outcome === 'defer' ? decision.kind : 'needs_predecessor', facts: [...decision.facts, rule] };
}
