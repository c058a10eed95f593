import { FlyballError } from '@flyball/protocol';
import type { Clock } from '../lib/clock.js';

/**
 * Runs a task until the deadline or until the caller cancels; then aborts it and throws
 * `performed_unknown`, since what had begun may still have its effect.
 *
 * @param deadlineMs milliseconds since 1970 by the given clock
 */
export async function withDeadline<T>(
  deadlineMs: number,
  clock: Clock,
  cancel: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (deadlineMs <= clock.now() || cancel?.aborted) throw new FlyballError('performed_failed', 'its time was over before it began; nothing was done');
  const controller = new AbortController();
  let stop: (reason: string) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = (reason) => {
      const error = new FlyballError('performed_unknown', reason);
      controller.abort(error);
      reject(error);
    };
  });
  const timer = setTimeout(() => stop('no answer before the deadline; whether it had an effect is unknown'), Math.max(0, deadlineMs - clock.now()));
  const onCancel = () => stop('cancelled by the caller; whether it had an effect is unknown');
  cancel?.addEventListener('abort', onCancel, { once: true });
  try {
    return await Promise.race([task(controller.signal), stopped]);
  } finally {
    clearTimeout(timer);
    cancel?.removeEventListener('abort', onCancel);
  }
}
