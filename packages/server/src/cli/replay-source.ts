import type { Entry } from '@flyball/protocol';
import { decisionBody, type EntryStore, type Logged, type LogStore, payloadDigest, spendsOf } from '../ledger/index.js';
import type { RecordSource, Row, Rules } from '../policy/index.js';
import { foldIdentity, foldSession } from '../session/index.js';

/** What replay counts and compares with: the governor's own functions. */
export const replayRules: Rules = { foldSession, foldIdentity: foldIdentity as Rules['foldIdentity'], spendsOf, decisionBody, payloadDigest };

/** Small, so that what was read and is done with costs the garbage collector next to nothing. */
const pageSize = 128;
const bundlesAtOnce = 1_000;
/** Entries that may wait for their place in the log at the end. */
const waitingMost = 20_000;

/** The record in a store, whether or not somebody writes to it meanwhile. Nothing is written. */
export function recordSource(entries: EntryStore, log: Pick<LogStore, 'unsequenced'>): RecordSource {
  return { pages: () => pages(entries, log), bundles: () => bundles(entries), bundleFiles: (digest) => bundleFiles(entries, digest) };
}

/** The log, and after it what has no place in it yet, in the order in which it will have one. */
async function* pages(entries: EntryStore, log: Pick<LogStore, 'unsequenced'>): AsyncGenerator<readonly Row[]> {
  let last: bigint | undefined;
  const through = async function* (): AsyncGenerator<readonly Logged[]> {
    // The next page is on its way while this one is worked on.
    let next = entries.history(last, pageSize);
    for (;;) {
      const page = await next;
      last = page.at(-1)?.index ?? last;
      if (page.length === 0) return;
      next = entries.history(last, pageSize);
      // Whoever stops in between waits for it no more.
      next.catch(() => undefined);
      yield page;
    }
  };
  yield* through();
  const waiting = await log.unsequenced(waitingMost);
  // Some of it may have found its place since: once in the log, it is not read again.
  const placed = new Set<string>();
  for await (const page of through()) {
    for (const { entry } of page) placed.add(entry.id);
    yield page;
  }
  for (let from = 0; from < waiting.length; from += pageSize) {
    const ids = waiting.slice(from, from + pageSize).flatMap(({ entry }) => (placed.has(entry) ? [] : [entry]));
    yield (await Promise.all(ids.map((id) => row(entries, id)))).filter((each) => each !== undefined);
  }
}

async function row(entries: EntryStore, id: string): Promise<Row | undefined> {
  const [entry, payload] = await Promise.all([entries.find(id), entries.payload(id)]);
  return entry && { entry, ...(payload && { payload }) };
}

async function bundles(entries: EntryStore): Promise<readonly string[]> {
  const digests = new Set<string>();
  let before: string | undefined;
  for (;;) {
    const page: readonly Entry[] = await entries.list({ kinds: ['bundle.activated'], most: bundlesAtOnce, ...(before !== undefined && { before }) });
    for (const { body } of page) digests.add((body as { readonly bundle: string }).bundle);
    if (page.length < bundlesAtOnce) return [...digests];
    before = page.at(-1)?.id;
  }
}

/** A bundle's files are in the payload of the first entry that names it. */
async function bundleFiles(entries: EntryStore, digest: string): Promise<Readonly<Record<string, string>> | undefined> {
  const [first] = await entries.readStream(`bundle:${digest}`, 0, 1);
  const payload = first && (await entries.payload(first.id));
  return payload && (JSON.parse(payload.content) as Record<string, string>);
}
