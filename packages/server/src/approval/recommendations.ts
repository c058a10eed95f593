import type { Entry } from '@flyball/protocol';

/** What became of an action's recommendations: whether it is ready to run by itself is seen here first. */
export interface RecommendationCounts {
  /** Presented to people, or asked of them. */
  readonly made: number;
  readonly takenUp: number;
  readonly refused: number;
  /** Nobody answered in time. */
  readonly ignored: number;
  /** Taken back, or asked anew in another form. */
  readonly withdrawn: number;
  /** Not confident enough to be shown to anybody. */
  readonly dropped: number;
}

export const recommendationStream = (action: string): string => `recommendation:${action}`;

const none: RecommendationCounts = { made: 0, takenUp: 0, refused: 0, ignored: 0, withdrawn: 0, dropped: 0 };

export function foldRecommendations(state: RecommendationCounts | undefined, entry: Entry): RecommendationCounts {
  const counts = state ?? none;
  switch (entry.kind) {
    case 'hold':
      return { ...counts, made: counts.made + 1, ...(entry.settles !== undefined && { withdrawn: counts.withdrawn + 1 }) };
    case 'intent':
      return { ...counts, takenUp: counts.takenUp + 1 };
    case 'refusal':
      return { ...counts, dropped: counts.dropped + 1 };
    case 'hold.settled':
      return settled(counts, (entry.body as { readonly status: string }).status);
    default:
      return counts;
  }
}

function settled(counts: RecommendationCounts, status: string): RecommendationCounts {
  if (status === 'refused') return { ...counts, refused: counts.refused + 1 };
  return status === 'expired' ? { ...counts, ignored: counts.ignored + 1 } : { ...counts, withdrawn: counts.withdrawn + 1 };
}
