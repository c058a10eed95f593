import type { KeyStatus } from './evidence/key-history.js';
import type { Judgement } from './finding.js';
import type { RecordCounts } from './record/record-check.js';

/** What can be said of a log. It holds only as far as `size`, and says nothing of what was never recorded. */
export interface Verdict {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Nobody changed, removed or reordered anything, and nobody was shown another log. */
  readonly integrity: Judgement;
  /** Everything that the log itself, a promise or a receipt says must be there is there. */
  readonly completeness: Judgement;
  readonly counts: RecordCounts & { readonly tiles: number; readonly earlier: number; readonly receipts: number; readonly promises: number };
  /** Time of the newest entry, in milliseconds since 1970. */
  readonly newestMs: number;
  /** Keys of the log as its entries tell it; the last status of each. */
  readonly keys: readonly { readonly key: string; readonly status: KeyStatus }[];
}

export interface Progress {
  readonly done: number;
  readonly total: number;
}
