import { randomHandle } from '../../lib/ids.js';

export interface RetryPace {
  readonly firstMs: number;
  readonly mostMs: number;
}

export const retryPace: RetryPace = { firstMs: 1_000, mostMs: 10 * 60_000 };

/** How long to wait after so many failures: twice as long each time, and somewhere between half of it and all, so that many do not come back at once. */
export function retryMs(failures: number, { firstMs, mostMs }: RetryPace, share: number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 40));
  return Math.round(whole / 2 + (whole / 2) * share);
}

/** Evenly between 0 and 1. */
export const randomShare = (): number => parseInt(randomHandle().slice(0, 8), 16) / 2 ** 32;
