import { FlyballError } from '@flyball/protocol';
import type { ChannelEvent } from './events.js';
import type { Batch, Flood, Floods } from './flood.js';

/** Something that is to be told at one place. */
export interface Notice {
  /** The same whenever it is tried again: receivers drop duplicates by it. */
  readonly key: string;
  readonly event: ChannelEvent;
  readonly entry: string;
  readonly target: string;
  readonly atMs: number;
  readonly identity: string;
  readonly groups: readonly string[];
  readonly hold?: string;
  readonly batch?: Batch;
  attempts: number;
  nextAtMs: number;
}

/** What became of a message. `ref` names it at the receiver's, `preview` is the digest of what it showed. */
export type Fate =
  | { readonly kind: 'delivered'; readonly ref?: string; readonly preview?: string }
  /** Nobody needs it any more, or there is nobody to tell. */
  | { readonly kind: 'dropped'; readonly why: string }
  /** The receiver wants nothing any more. */
  | { readonly kind: 'gone' };

/** Where one channel is in the log, and what it still has to tell. All of it is one value in the store. */
export interface ChannelState {
  /** Place of the newest entry that was read; -1 before the first. */
  cursor: bigint;
  /** Until when the steps of ladders were looked at. */
  laddersMs: number;
  waiting: Notice[];
  floods: Floods;
  /** Where it went when the receiver said that it wants nothing any more. */
  gone?: string;
}

interface Kept {
  readonly v: 1;
  readonly cursor: string;
  readonly laddersMs: number;
  readonly waiting: Notice[];
  readonly floods: readonly (readonly [string, Flood])[];
  readonly gone?: string;
}

export function toText({ cursor, floods, ...rest }: ChannelState, lease: Lease): string {
  return JSON.stringify({ v: 1, ...lease, cursor: String(cursor), ...rest, floods: [...floods] });
}

export interface Lease {
  readonly holder: string;
  readonly untilMs: number;
}

/** Throws `store_unavailable` for what this version did not write: nothing is told twice by mistake, and nothing is left out. */
export function fromText(text: string): { readonly lease: Lease; readonly state: ChannelState } {
  const { v, holder, untilMs, cursor, floods, ...rest } = JSON.parse(text) as Kept & Lease;
  // Read as a number before it is trusted: a newer version may have written anything.
  if ((v as number) !== 1) throw new FlyballError('store_unavailable', 'another version of Flyball keeps the state of this channel');
  return { lease: { holder, untilMs }, state: { ...rest, cursor: BigInt(cursor), floods: new Map(floods) } };
}
