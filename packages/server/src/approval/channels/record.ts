import type { Entry } from '@flyball/protocol';
import type { ApprovalDraft } from '../record.js';

/** What channels need of the record: the log, in its order, is the list of what has to be told. */
export interface NoticeRecord {
  /** How many entries the log has. */
  size(): Promise<bigint>;
  /** Entries' canonical texts from a place on, in the log's order; nothing for one that was archived. Without what belongs to them: that may be large. */
  texts(first: bigint, count: number): Promise<readonly (string | undefined)[]>;
  find(id: string): Promise<Entry | undefined>;
  /** What belongs to an entry and can be erased; nothing when it was. */
  content(id: string): Promise<string | undefined>;
  readStream(stream: string, afterVersion: number, most: number): Promise<readonly Entry[]>;
  /** The newest of a stream, newest first. */
  newest(stream: string, most: number): Promise<readonly Entry[]>;
  append(draft: ApprovalDraft): Promise<Entry | undefined>;
  /** The name behind a reference of a person; the reference itself where there is none any more. */
  nameOf(ref: string): Promise<string>;
}

/** Says that somebody was told, or why not. Of what was told in one message with others, between which places of the log they are. */
export interface NotifiedBody {
  readonly channel: string;
  readonly event: string;
  readonly key: string;
  /** The entry that it was about. */
  readonly about: string;
  readonly result: 'delivered' | 'dropped' | 'gone';
  readonly why?: string;
  readonly hold?: string;
  readonly ref?: string;
  /** Digest of the preview that the message showed. */
  readonly preview?: string;
  readonly count?: number;
  readonly identity?: string;
  readonly first?: string;
  readonly last?: string;
}

/** A channel's own stream; a hold's has what all channels told of it. No channel is named like an id. */
export const noticeStream = (channelOrHold: string): string => `notice:${channelOrHold}`;
