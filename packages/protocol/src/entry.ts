export const entryKinds = [
  'session.opened',
  'session.ended',
  'refusal',
  'hold',
  'hold.settled',
  'facts.arrived',
  'evidence',
  'approval',
  'answer.late',
  'evaluation',
  'intent',
  'outcome',
  'tool.pinned',
  'tool.accepted',
  'bundle.activated',
  'log.key',
  'erased',
  'archived',
  'standing.granted',
  'standing.ended',
  'delegation.given',
  'delegation.ended',
  'emergency.opened',
  'emergency.confirmed',
  'emergency.ended',
  'emergency.reviewed',
  'request.opened',
  'request.settled',
  'grant.opened',
  'grant.ended',
  'notified',
  'signed_in',
  'authenticator.added',
  'authenticator.removed',
] as const;
export type EntryKind = (typeof entryKinds)[number];

/** Place of an entry in one ordered stream, such as its session. Versions begin at 1 and have no gaps. */
export interface StreamPosition {
  readonly stream: string;
  readonly version: number;
  /** Leaf hash (base64) of the entry before this one in the stream; none has the first. It commits to everything that came before. */
  readonly prev?: string;
}

/** One record in the ledger. Its canonical text is what is hashed, stored and, later, proved. */
export interface Entry<Body = unknown> {
  readonly v: 1;
  readonly tenant: string;
  /** UUID version 7, assigned by the node that wrote it. */
  readonly id: string;
  readonly kind: EntryKind;
  /** Milliseconds since 1970 by the store's clock; never less than in the entries before it in its streams. */
  readonly at: number;
  readonly streams: readonly StreamPosition[];
  /** On what waits (an intent, a hold, a session): by when it must have ended, in milliseconds since 1970. */
  readonly deadline?: number;
  /** Id of the entry whose waiting this one ends. The store lets exactly one entry settle another. */
  readonly settles?: string;
  /** Commits to what belongs to the entry and can be erased: SHA-256 over its salt, then its content. */
  readonly payload?: SaltedDigest;
  readonly body: Body;
}

export type SaltedDigest = `sha256:${string}`;

export type Effect = 'succeeded' | 'failed' | 'unknown';
