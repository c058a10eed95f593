import { FlyballError } from '@flyball/protocol';

/** Lets so many go on at once; the others wait in order, and whoever finds too many waiting is turned away with `overloaded`. */
export class Gate {
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly atOnceMax: number,
    private readonly waitingMax: number,
  ) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.atOnceMax) await this.#turn();
    else this.#inside++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed on, so that nobody who comes just now takes it.
      if (next) next();
      else this.#inside--;
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.waitingMax) throw new FlyballError('overloaded', 'too much is asked at once');
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
