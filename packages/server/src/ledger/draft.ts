import { hash } from 'node:crypto';
import type { EntryKind, SaltedDigest } from '@flyball/protocol';

/** An entry before it has its id, its time and its places. */
export interface Draft {
  readonly kind: EntryKind;
  /** Streams it belongs to. With `expected`, it is void unless the stream is still at that version. */
  readonly streams: readonly { readonly stream: string; readonly expected?: number }[];
  readonly body: unknown;
  readonly deadline?: number;
  readonly settles?: string;
  /** What belongs to the entry but not into it: inputs that can be erased. The entry holds their digest. */
  readonly payload?: Payload;
  /** Nobody waits for it, so it may share a flush with what comes next. */
  readonly unhurried?: boolean;
  /** Set by the flow when the entry's id was already told to the caller. */
  readonly id?: string;
}

export interface Payload {
  /** Random, so that nobody can find short contents by trying. */
  readonly salt: string;
  readonly content: string;
}

export const payloadDigest = ({ salt, content }: Payload): SaltedDigest => `sha256:${hash('sha256', salt + content, 'hex')}`;
