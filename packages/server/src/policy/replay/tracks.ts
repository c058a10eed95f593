import { EntityUid } from '@flyball/cedar';
import type { Entry, JsonObject } from '@flyball/protocol';
import type { SessionState } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { newEventReader } from '../temporal-events.js';
import { EventLog } from './event-log.js';
import { contentOf, type EntryRef, refOf, type Remembered, type Row, type Rules } from './record.js';

/** What an entry would have been under a candidate; the very same objects where it would have been no other. */
export type Rewrite = (entry: Entry, content: JsonObject | undefined, track: SessionTrack) => { readonly entry: Entry; readonly content: JsonObject | undefined };

/** One session while the record is read. */
export interface SessionTrack {
  readonly stream: string;
  readonly owner: Owner;
  readonly rememberedUntilMs: number;
  readonly readEvent: ReturnType<typeof newEventReader>;
  /** Its state as it was recorded. */
  state: SessionState | undefined;
  /** Its state under the candidate; the same object until the candidate says otherwise of one of its entries. */
  theirs: SessionState | undefined;
  version: number;
  /** States before the newest, each with the moment at which it was over. */
  readonly earlier: { readonly state: SessionState | undefined; readonly untilMs: number }[];
  /** What it is made of, newest last, up to a number. */
  readonly entries: Part[];
  /** Which entry first gave it a label. */
  readonly learnt: Map<string, EntryRef>;
}

/** An entry that a session's state is made of, under the candidate where there is one. */
export interface Part {
  readonly ref: EntryRef;
  readonly action: string | undefined;
  readonly units: readonly string[];
}

/** An identity, for one person or for none: what it learns in one session it knows in all. */
export interface Owner {
  readonly stream: string;
  remembered: Remembered | undefined;
  sessions: readonly SessionTrack[];
  readonly events: EventLog;
  /** Counts changes of what its sessions know, or of which of them there are. */
  labelsChanged: number;
  /** The candidate says otherwise of what one of its entries did to its session. */
  statesDiffer: boolean;
  /** The candidate says otherwise of one of its events. */
  eventsDiffer: boolean;
}

/** What clauses can see of the past. */
export interface LookedBack {
  /** How far; nothing is kept where there are no clauses. */
  readonly horizonMs: number;
  /** Keys of the actions that patterns name: of other ones only that something happened is kept. */
  readonly actions: ReadonlySet<string>;
}

export interface TrackOptions {
  readonly lookedBack: LookedBack;
  /** For how long a state that is over is kept. */
  readonly earlierMs: number;
  /** How many entries of a session are kept for telling causes. */
  readonly partsMost: number;
  readonly rewrite?: Rewrite;
}

const earlierMost = 64;
const sweepEvery = 10_000;
/** Outcomes may come this long after a session's end. */
const lateMs = limits.attemptMsMax + 60_000;

/** The sessions and identities of the record as far as it was read. What is over is let go. */
export class Tracks {
  readonly #sessions = new Map<string, SessionTrack>();
  readonly #owners = new Map<string, Owner>();
  #applied = 0;

  constructor(
    private readonly rules: Pick<Rules, 'foldSession' | 'foldIdentity'>,
    private readonly options: TrackOptions,
    private readonly forgotten: (stream: string) => void = () => undefined,
  ) {}

  /** The session that an entry belongs to, as it was before the entry. */
  of({ streams }: Entry): SessionTrack | undefined {
    for (const { stream } of streams) {
      const track = this.#sessions.get(stream);
      if (track) return track;
    }
    return undefined;
  }

  apply(row: Row, content: JsonObject | undefined): void {
    const { entry } = row;
    if (++this.#applied % sweepEvery === 0) this.#sweep(entry.at);
    if (entry.kind === 'session.opened') this.#open(entry);
    else if (entry.kind === 'session.ended') this.#endOf(entry);
    for (const { stream, version } of entry.streams) {
      const track = this.#sessions.get(stream);
      if (track) this.#applyTo(track, row, version, content);
    }
  }

  #open(entry: Entry): void {
    const [place, identity] = [entry.streams.find(({ stream }) => stream.startsWith('session:')), entry.streams.find(({ stream }) => stream.startsWith('identity:'))];
    if (!place || this.#sessions.has(place.stream)) return;
    const owner = this.#ownerOf(identity?.stream ?? `identity:of ${place.stream}`);
    owner.remembered = this.rules.foldIdentity(owner.remembered, entry);
    const known = new Map(owner.remembered.sessions.map(({ id, rememberedUntilMs }) => [id, rememberedUntilMs]));
    const { session = '' } = entry.body as { readonly session?: string };
    const rememberedUntilMs = known.get(session) ?? entry.at + limits.sessionMs;
    const track: SessionTrack = { stream: place.stream, owner, rememberedUntilMs, readEvent: newEventReader(), state: undefined, theirs: undefined, version: 0, earlier: [], entries: [], learnt: new Map() };
    owner.sessions = [...owner.sessions, track];
    owner.labelsChanged++;
    this.#sessions.set(place.stream, track);
  }

  #endOf(entry: Entry): void {
    const stream = entry.streams.find((place) => place.stream.startsWith('identity:'))?.stream;
    const owner = stream === undefined ? undefined : this.#owners.get(stream);
    if (owner) owner.remembered = this.rules.foldIdentity(owner.remembered, entry);
  }

