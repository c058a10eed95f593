import { performance } from 'node:perf_hooks';

/** The only source of time. Milliseconds since 1970 by the store's clock. */
export interface Clock {
  now(): number;
  /** Difference between the store's clock and the machine's, in milliseconds, when it was last set. */
  readonly offsetMs: number;
}

/**
 * A clock that follows the store's: set from it now and then, and moved on in between by the monotonic
 * counter, so that a change of the machine's wall clock neither lengthens nor shortens any expiry.
 */
export class StoreClock implements Clock {
  #storeMs = Date.now();
  #setAt = performance.now();
  offsetMs = 0;

  now(): number {
    return Math.floor(this.#storeMs + (performance.now() - this.#setAt));
  }

  /** @param storeMs what the store's clock shows now, in milliseconds since 1970 */
  set(storeMs: number): void {
    if (!Number.isFinite(storeMs)) return;
    this.#storeMs = storeMs;
    this.#setAt = performance.now();
    this.offsetMs = Math.round(storeMs - Date.now());
  }
}

/** Milliseconds that only ever grow, since some moment: for how long ago something was here. */
export const monotonicMs = (): number => performance.now();

/** Waits without keeping the process alive; ends early, without an error, when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    timer.unref();
    signal?.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}
