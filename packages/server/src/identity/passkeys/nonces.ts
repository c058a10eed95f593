import { BoundedMap } from '../../lib/bounded-map.js';
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
  readonly #issued: BoundedMap<Issued>;

  constructor(private readonly clock: Clock) {
    this.#issued = new BoundedMap(clock, { perOwnerMost: perPersonMost, allMost, ownerOf: ({ person }) => person, endsAtMs: ({ untilMs }) => untilMs });
  }

  issue(person: string, purpose: string): string {
    const nonce = randomHandle();
    this.#issued.add(nonce, { person, purpose, untilMs: this.clock.now() + nonceMs });
    return nonce;
  }

  /** True once, for the person and the purpose that it was given out for; whatever the answer, it is used up. */
  redeem(nonce: string, person: string, purpose: string): boolean {
    const issued = this.#issued.find(nonce);
    // Another person's try must not use up what was not given to them.
    if (issued?.person !== person) return false;
    this.#issued.delete(nonce);
    return issued.purpose === purpose;
  }
}
