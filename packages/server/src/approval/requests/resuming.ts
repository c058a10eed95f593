import { type Entry, FlyballError } from '@flyball/protocol';
import type { Board, OpenHold } from '../board.js';
import type { AccessRequests, Resumed } from './access-requests.js';

/** How long until everything that waits is looked at again: for what a crash or another node left. */
const sweepMs = 5_000;
const looksPerRound = 50;
const againMs = 30_000;

interface Look {
  readonly votes: number;
  readonly bundle: string;
  readonly againAtMs: number;
}

export interface ResumingParts {
  readonly board: Pick<Board, 'list' | 'load' | 'open'>;
  readonly requests: Pick<AccessRequests, 'resume'>;
  /** Whether an action is a request for access. */
  readonly isRequest: (action: string) => boolean;
  readonly bundle: () => string;
  readonly now: () => number;
  readonly trouble: (error: unknown) => void;
}

/** Sees to it that what was agreed to is carried out, whoever was told that it was and however often a node dies. */
export class Resuming {
  /** Holds of which something was just heard. */
  readonly #heard = new Set<string>();
  readonly #looks = new Map<string, Look>();
  #sweptAtMs = -Infinity;

  constructor(private readonly parts: ResumingParts) {}

  /** Takes notice of an entry, of this node or of another. */
  notice({ kind, body }: Entry): void {
    if (kind !== 'approval' && kind !== 'evidence' && kind !== 'facts.arrived') return;
    const { hold } = body as { readonly hold?: string };
    const open = hold === undefined ? undefined : this.parts.board.open(hold);
    if (open && this.parts.isRequest(open.action)) this.#heard.add(open.id);
  }

  /** One look at what was heard of, and now and then at everything that waits. */
  async round(): Promise<void> {
    const now = this.parts.now();
    if (now - this.#sweptAtMs >= sweepMs || now < this.#sweptAtMs) {
      await this.parts.board.load();
      this.#sweep(now);
      this.#sweptAtMs = now;
    }
    for (const id of [...this.#heard].slice(0, looksPerRound)) {
      this.#heard.delete(id);
      const open = this.parts.board.open(id);
      if (open) await this.#look(open, now);
    }
  }

  /** What was looked at is looked at again when it may have become something else, and otherwise not often. */
  #sweep(now: number): void {
    const bundle = this.parts.bundle();
    const open = new Set<string>();
    for (const hold of this.parts.board.list()) {
      if (!this.parts.isRequest(hold.action)) continue;
      open.add(hold.id);
      const last = this.#looks.get(hold.id);
      if (last?.votes !== hold.votes || last.bundle !== bundle || now >= last.againAtMs) this.#heard.add(hold.id);
    }
    for (const id of this.#looks.keys()) if (!open.has(id)) this.#looks.delete(id);
  }

  async #look({ id, votes }: OpenHold, now: number): Promise<void> {
    const bundle = this.parts.bundle();
    const result = await this.#resumed(id);
    if (result === 'done') this.#looks.delete(id);
    // What nothing but another bundle can change is not tried, and refused, again and again.
    else this.#looks.set(id, { votes, bundle, againAtMs: result === 'stuck' ? Infinity : now + againMs });
  }

  async #resumed(id: string): Promise<Resumed> {
    try {
      return await this.parts.requests.resume(id);
    } catch (error) {
      // The identity is not registered, or the person was erased: another bundle may know better.
      if (error instanceof FlyballError && (error.code === 'approval_refused' || error.code === 'not_found')) return 'stuck';
      this.parts.trouble(error);
      return 'waits';
    }
  }
}
