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

/**
 * Who must agree before the attempt may run, as one `step_up` rule asks it. A rule that names several groups is one of
 * these for each; a person counts for one of them.
 */
export interface ApprovalRule {
  readonly policy: string;
  readonly approvers: string;
  readonly quorum: number;
  /** Kinds of evidence that must be there before anybody's consent counts. */
  readonly evidence: readonly string[];
  readonly withinMs: number;
  readonly reason: string;
  /** Who may not answer beside whoever asks: `owner` of the identity, `team` (who shares a group with the person it is for), `group:NAME`. */
  readonly apart?: readonly string[];
  /** Groups that may answer as well once nobody has for so long. */
  readonly escalation?: readonly Escalation[];
  /** What each answer must be signed with. */
  readonly signature?: 'webauthn';
  /** Who agrees has to say why. */
  readonly explained?: true;
  /** False: answered by itself only, never together with others like it. */
  readonly batch?: false;
  /** The widest standing approval that the rule accepts; without it, none. */
  readonly standing?: StandingBounds;
  /** Name of the emergency that opens this guard. */
  readonly emergency?: string;
}

export interface Escalation {
  readonly afterMs: number;
  readonly group: string;
}

/** How much a standing approval may cover at most. */
export interface StandingBounds {
  readonly count: number;
  readonly withinMs: number;
  /** The sum of one numeric argument over all that it covers. */
  readonly sum?: { readonly argument: string; readonly most: number };
  /** Arguments that may differ from use to use; all others stay as they were agreed to. */
  readonly free?: readonly string[];
}

/** Which facts must arrive, as one `defer` rule asks it. */
export interface FactRule {
  readonly policy: string;
  readonly needs: readonly string[];
  readonly withinMs: number;
  readonly reason: string;
  /** Name of the emergency that opens this guard. */
  readonly emergency?: string;
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
  'confidence',
  'needs_predecessor',
  'predecessor',
] as const;
export type ReasonKind = (typeof reasonKinds)[number];
