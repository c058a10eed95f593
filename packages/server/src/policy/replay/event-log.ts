import type { History, PastEvent } from '@flyball/cedar';
import type { Question, TemporalClauses } from '../temporal.js';
import type { EntryRef } from './record.js';

/** An event with the entry that it was. */
export interface Happened {
  readonly event: PastEvent;
  readonly ref: EntryRef;
  readonly stream: string;
  readonly version: number;
  /** Its inputs are not there any more, so it may have matched what it no longer does. */
  readonly erased: boolean;
}

interface Kept {
  readonly history: History;
  /** Events that it has, counted from the very first. */
  fed: number;
  tidyAtMs: number;
}

const historiesMost = 3;
const trimEvery = 256;

/** What one identity did in all its sessions, as far back as any clause can see. */
export class EventLog {
  #events: Happened[] = [];
  #gone = 0;
  readonly #histories = new Map<TemporalClauses, Kept>();

  constructor(private readonly keptMs: number) {}

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  add(happened: Happened): void {
    this.#events.push(happened);
    if ((this.#events.length + this.#gone) % trimEvery === 0) this.forgetBefore(happened.event.atMs - this.keptMs);
  }

  forgetBefore(atMs: number): void {
    const first = this.#events.findIndex(({ event }) => event.atMs >= atMs);
    const old = first < 0 ? this.#events.length : first;
    if (old === 0) return;
    this.#events = this.#events.slice(old);
    this.#gone += old;
  }

  /** What each clause says. */
  ask(clauses: TemporalClauses, { event, present }: Question): ReadonlyMap<string, boolean> {
    const kept = this.#history(clauses);
    for (let next = Math.max(0, kept.fed - this.#gone); next < this.#events.length; next++) {
      const happened = this.#events[next];
      if (happened) kept.history.add(happened.event);
    }
    kept.fed = this.#gone + this.#events.length;
    this.#tidy(kept, event.atMs, clauses.monitor.horizonMs);
    return clauses.monitor.ask(kept.history, event, present);
  }

  /** What is too old answers nothing, so it is forgotten now and then only. */
  #tidy(kept: Kept, nowMs: number, horizonMs: number): void {
    if (nowMs < kept.tidyAtMs) return;
    kept.history.forgetBefore(nowMs - horizonMs);
    kept.tidyAtMs = nowMs + horizonMs / 2;
  }

  /** Events from a moment on, oldest first. */
  since(atMs: number): readonly Happened[] {
    return this.#events.filter(({ event }) => event.atMs >= atMs);
  }

  #history(clauses: TemporalClauses): Kept {
    const kept = this.#histories.get(clauses) ?? { history: clauses.monitor.newHistory(), fed: 0, tidyAtMs: 0 };
    this.#histories.delete(clauses);
    this.#histories.set(clauses, kept);
    const [oldest] = this.#histories.keys();
    if (oldest && this.#histories.size > historiesMost) this.#histories.delete(oldest);
    return kept;
  }
}
