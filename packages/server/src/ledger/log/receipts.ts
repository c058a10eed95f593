import { canonicalText, type Entry } from '@flyball/protocol';
import { formatProof, inclusionProof } from '@flyball/tlog';
import type { EntryStore } from '../store.js';
import type { LogStore } from './log-store.js';

/** A signed checkpoint and the size of its tree. */
export interface SizedCheckpoint {
  readonly size: bigint;
  readonly checkpoint: string;
}

export interface ReceiptSources {
  readonly log: LogStore;
  readonly entries: EntryStore;
  /** Checkpoints to prove against, the one that is to be preferred first. */
  readonly checkpoints: () => Promise<readonly SizedCheckpoint[]>;
}

/**
 * An entry as one offline file: a C2SP tlog-proof whose extra data is the JSON `{ entry, body? }`. `entry` is the
 * leaf, as text; `body`, if wanted and not erased, is what it commits to in its `payload`.
 * Nothing while the entry is in no checkpoint.
 */
export async function receiptOf(id: string, withBody: boolean, { log, entries, checkpoints }: ReceiptSources): Promise<string | undefined> {
  const index = await log.indexOf(id);
  if (index === undefined) return undefined;
  const shown = (await checkpoints()).find(({ size }) => size > index);
  const [entry] = await log.texts(index, 1);
  if (!shown || entry === undefined) return undefined;
  const body = withBody ? await entries.payload(id) : undefined;
  const extra = new TextEncoder().encode(canonicalText({ entry, ...(body && { body }) }));
  return formatProof({ extra, index, proof: await inclusionProof(log, index, shown.size), checkpoint: shown.checkpoint });
}

/** Ids of all entries that belong to one attempt: its session's opening, its hold and approvals, the intent, and what settled it. */
export async function threadOf(entry: Entry, entries: EntryStore): Promise<readonly string[]> {
  const { session } = entry.body as { readonly session?: string };
  const opening = session === undefined ? undefined : (await entries.readStream(`session:${session}`, 0, 1))[0];
  const settled = await entries.findSettling(entry.id);
  const hold = entry.kind === 'hold' ? entry : entry.settles === undefined ? undefined : await entries.find(entry.settles);
  const answers = hold?.kind === 'hold' ? await answersTo(hold, entries) : [];
  const outcome = settled?.kind === 'intent' ? await entries.findSettling(settled.id) : undefined;
  return [...new Set([opening?.id, hold?.id, ...answers, entry.id, settled?.id, outcome?.id])].filter((id) => id !== undefined);
}

const answersMost = 1_000;

/** What people said to a hold, so far. */
async function answersTo(hold: Entry, entries: EntryStore): Promise<readonly string[]> {
  const [place] = hold.streams;
  if (!place) return [];
  const after = await entries.readStream(place.stream, place.version, answersMost);
  return after.flatMap(({ id, kind, body }) => (kind === 'approval' && (body as { readonly hold?: string }).hold === hold.id ? [id] : []));
}
