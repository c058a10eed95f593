import { type KeyName, parseVerifierKey, TlogError, type VerifierKey } from '@flyball/tlog';
import { textOf } from '../leaf/members.js';
import type { Recorded } from '../record/recorded.js';

export type KeyStatus = 'active' | 'retired';

/** What the log itself says of one of its keys, and from which entry on. */
export interface KeyEvent {
  readonly index: number;
  readonly at: number;
  /** The C2SP verifier key. */
  readonly key: string;
  readonly status: KeyStatus;
  /** Nothing for a key of a type that cannot be verified here: it vouches for nothing. */
  readonly verifier: VerifierKey | undefined;
}

const eventsMax = 10_000;
const keyStream = 'log:keys';

/** The log's keys over time, as its own entries tell it. That they tell the truth is for signatures to show. */
export class KeyHistory {
  readonly #events: KeyEvent[] = [];

  get events(): readonly KeyEvent[] {
    return this.#events;
  }

  add({ entry, index }: Recorded): void {
    if (entry.kind !== 'log.key' || !entry.streams.some(({ stream }) => stream === keyStream) || this.#events.length >= eventsMax) return;
    const key = textOf(entry.body, 'key') ?? '';
    // A status that is unknown lets a key sign nothing.
    const status = textOf(entry.body, 'status') === 'active' ? 'active' : 'retired';
    this.#events.push({ index, at: entry.at, key, status, verifier: verifierOf(key) });
  }

  /** What a key was in the log's first `size` entries; nothing when they do not name it. */
  statusAt(key: KeyName, size: bigint): KeyStatus | undefined {
    return this.#events.findLast((event) => isOf(event, key) && BigInt(event.index) < size)?.status;
  }

  /** When a key was retired for good, in milliseconds since 1970. */
  retiredAt(key: KeyName): number | undefined {
    const last = this.#events.findLast((event) => isOf(event, key));
    return last?.status === 'retired' ? last.at : undefined;
  }
}

const isOf = ({ verifier }: KeyEvent, key: KeyName): boolean => verifier?.keyId === key.keyId && verifier.name === key.name;

function verifierOf(key: string): VerifierKey | undefined {
  try {
    return parseVerifierKey(key);
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}
