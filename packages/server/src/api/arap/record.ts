import type { Entry } from '@flyball/protocol';

export interface ArapDraft {
  readonly kind: 'request.opened' | 'request.settled';
  readonly streams: readonly { readonly stream: string; readonly expected?: number }[];
  readonly body: unknown;
  readonly deadline?: number;
  readonly settles?: string;
  readonly payload?: { readonly salt: string; readonly content: string };
}

/** What this profile needs of the record. */
export interface ArapRecord {
  find(id: string): Promise<Entry | undefined>;
  /** What belongs to an entry and can be erased; nothing when it was. */
  content(id: string): Promise<string | undefined>;
  findSettling(id: string): Promise<Entry | undefined>;
  /** Entries of a stream after one of its versions, in order. */
  after(stream: string, version: number, most: number): Promise<readonly Entry[]>;
  /** A stream's state as the store has it now. */
  read<S>(stream: string): Promise<{ readonly version: number; readonly state: S | undefined }>;
  /** Nothing when a stream was not at the version that was expected; throws `already_settled`. */
  append(draft: ArapDraft): Promise<Entry | undefined>;
}
