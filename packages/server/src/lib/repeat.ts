import { pause } from './clock.js';

export interface Repetition {
  readonly everyMs: number;
  readonly stop: AbortSignal;
  /** Told of a failure, once each time it begins to fail. */
  readonly failed: (error: unknown) => void;
}

/** Does something over and over, with a pause after each time, until it is told to stop. What fails is tried again. */
export async function repeat(step: () => Promise<void>, { everyMs, stop, failed }: Repetition): Promise<void> {
  let failing = false;
  while (!stop.aborted) {
    try {
      await step();
      failing = false;
    } catch (error) {
      if (!failing) failed(error);
      failing = true;
    }
    await pause(everyMs, stop);
  }
}
