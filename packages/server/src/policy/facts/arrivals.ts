import type { FactRule } from '@flyball/protocol';
import type { DecisionInputs } from '../../action/states.js';
import type { Clock } from '../../lib/clock.js';

/** A hold that waits for facts. */
export interface WaitingHold {
  readonly id: string;
  readonly deadlineMs: number;
  readonly facts: readonly FactRule[];
}

/** What the job needs of the holds. */
export interface Waiting {
  /** Open holds that wait for facts. */
  list(): Iterable<WaitingHold>;
  /** The inputs that were recorded with a hold; nothing when they were erased. */
  inputsOf(id: string): Promise<DecisionInputs | undefined>;
  /** Whatever its rules waited for is there: recorded, and told to who waits. */
  arrived(id: string, facts: readonly string[]): Promise<void>;
}

/** Asks the providers again, and says whether the same attempt would still wait for facts. */
export interface Reconsider {
  (inputs: DecisionInputs, names: readonly string[], youngerThanMs: number): Promise<boolean>;
}

const firstMs = 5_000;
const mostMs = 60_000;
const perRoundMax = 200;
const atOnceMax = 8;
const rememberedMax = 10_000;

interface Turn {
  readonly dueMs: number;
  readonly pauseMs: number;
}

/**
 * Looks whether what holds wait for has arrived: after 5 seconds, then ever less often, every minute at last. Arriving
 * decides nothing: whoever asked asks again, and everything is decided anew, from the top.
 */
export class Arrivals {
  readonly #turns = new Map<string, Turn>();
  readonly #arrived = new Set<string>();

  constructor(
    private readonly waiting: Waiting,
    private readonly reconsider: Reconsider,
    private readonly clock: Clock,
  ) {}

  /** One round: of those that are due, those that have waited longest for their turn. */
  async round(): Promise<void> {
    const nowMs = this.clock.now();
    const open = [...this.waiting.list()].filter(({ deadlineMs }) => deadlineMs > nowMs);
    this.#forget(new Set(open.map(({ id }) => id)));
    const due = open.flatMap((hold) => {
      const turn = this.#turnOf(hold.id, nowMs);
      return turn.dueMs <= nowMs ? [{ hold, turn }] : [];
    });
    const next = due.sort((left, right) => left.turn.dueMs - right.turn.dueMs).slice(0, perRoundMax);
    const take = async () => {
      for (let one = next.shift(); one; one = next.shift()) await this.#look(one.hold, one.turn);
    };
    await Promise.all(Array.from({ length: atOnceMax }, take));
  }

  #turnOf(id: string, nowMs: number): Turn {
    const known = this.#turns.get(id);
    // Beyond so many holds each is as if it were seen for the first time, and due at once.
    if (known || this.#turns.size >= rememberedMax) return known ?? { dueMs: nowMs, pauseMs: mostMs };
    const turn = { dueMs: nowMs + firstMs, pauseMs: firstMs };
    this.#turns.set(id, turn);
    return turn;
  }

  async #look({ id, facts }: WaitingHold, { pauseMs }: Turn): Promise<void> {
    const nextMs = Math.min(mostMs, pauseMs * 2);
    if (this.#turns.has(id)) this.#turns.set(id, { dueMs: this.clock.now() + nextMs, pauseMs: nextMs });
    const inputs = await this.waiting.inputsOf(id);
    if (!inputs) return;
    const names = [...new Set(facts.flatMap(({ needs }) => needs))].sort();
    // Who waits wants to know of now: an answer may be fresh for hours, and still be from before.
    const waits = await this.reconsider(inputs, names, firstMs);
    // Told once; and again, should it have gone and come back before anybody asked.
    if (waits) this.#arrived.delete(id);
    else if (!this.#arrived.has(id)) {
      await this.waiting.arrived(id, names);
      this.#arrived.add(id);
    }
  }

  #forget(open: ReadonlySet<string>): void {
    for (const id of [...this.#turns.keys(), ...this.#arrived]) {
      if (open.has(id)) continue;
      this.#turns.delete(id);
      this.#arrived.delete(id);
    }
  }
}
