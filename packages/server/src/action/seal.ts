import type { Modification } from '@flyball/protocol';

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
