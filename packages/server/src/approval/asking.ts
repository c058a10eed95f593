import { FlyballError } from '@flyball/protocol';
import { limits } from '../lib/limits.js';

const minuteMs = 60_000;

/** Keeps one identity from asking so much that people click through: how many wait for it, and how many it asked in a minute. */
export class Asking {
  /** Attempts that asked, by identity: one that has to be decided again is the same question. */
  readonly #asked = new Map<string, { readonly minute: number; readonly attempts: Set<string> }>();

  constructor(
    private readonly open: (identity: string) => number,
    private readonly now: () => number,
  ) {}

  /** Throws `overloaded`; nothing was asked then. */
  verify(identity: string, pendingInSession: number, attempt: string): void {
    if (pendingInSession >= limits.holdsPerSessionMax) throw tooMany(`this session already waits for ${limits.holdsPerSessionMax} answers`);
    if (this.open(identity) >= limits.holdsPerIdentityMax) throw tooMany(`this identity already waits for ${limits.holdsPerIdentityMax} answers`);
    const minute = Math.floor(this.now() / minuteMs);
    const last = this.#asked.get(identity);
    const attempts = last?.minute === minute ? last.attempts : new Set<string>();
    if (attempts.size >= limits.questionsPerMinuteMax && !attempts.has(attempt)) throw tooMany(`this identity has asked ${limits.questionsPerMinuteMax} questions within a minute`);
    if (this.#asked.size > limits.projectionsMax) this.#asked.clear();
    this.#asked.set(identity, { minute, attempts: attempts.add(attempt) });
  }
}

const tooMany = (message: string) => new FlyballError('overloaded', `${message}; nothing was asked`);
