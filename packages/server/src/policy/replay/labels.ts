import type { Owner, SessionTrack } from './tracks.js';

/** Labels that an identity's other sessions had, as far as it is still remembered by them. */
export function othersLabels(track: SessionTrack, nowMs: number, which: 'state' | 'theirs'): ReadonlySet<string> {
  const labels = new Set<string>();
  for (const other of track.owner.sessions) {
    if (other === track || other.rememberedUntilMs <= nowMs) continue;
    for (const label of other[which]?.labels ?? []) labels.add(label);
  }
  return labels;
}

interface Known {
  readonly changed: number;
  readonly fromMs: number;
  /** When the next session is remembered no longer. */
  readonly untilMs: number;
  readonly labels: readonly string[];
}

const knownBy = { state: new WeakMap<Owner, Known>(), theirs: new WeakMap<Owner, Known>() };

/** All that an identity knows: what it learnt in any session that it is still remembered by. */
export function knownLabels(owner: Owner, nowMs: number, which: 'state' | 'theirs'): readonly string[] {
  const last = knownBy[which].get(owner);
  if (last && last.changed === owner.labelsChanged && nowMs >= last.fromMs && nowMs < last.untilMs) return last.labels;
  const remembered = owner.sessions.filter(({ rememberedUntilMs }) => rememberedUntilMs > nowMs);
  const labels = [...new Set(remembered.flatMap((session) => session[which]?.labels ?? []))].sort();
  knownBy[which].set(owner, { changed: owner.labelsChanged, fromMs: nowMs, untilMs: Math.min(...remembered.map(({ rememberedUntilMs }) => rememberedUntilMs)), labels });
  return labels;
}

/**
 * What was recorded to be known, with what the candidate changes: what the record alone cannot tell exactly, which
 * session knew first, stays as it was.
 */
export function changedLabels(recorded: readonly string[], then: readonly string[], now: readonly string[]): readonly string[] {
  const kept = recorded.filter((label) => now.includes(label) || !then.includes(label));
  const added = now.filter((label) => !then.includes(label) && !kept.includes(label));
  return added.length === 0 && kept.length === recorded.length ? recorded : [...kept, ...added].sort();
}
