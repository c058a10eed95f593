/** The five outcomes, strictest first: of several, the first one in this list counts. */
export const outcomes = ['deny', 'defer', 'step_up', 'modify', 'allow'] as const;
export type Outcome = (typeof outcomes)[number];

/** What the enforcement point must do to honour a `modify`. */
export interface Modification {
  /** Upper bounds of numeric arguments by name; an absent argument is set to its bound. */
  readonly caps: Readonly<Record<string, number>>;
  /** Arguments that are set to a fixed value, such as `dry_run`. */
  readonly sets: Readonly<Record<string, string | boolean>>;
  /** Classes of text taken out of what came back: `pii`, `secret`. */
  readonly redact: readonly string[];
}

/** One policy that took part in a decision, and how. */
export interface PolicyVerdict {
  readonly policy: string;
  readonly effect: 'permit' | 'forbid';
  readonly result: 'satisfied' | 'error';
  readonly reason?: string;
  /** Why the policy could not be evaluated; for operators, never for the machine. */
  readonly error?: string;
  readonly shadow?: boolean;
}

/** Who must agree before the attempt may run, as one `step_up` rule asks it. */
export interface ApprovalRule {
  readonly policy: string;
  readonly approvers: string;
  readonly quorum: number;
  readonly evidence: readonly string[];
  readonly withinMs: number;
  readonly reason: string;
}

/** Which facts must arrive, as one `defer` rule asks it. */
export interface FactRule {
  readonly policy: string;
  readonly needs: readonly string[];
  readonly withinMs: number;
  readonly reason: string;
}

export interface Decision {
  readonly outcome: Outcome;
  /** Kind of reason, one word a machine can branch on and that gives no rule away. */
  readonly kind: ReasonKind;
  readonly verdicts: readonly PolicyVerdict[];
  readonly modification?: Modification;
  readonly approvals: readonly ApprovalRule[];
  readonly facts: readonly FactRule[];
  /** Credential to issue and its longest life, when a determining permit names one. */
  readonly credential?: { readonly target: string; readonly ttlMs: number };
  /** Outcome that policies in shadow mode would have led to, where it differs. */
  readonly shadowOutcome?: Outcome;
  readonly bundle: string;
}

export const reasonKinds = [
  'permitted',
  'forbidden',
  'no_permit',
  'guard_broken',
  'needs_approval',
  'needs_facts',
  'identity',
  'session',
  'capability',
  'unknown_action',
  'arguments',
  'quarantined',
  'unavailable',
  'approval',
] as const;
export type ReasonKind = (typeof reasonKinds)[number];
