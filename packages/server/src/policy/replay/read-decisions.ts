import type { JsonObject } from '@flyball/protocol';
import type { DecisionInputs } from '../../action/states.js';
import type { Bundle } from '../bundle.js';
import type { TemporalClauses } from '../temporal.js';
import { Bundles } from './bundles.js';
import { InOrder } from './in-order.js';
import { askedOpa, codeOf, decisionOf, type EntryRef, inputsOf, momentOf, type RecordedDecision, type RecordSource, refOf, type Row, type Rules } from './record.js';
import { Left, type LeftReport } from './tally.js';
import { type LookedBack, readContent, type SessionTrack, type TrackOptions, Tracks } from './tracks.js';

/** A recorded decision with all that it takes to make it again. */
export interface Asked {
  readonly ref: EntryRef;
  readonly row: Row;
  readonly recorded: RecordedDecision;
  readonly inputs: DecisionInputs;
  readonly content: JsonObject;
  /** The session as it was before this entry. */
  readonly track: SessionTrack;
  /** The bundle that decided. */
  readonly bundle: Bundle;
  readonly nowMs: number;
  /** A running OPA took part. */
  readonly opa: boolean;
}

/** What is done with the decisions of a record, one after the other. */
export interface Pass {
  readonly options: Omit<TrackOptions, 'lookedBack'>;
  decision(asked: Asked): void;
  /** The inputs cannot be made sense of. */
  unreadable(ref: EntryRef, why: string): void;
  /** The record was read up to a moment. */
  readUpTo?(atMs: number): void;
  end?(): void;
}

export interface Progress {
  readonly entries: number;
  readonly decisions: number;
  /** What takes long otherwise than by entries. */
  readonly doing?: string;
}

export interface ReadOptions {
  readonly source: RecordSource;
  readonly rules: Rules;
  /** Clauses of a candidate. */
  readonly clauses?: TemporalClauses;
  /** How many of each list are kept. */
  readonly most: number;
  readonly progress: (progress: Progress) => void;
}

export interface ReadReport {
  readonly entries: number;
  /** Entries with a decision. */
  readonly decisions: number;
  readonly gaps: number;
  readonly left: LeftReport;
}

/** Reads the whole record, and hands every decision that can be asked again to a pass. */
export async function readDecisions({ source, rules, clauses, most, progress }: ReadOptions, pass: Pass): Promise<ReadReport> {
  const counted = { entries: 0, decisions: 0 };
  const bundles = new Bundles(source, (digest) => progress({ ...counted, doing: `compiling the bundle ${digest.slice(0, 19)}…` }));
  const lookedBack = await lookedBackBy(source, bundles, clauses);
  const order = new InOrder();
  const tracks = new Tracks(rules, { ...pass.options, lookedBack }, (stream) => order.forget(stream));
  const left = new Left(most);
  const take = async (row: Row) => {
    counted.entries++;
    const content = readContent(row);
    const recorded = decisionOf(row.entry);
    if (recorded) {
      counted.decisions++;
      const bundle = bundles.has(recorded.bundle) ? bundles.peek(recorded.bundle) : await bundles.load(recorded.bundle);
      ask(row, { recorded, content, bundle, track: tracks.of(row.entry) }, left, pass);
    } else if (row.entry.kind === 'refusal') left.undecided.add(codeOf(row.entry));
    tracks.apply(row, content);
  };
  for await (const page of source.pages()) {
    for (const row of page) for (const ready of order.take(row)) await take(ready);
    const last = page.at(-1);
    if (last) pass.readUpTo?.(last.entry.at);
    progress(counted);
  }
  for (const row of order.rest()) await take(row);
  pass.end?.();
  return { ...counted, gaps: order.gaps, left: left.toReport() };
}

/** What the clauses of any recorded bundle look back at: what happened before the first of them was active counts for it. */
async function lookedBackBy(source: RecordSource, bundles: Bundles, clauses: TemporalClauses | undefined): Promise<LookedBack> {
  const all = clauses ? [clauses] : [];
  for (const digest of await source.bundles()) {
    const files = await source.bundleFiles(digest);
    const found = files && Object.values(files).some((text) => text.includes('temporal')) ? await bundles.load(digest) : undefined;
    if (found) all.push(found.temporal);
  }
  return { horizonMs: Math.max(0, ...all.map(({ monitor }) => monitor.horizonMs)), actions: new Set(all.flatMap(({ actions }) => [...actions])) };
}

interface Found {
  readonly recorded: RecordedDecision;
  readonly content: JsonObject | undefined;
  readonly bundle: Bundle | undefined;
  readonly track: SessionTrack | undefined;
}

function ask(row: Row, { recorded, content, bundle, track }: Found, left: Left, pass: Pass): void {
  const ref = refOf(row.entry);
  if (!row.payload) return left.erased.add(() => ref);
  if (!content) return pass.unreadable(ref, 'what was recorded beside the entry is not JSON');
  if (content['too_large'] !== undefined) return left.tooLarge.add(() => ref);
  if (!bundle) return left.bundles.add(recorded.bundle);
  if (!track?.state) return left.strays.add(() => ref);
  const inputs = inputsOf(content);
  if (!inputs) return pass.unreadable(ref, 'what was recorded beside the entry has no inputs');
  if (!isReproducible(recorded)) left.beforePolicy.add(recorded.kind);
  else {
    try {
      pass.decision({ ref, row, recorded, inputs, content, track, bundle, nowMs: momentOf(inputs), opa: askedOpa(recorded, content) });
    } catch (error) {
      pass.unreadable(ref, error instanceof Error ? error.message : 'unknown');
    }
  }
}

/** What policies decide, and what the record alone tells before they are asked; whether a tool was as agreed it does not. */
const reproducible: ReadonlySet<string> = new Set(['permitted', 'forbidden', 'no_permit', 'guard_broken', 'needs_approval', 'needs_facts', 'capability']);
const isReproducible = ({ kind }: RecordedDecision): boolean => reproducible.has(kind);
