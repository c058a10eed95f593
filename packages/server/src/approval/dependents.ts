import type { Board, OpenHold } from './board.js';
import type { Holds } from './holds.js';
import type { HoldStateName, Questions } from './questions.js';

const dead: ReadonlySet<HoldStateName> = new Set(['refused', 'expired', 'cancelled', 'superseded']);

/** Ends what waits behind a hold that came to nothing, and tells what waits behind one that was used. */
export class Dependents {
  readonly #told = new Set<string>();

  constructor(
    private readonly board: Pick<Board, 'list'>,
    private readonly questions: Pick<Questions, 'status'>,
    private readonly holds: Pick<Holds, 'drop' | 'arrived'>,
  ) {}

  async round(): Promise<void> {
    const waiting = [...this.board.list()].filter(({ after }) => after.length > 0);
    const open = new Set(waiting.map(({ id }) => id));
    for (const id of this.#told) if (!open.has(id)) this.#told.delete(id);
    for (const hold of waiting) await this.#look(hold);
  }

  async #look({ id, after }: OpenHold): Promise<void> {
    const states = await Promise.all(after.map(async (before) => (await this.questions.status(before)).state));
    if (states.some((state) => dead.has(state))) await this.holds.drop(id, after);
    else if (states.every((state) => state === 'used') && !this.#told.has(id)) {
      await this.holds.arrived(id, after.map((before) => `hold:${before}`));
      this.#told.add(id);
    }
  }
}
