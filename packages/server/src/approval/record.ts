import type { Entry, EntryKind } from '@flyball/protocol';

export interface ApprovalDraft {
  readonly kind: EntryKind;
  readonly streams: readonly { readonly stream: string; readonly expected?: number }[];
  readonly body: unknown;
  readonly deadline?: number;
  readonly settles?: string;
  readonly payload?: { readonly salt: string; readonly content: string };
}

/** What this room needs of the record. */
export interface ApprovalRecord {
  find(id: string): Promise<Entry | undefined>;
  /** What belongs to an entry and can be erased; nothing when it was. */
  content(id: string): Promise<string | undefined>;
  findSettling(id: string): Promise<Entry | undefined>;
  /** A stream's state as the store has it now. */
  read<S>(stream: string): Promise<{ readonly version: number; readonly state: S | undefined }>;
  /** Nothing when a stream was not at the version that was expected. */
  append(draft: ApprovalDraft): Promise<Entry | undefined>;
  /** The reference of a person, by which entries name them, and the name behind one. */
  refOf(person: string): Promise<string>;
  nameOf(ref: string): Promise<string>;
}
