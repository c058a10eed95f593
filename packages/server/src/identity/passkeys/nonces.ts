import type { Clock } from '../../lib/clock.js';
import { randomHandle } from '../../lib/ids.js';

const nonceMs = 5 * 60_000;
const perPersonMost = 20;
const allMost = 50_000;

interface Issued {
  readonly person: string;
  readonly purpose: string;
  readonly untilMs: number;
}

/** Numbers that are good once, for one person and purpose, for five minutes, on the node that gave them out. */
export class Nonces {
  readonly #issued = new Map<string, Issued>();

  constructor(private readonly clock: Clock) {}

  issue(person: string, purpose: string): string {
    this.#trim(person);
    const nonce = randomHandle();
    this.#issued.set(nonce, { person, purpose, untilMs: this.clock.now() + nonceMs });
    return nonce;
  }

  /** True once, for the person and the purpose that it was given out for; whatever the answer, it is used up. */
  redeem(nonce: string, person: string, purpose: string): boolean {
    const issued = this.#issued.get(nonce);
    // Another person's try must not use up what was not given to them.
    if (!issued || issued.person !== person) return false;
    this.#issued.delete(nonce);
    return issued.purpose === purpose && issued.untilMs > this.clock.now();
  }

  /** A Map keeps the order of insertion, so what is first is oldest. */
  #trim(person: string): void {
    const now = this.clock.now();
    for (const [nonce, { untilMs }] of this.#issued) {
      if (untilMs > now) break;
      this.#issued.delete(nonce);
    }
    const own = [...this.#issued].filter(([, issued]) => issued.person === person);
    own.slice(0, Math.max(0, own.length - perPersonMost + 1)).forEach(([nonce]) => this.#issued.delete(nonce));
    const [oldest] = this.#issued.keys();
    if (this.#issued.size >= allMost && oldest !== undefined) this.#issued.delete(oldest);
  }
}
