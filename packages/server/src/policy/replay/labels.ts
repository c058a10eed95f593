import type { SessionTrack } from './tracks.js';

/** Labels that an identity's other sessions had, as far as it is still remembered by them. */
export function othersLabels(track: SessionTrack, nowMs: number, which: 'state' | 'theirs'): ReadonlySet<string> {
  const labels = new Set<string>();
  for (const other of track.owner.sessions) {
    if (other === track || other.rememberedUntilMs <= nowMs) continue;
    for (const label of other[which]?.labels ?? []) labels.add(label);
  }
  return labels;
}

/** All that a session knows: what it learnt itself and what its identity learnt elsewhere. */
export function knownLabels(track: SessionTrack, nowMs: number, which: 'state' | 'theirs'): readonly string[] {
  const own = track[which]?.labels ?? [];
  const others = othersLabels(track, nowMs, which);
  return others.size === 0 ? own : [...new Set([...own, ...others])].sort();
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
