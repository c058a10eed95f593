import type { StandingBounds } from '@flyball/protocol';
import type { Narrowing } from '../action/states.js';

/** To what somebody agreed beside the bare question: to less, or also to what will be like it. */
export interface AgreedTerms {
  readonly narrow?: Narrowing | undefined;
  readonly standing?: StandingBounds | undefined;
}

/** The terms of an answer in words; nothing where it was to exactly what was asked, once. */
export function termsInWords({ narrow, standing }: AgreedTerms): readonly string[] {
  return [
    ...Object.entries(narrow?.caps ?? {}).map(([name, most]) => `${name} at most ${most}`),
    ...(narrow?.untilMs === undefined ? [] : [`until ${new Date(narrow.untilMs).toISOString()}`]),
    ...(standing ? [`and to what is like it: ${standing.count} times, for ${Math.round(standing.withinMs / 1_000)} s${standing.sum ? `, ${standing.sum.argument} adding up to ${standing.sum.most} at most` : ''}`] : []),
  ];
}
