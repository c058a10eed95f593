/** Which of the two verdicts a finding speaks against. */
export type Question = 'integrity' | 'completeness';

/** What can be wrong, and which verdict it speaks against. README.md says what each means. */
const questions = {
  unavailable: 'integrity',
  checkpoint_malformed: 'integrity',
  checkpoint_untrusted: 'integrity',
  signature_invalid: 'integrity',
  wrong_origin: 'integrity',
  key_retired: 'integrity',
  quorum_missed: 'integrity',
  root_mismatch: 'integrity',
  tile_altered: 'integrity',
  bundle_malformed: 'integrity',
  entry_altered: 'integrity',
  entry_malformed: 'integrity',
  tenant_foreign: 'integrity',
  fork: 'integrity',
  rolled_back: 'integrity',
  receipt_invalid: 'integrity',
  promise_invalid: 'integrity',
  body_mismatch: 'integrity',
  not_examined: 'completeness',
  stream_gap: 'completeness',
  stream_duplicate: 'completeness',
  chain_broken: 'completeness',
  time_reversed: 'completeness',
  id_duplicate: 'completeness',
  session_mismatch: 'completeness',
  outcome_missing: 'completeness',
  hold_open: 'completeness',
  session_open: 'completeness',
  authority_open: 'completeness',
  settled_twice: 'completeness',
  settles_nothing: 'completeness',
  settles_wrongly: 'completeness',
  approval_missing: 'completeness',
  approval_mismatch: 'completeness',
  approver_repeated: 'completeness',
  answer_forged: 'completeness',
  bundle_unknown: 'completeness',
  promise_broken: 'completeness',
  receipt_broken: 'completeness',
  body_missing: 'completeness',
} as const satisfies Readonly<Record<string, Question>>;

export type FindingCode = keyof typeof questions;

/** Where something is wrong, as far as it is known. */
export interface Place {
  /** A path of the log, or the name of a file that was given. */
  readonly file?: string;
  /** Index of the entry in the log, from 0. */
  readonly index?: number;
  /** Id of the entry. */
  readonly entry?: string;
  readonly stream?: string;
}

export interface Finding {
  readonly code: FindingCode;
  /** One sentence; it may quote what the log says. */
  readonly message: string;
  readonly place: Place;
}

export interface Judgement {
  readonly holds: boolean;
  /** The first of each code. */
  readonly findings: readonly Finding[];
  /** How many there were of each code, listed or not. */
  readonly counts: Readonly<Partial<Record<FindingCode, number>>>;
}

/** Findings of one code that are listed. */
export const listedMax = 20;

/** Everything that was found wrong: all is counted, the first of each code are kept. */
export class Findings {
  readonly #listed: Finding[] = [];
  readonly #counts = new Map<FindingCode, number>();

  add(code: FindingCode, message: string, place: Place = {}): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count <= listedMax) this.#listed.push({ code, message, place });
  }

  count(code: FindingCode): number {
    return this.#counts.get(code) ?? 0;
  }

  judge(question: Question): Judgement {
    const counts = [...this.#counts].filter(([code]) => questions[code] === question);
    return { holds: counts.length === 0, findings: this.#listed.filter(({ code }) => questions[code] === question), counts: Object.fromEntries(counts) };
  }
}