  #ownerOf(stream: string): Owner {
    const known = this.#owners.get(stream);
    if (known) return known;
    const owner: Owner = { stream, remembered: undefined, sessions: [], events: new EventLog(this.options.lookedBack.horizonMs + this.options.earlierMs), labelsChanged: 0, statesDiffer: false, eventsDiffer: false };
    this.#owners.set(stream, owner);
    return owner;
  }

  #applyTo(track: SessionTrack, { entry, payload }: Row, version: number, content: JsonObject | undefined): void {
    const { foldSession } = this.rules;
    const { rewrite, earlierMs } = this.options;
    const theirs = rewrite ? rewrite(entry, content, track) : { entry, content };
    const before = track.state;
    const same = track.theirs === before && theirs.entry === entry;
    track.state = foldSession(before, entry, payload);
    track.theirs = same ? track.state : foldSession(track.theirs, theirs.entry, payload);
    if (theirs.entry !== entry) track.owner.statesDiffer = true;
    if (theirs.content !== content || actionOf(theirs.entry) !== actionOf(entry)) track.owner.eventsDiffer = true;
    track.version = version;
    if (earlierMs > 0) keepEarlier(track.earlier, { state: before, untilMs: entry.at }, earlierMs);
    this.#note(track, before, theirs.entry);
    if (this.options.lookedBack.horizonMs > 0) this.#happened(track, theirs.entry, version, theirs.content);
  }

  /** Notes what an entry gave its session, for whoever asks later where something came from. */
  #note(track: SessionTrack, before: SessionState | undefined, entry: Entry): void {
    if (before?.labels !== track.state?.labels || track.theirs !== track.state) {
      track.owner.labelsChanged++;
      for (const label of [...(track.state?.labels ?? []), ...(track.theirs?.labels ?? [])]) if (!track.learnt.has(label)) track.learnt.set(label, refOf(entry));
    }
    if (this.options.partsMost === 0 || entry.kind === 'outcome') return;
    const { action, spends = {} } = entry.body as { readonly action?: string; readonly spends?: Readonly<Record<string, number>> };
    track.entries.push({ ref: refOf(entry), action, units: Object.keys(spends).filter((unit) => (spends[unit] ?? 0) !== 0) });
    if (track.entries.length >= 2 * this.options.partsMost) track.entries.splice(0, this.options.partsMost);
  }

  #happened(track: SessionTrack, entry: Entry, version: number, content: JsonObject | undefined): void {
    const { action } = entry.body as { readonly action?: string };
    const isNamed = action !== undefined && this.options.lookedBack.actions.has(new EntityUid('Action', action).key);
    const event = track.readEvent(entry, isNamed ? content : undefined);
    if (!event) return;
    const erased = entry.payload !== undefined && entry.kind !== 'outcome' && content?.['inputs'] === undefined;
    track.owner.events.add({ event, ref: refOf(entry), stream: track.stream, version, erased });
  }

  /** Lets go of sessions that are over, and of identities that nothing is remembered of. */
  #sweep(nowMs: number): void {
    for (const [stream, track] of this.#sessions) {
      const over = Math.max(track.rememberedUntilMs, (track.state?.deadlineMs ?? 0) + lateMs) + this.options.earlierMs;
      if (track.state?.ended && track.entries.length > 0 && nowMs > (track.entries.at(-1)?.ref.atMs ?? 0) + lateMs) track.entries.length = 0;
      if (over >= nowMs) continue;
      this.#sessions.delete(stream);
      track.owner.sessions = track.owner.sessions.filter((other) => other !== track);
      track.owner.labelsChanged++;
      this.forgotten(stream);
    }
    for (const [stream, owner] of this.#owners) {
      owner.events.forgetBefore(nowMs - this.options.lookedBack.horizonMs - this.options.earlierMs);
      if (owner.sessions.length > 0 || !owner.events.isEmpty) continue;
      this.#owners.delete(stream);
    }
  }
}

function keepEarlier(earlier: SessionTrack['earlier'], newest: SessionTrack['earlier'][number], forMs: number): void {
  while ((earlier[0]?.untilMs ?? Infinity) < newest.untilMs - forMs || earlier.length >= earlierMost) earlier.shift();
  earlier.push(newest);
}

const actionOf = ({ body }: Entry): unknown => (body as { readonly action?: unknown }).action;

/** What was recorded beside an entry; of kinds that nobody asks it of, it is not read. */
export const readContent = ({ entry, payload }: Row): JsonObject | undefined => (entry.kind === 'intent' || entry.kind === 'evaluation' || entry.kind === 'refusal' || entry.kind === 'hold' ? contentOf(payload) : undefined);
