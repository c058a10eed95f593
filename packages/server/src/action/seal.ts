import type { Modification } from '@flyball/protocol';

/** Consent that was given beforehand. Its use is an entry's place in its stream, so that nothing is used more often than was agreed. */
export interface Means {
  readonly kind: 'standing' | 'emergency';
  readonly id: string;
  readonly stream: string;
  /** Version of the stream that this use was decided on; without it, uses do not compete. */
  readonly expected?: number;
  /** Name of the argument of which its use draws. */
  readonly draws?: string;
}

/**
 * Proofs that a stage was passed. Their fields are private, so nothing else has their shape, and the
 * boundary check lets only `approval/` import `grant` and only `ledger/` import `intent`.
 */
export class Grant {
  readonly #sealed = true;
  constructor(
    readonly digest: string,
    readonly approvals: readonly string[],
    /** The hold that this grant uses up, if people had to agree. */
    readonly hold: string | undefined,
    readonly modification: Modification | undefined,
    /** What stands in for people's answers: a standing approval or an emergency, each with the place that its use takes. */
    readonly means: readonly Means[] = [],
  ) {}
  isSealed(): boolean {
    return this.#sealed;
  }
}

export class Intent {
  readonly #sealed = true;
  constructor(
    readonly id: string,
    readonly stream: string,
    readonly deadlineMs: number,
    /** The log's signed promise that this intent will be in it. */
    readonly promise: string,
  ) {}
  isSealed(): boolean {
    return this.#sealed;
  }
}

/**
 * An identity for which the server itself asks, because a person who may has asked it to, or because people agreed to what
 * was asked before. No caller can show this: it is made in `approval/` alone, after somebody was authenticated.
 */
export class Vouched {
  readonly kind = 'vouched';
  readonly #sealed = true;
  constructor(
    readonly identity: string,
    readonly onBehalfOf: string | undefined,
    readonly chain: readonly string[] = [],
  ) {}
  isSealed(): boolean {
    return this.#sealed;
  }
}
