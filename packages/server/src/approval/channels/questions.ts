import type { ApprovalRule } from '@flyball/protocol';
import type { Preview } from '../preview.js';
import type { OpenQuestion } from './ladder.js';

/** What channels ask about questions as they are now. */
export interface QuestionsNow {
  /** All that wait here. */
  open(): Iterable<OpenQuestion>;
  /** How it stands with one; nothing when there is no such question. */
  standing(hold: string): Promise<QuestionStanding | undefined>;
  /** The whole question, as a person sees it before they answer. */
  preview(hold: string): Promise<Preview | undefined>;
}

export interface QuestionStanding {
  /** Only what is `pending` waits for people. */
  readonly state: string;
  readonly approvals: readonly ApprovalRule[];
}

/** Where people's answers go. Whoever takes them asks everything that has to be asked: who may, what was seen, what is still open. */
export interface Answers {
  answer(answer: { readonly hold: string; readonly person: string; readonly agrees: boolean; readonly reason: string; readonly seen?: string }): Promise<unknown>;
}
