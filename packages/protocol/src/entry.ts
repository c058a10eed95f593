export const entryKinds = [
  'session.opened',
  'session.ended',
  'refusal',
  'hold',
  'hold.settled',
  'approval',
  'intent',
  'outcome',
  'tool.pinned',
  'tool.accepted',
  'bundle.activated',
] as const;
export type EntryKind = (typeof entryKinds)[number];

/** Place of an entry in one ordered stream, such as its session. Versions begin at 1 and have no gaps. */
export interface StreamPosition {
  readonly stream: string;
  readonly version: number;
}

/** One record in the ledger. Its canonical text is what is hashed, stored and, later, proved. */
export interface Entry<Body = unknown> {
  readonly v: 1;
  readonly tenant: string;
  /** UUID version 7, assigned by the node that wrote it. */
  readonly id: string;
  readonly kind: EntryKind;
  /** Milliseconds since 1970 by the store's clock. */
  readonly at: number;
  readonly streams: readonly StreamPosition[];
  /** On what waits (an intent, a hold, a session): by when it must have ended, in milliseconds since 1970. */
  readonly deadline?: number;
  /** Id of the entry whose waiting this one ends. The store lets exactly one entry settle another. */
  readonly settles?: string;
  readonly body: Body;
}

export type Effect = 'succeeded' | 'failed' | 'unknown';
