import type { Findings } from '../finding.js';
import type { Recorded } from './recorded.js';
import { graceMs, judgedAt, type Times } from './times.js';

/** What somebody was given: that an entry with this leaf is in the log, or soon will be. */
export interface Claim {
  readonly kind: 'promise' | 'receipt';
  readonly file: string;
  readonly entry: string;
  /** Leaf hash in base64. */
  readonly hash: string;
  /** When it was promised, in milliseconds since 1970; nothing for a receipt. */
  readonly at?: number;
  /** Where a receipt proves it to be. */
  readonly index?: number;
}

/** How long a promise may wait to be kept, in milliseconds. */
export const promiseMs = 60_000;

const broken = { promise: 'promise_broken', receipt: 'receipt_broken' } as const;

/** That every entry that was promised or proved to somebody is in the log, as it then was. */
export class Claims {
  readonly #open = new Map<string, Claim[]>();
  /** Indexes at which a claimed entry is with another leaf. */
  readonly #others = new Map<string, number>();
  kept = 0;

  constructor(
    private readonly findings: Findings,
    claims: readonly Claim[],
  ) {
    for (const claim of claims) this.#open.set(claim.entry, [...(this.#open.get(claim.entry) ?? []), claim]);
  }

  add({ entry, index, hash }: Recorded): void {
    const claims = this.#open.get(entry.id);
    if (!claims) return;
    const left = claims.filter((claim) => claim.hash !== hash || (claim.index ?? index) !== index);
    this.kept += claims.length - left.length;
    if (left.length === 0) this.#open.delete(entry.id);
    else {
      this.#open.set(entry.id, left);
      this.#others.set(entry.id, index);
    }
  }

  /**
   * How many promises are too young to be kept already.
   * @param disbelieved claims that are not the log's own
   */
  finish(times: Times, disbelieved: ReadonlySet<Claim>): number {
    let pending = 0;
    for (const claim of [...this.#open.values()].flat()) {
      if (disbelieved.has(claim)) continue;
      const other = this.#others.get(claim.entry);
      const place = { file: claim.file, entry: claim.entry, ...(other !== undefined && { index: other }) };
      if (other !== undefined) this.findings.add(broken[claim.kind], `expected the entry of this ${claim.kind} as it then was; the log has another one of that id`, place);
      else if (claim.at !== undefined && isYoung(claim.at, times)) pending++;
      else this.findings.add(broken[claim.kind], `expected the entry of this ${claim.kind} to be in the log`, place);
    }
    return pending;
  }
}

/** Not yet due; a promise from the future never would be. */
const isYoung = (atMs: number, times: Times): boolean => atMs > judgedAt(times) - promiseMs && atMs <= (times.nowMs ?? Infinity) + graceMs;
