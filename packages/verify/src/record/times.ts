/** By which time to judge, in milliseconds since 1970. */
export interface Times {
  /** Of the log's newest entry. */
  readonly newestMs: number;
  /** Of whoever verifies a log that is alive. */
  readonly nowMs: number | undefined;
}

/** How long after its deadline something may still wait, and how far clocks may be apart, in milliseconds. */
export const graceMs = 5 * 60_000;

export const judgedAt = ({ newestMs, nowMs }: Times): number => Math.max(newestMs, nowMs ?? 0);
