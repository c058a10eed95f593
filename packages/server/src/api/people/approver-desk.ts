import type { Json, JsonObject, StandingBounds } from '@flyball/protocol';

/** One line of a person's inbox. */
export interface InboxRow {
  readonly hold: string;
  readonly identity: string;
  readonly onBehalfOf?: string;
  readonly action: string;
  readonly reason: string;
  readonly atMs: number;
  readonly deadlineMs: number;
  /** How many questions like this one wait for the same person. */
  readonly like: number;
  /** The first of them, for answering them together. */
  readonly ids: readonly string[];
  /** Whether one answer can be given to several of them. */
  readonly together: boolean;
  readonly outcome: 'step_up' | 'defer';
}

export interface InboxPage {
  readonly rows: readonly InboxRow[];
  readonly next?: string;
}

/** One question with all it takes to answer. */
export interface Question {
  readonly hold: string;
  /** Digest of the attempt that waits. */
  readonly digest: string;
  readonly identity: string;
  readonly onBehalfOf?: string;
  readonly action: string;
  readonly tier: string;
  readonly reasons: readonly string[];
  /** What a person sees, as the server made it. */
  readonly preview: { readonly text: string; readonly digest: string; readonly shortened: boolean };
  readonly approvals: readonly { readonly policy: string; readonly approvers: string; readonly quorum: number; readonly have: number; readonly evidence: readonly string[]; readonly signature?: 'webauthn'; readonly standing?: JsonObject }[];
  readonly facts: readonly string[];
  /** Who agreed; `terms` says to what less or more than the question, in words. */
  readonly agreed: readonly { readonly person: string; readonly atMs: number; readonly terms: readonly string[] }[];
  readonly evidence: readonly { readonly kind: string; readonly by: string; readonly verified: boolean }[];
  readonly atMs: number;
  readonly deadlineMs: number;
  readonly state: string;
  readonly narrowable: readonly { readonly name: string; readonly most: number }[];
}

export interface AnswerWish {
  readonly hold: string;
  readonly person: string;
  readonly agrees: boolean;
  readonly reason: string;
  readonly seen?: string | undefined;
  readonly evidence?: readonly { readonly kind: string; readonly value: Json }[] | undefined;
  readonly narrow?: { readonly caps?: Readonly<Record<string, number>> | undefined; readonly untilMs?: number | undefined } | undefined;
  /** Also for what will be like it, within these bounds. */
  readonly standing?: StandingBounds | undefined;
  /** A nonce of ours and what the browser's authenticator made of it. */
  readonly signature?: JsonObject | undefined;
}

/** What people who answer can see and do. */
export interface ApproverDesk {
  inbox(person: string, after: string | undefined): Promise<InboxPage>;
  /** Throws `not_found` for who could not answer it and did not, unless they may see all. */
  question(hold: string, person: string, seesAll: boolean): Promise<Question>;
  answer(wish: AnswerWish): Promise<JsonObject>;
}
