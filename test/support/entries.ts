import { canonicalText, type Entry, type EntryKind, type StreamPosition } from '@flyball/protocol';
import { leafHash } from '@flyball/tlog';
import type { EntryRecord } from '../../packages/server/src/ledger/store.js';
import { timeId } from '../../packages/server/src/lib/ids.js';

export interface EntryWish {
  readonly kind?: EntryKind;
  readonly id?: string;
  readonly tenant?: string;
  readonly at?: number;
  readonly deadline?: number;
  readonly settles?: string;
  readonly body?: unknown;
  readonly payload?: { readonly salt: string; readonly content: string };
}

/** A place in a stream: `place('session:a', 1)`. */
export const place = (stream: string, version: number): StreamPosition => ({ stream, version });

/** An entry with its text and leaf, as the ledger hands it to a store. */
export function record(streams: readonly StreamPosition[], wish: EntryWish = {}): EntryRecord {
  const { kind = 'intent', at = 1_700_000_000_000, id = timeId(at), tenant = 'default', body = { note: 'ünïcode \u2028 "quoted"' }, payload, ...rest } = wish;
  const entry: Entry = { v: 1, tenant, id, kind, at, streams, ...rest, body };
  const text = canonicalText(entry);
  return { entry, text, leaf: leafHash(text), ...(payload && { payload }) };
}

/** How a promise ended, without throwing: `ok`, or the code of the error. */
export async function ended(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
