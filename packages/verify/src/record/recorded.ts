import type { Entry } from '../leaf/entry.js';

/** An entry and where the log has it. */
export interface Recorded {
  readonly entry: Entry;
  readonly index: number;
  /** Leaf hash in base64. */
  readonly hash: string;
  /** Its text is not the one that was signed. */
  readonly isAltered: boolean;
}

/** Where a finding about an entry is. */
export const placeOf = ({ entry, index }: Recorded) => ({ index, entry: entry.id });
