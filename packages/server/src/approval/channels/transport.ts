import type { Message } from './message.js';
import type { Fate } from './state.js';

/** A way to tell people. */
export interface Transport {
  /** Places that something for these groups goes to, each told by itself; for everybody where there are no groups. */
  targetsOf(groups: readonly string[]): readonly string[];
  /** True where what was told of a question is changed when it is answered, instead of telling more. */
  readonly updates: boolean;
  /** Digest of where it all goes: a receiver that wanted nothing any more is asked again when it is another one. */
  readonly place: string;
  /**
   * Tells one thing, once. Throws when nobody knows whether it arrived, so that it is tried again.
   *
   * @param earlier what messages about the same question at this target are called there, oldest first
   */
  deliver(message: Message, target: string, earlier: readonly string[]): Promise<Fate>;
  close(): Promise<void>;
}
