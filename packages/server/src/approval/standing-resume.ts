import { type Entry, FlyballError } from '@flyball/protocol';
import type { Board } from './board.js';
import type { StandingApprovals } from './standing-approvals.js';

/** How long the node that took an answer has to begin what it completed. */
const patienceMs = 5_000;
const looksPerRound = 50;

export interface StandingResumeParts {
  readonly board: Pick<Board, 'list' | 'load'>;
  readonly standing: Pick<StandingApprovals, 'resume'>;
  readonly now: () => number;
  readonly trouble: (error: unknown) => void;
}

/** Sees to it that a standing approval begins to which everybody agreed, also when the node that took the last answer died before it began. */
export class StandingResume {
  /** Holds to look at, and from when on. */
  readonly #due = new Map<string, number>();
  #loaded = false;

  constructor(private readonly parts: StandingResumeParts) {}

  /** Takes notice of an answer, given on this node or on another. */
  notice({ kind, body }: Entry): void {
    const { hold, standing } = body as { readonly hold?: string; readonly standing?: unknown };
    if (kind === 'approval' && hold !== undefined && standing !== undefined) this.#due.set(hold, this.parts.now() + patienceMs);
  }

  async round(): Promise<void> {
    const now = this.parts.now();
    if (!this.#loaded) await this.#load(now);
    const due = [...this.#due].filter(([, fromMs]) => fromMs <= now || fromMs > now + patienceMs);
    for (const [hold] of due.slice(0, looksPerRound)) {
      this.#due.delete(hold);
      await this.parts.standing.resume(hold).catch((error: unknown) => {
        // The question was archived, so nobody can use what it led to.
        if (error instanceof FlyballError && error.code === 'not_found') return;
        this.#due.set(hold, now + patienceMs);
        this.parts.trouble(error);
      });
    }
  }

  /** What was open before this node began: answers of then are not heard of. */
  async #load(now: number): Promise<void> {
    await this.parts.board.load();
    for (const { id, approvals } of this.parts.board.list()) if (approvals.some(({ standing }) => standing)) this.#due.set(id, now);
    this.#loaded = true;
  }
}
