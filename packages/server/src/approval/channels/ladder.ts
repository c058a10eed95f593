import type { ApprovalRule } from '@flyball/protocol';
import type { Happening } from './events.js';

/** A question that waits for people, as the board of open holds has it. */
export interface OpenQuestion {
  readonly id: string;
  readonly identity: string;
  readonly atMs: number;
  readonly deadlineMs: number;
  readonly approvals: readonly ApprovalRule[];
}

/** Steps of one question's ladders that were reached after one moment and up to another. */
export function reachedSteps({ id, identity, atMs, deadlineMs, approvals }: OpenQuestion, afterMs: number, untilMs: number): readonly Happening[] {
  const steps = new Map<string, Happening>();
  const all = approvals.flatMap(({ escalation = [] }, rule) => escalation.map((step, place) => ({ ...step, name: `${rule}-${place}` })));
  for (const { afterMs: waitMs, group, name } of all) {
    const dueMs = atMs + waitMs;
    if (dueMs <= afterMs || dueMs > untilMs || dueMs >= deadlineMs) continue;
    // Two rules with the same step are one step.
    steps.set(`${waitMs} ${group}`, { event: 'escalated', entry: id, atMs: dueMs, hold: id, identity, groups: [group], step: name });
  }
  return [...steps.values()];
}

/** Of all questions, in the order in which they were reached. There may be very many, most of them without a ladder. */
export function reachedOf(open: Iterable<OpenQuestion>, afterMs: number, untilMs: number): readonly Happening[] {
  const reached: Happening[] = [];
  for (const question of open) if (isReached(question, afterMs, untilMs)) reached.push(...reachedSteps(question, afterMs, untilMs));
  return reached.sort((left, right) => left.atMs - right.atMs);
}

/** Makes nothing: it is asked of each of them, every second. */
function isReached({ atMs, approvals }: OpenQuestion, afterMs: number, untilMs: number): boolean {
  for (const { escalation } of approvals) {
    if (!escalation) continue;
    for (const { afterMs: waitMs } of escalation) if (atMs + waitMs > afterMs && atMs + waitMs <= untilMs) return true;
  }
  return false;
}
