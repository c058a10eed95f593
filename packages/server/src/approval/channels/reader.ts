import type { Entry } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { askedOf, type ChannelEvent, type Happening, happeningsOf } from './events.js';
import { isToldAlone, ripeBatches } from './flood.js';
import { reachedOf, reachedSteps } from './ladder.js';
import type { QuestionsNow } from './questions.js';
import { type NoticeRecord, type NotifiedBody, noticeStream } from './record.js';
import type { ChannelState } from './state.js';
import type { Transport } from './transport.js';

const pageSize = 200;
const pagesMost = 50;
/** Notices that wait at one time. With so many the log is read no further: what is in it is not lost. */
const waitingMost = 500;
const toldMost = 1_000;
const futureMs = 60_000;

export interface ReaderTerms {
  readonly events: readonly ChannelEvent[];
  /** Only what is for these groups; all of it where nothing is said. */
  readonly groups: readonly string[] | undefined;
  readonly transport: Pick<Transport, 'targetsOf' | 'updates'>;
  readonly record: Pick<NoticeRecord, 'size' | 'texts' | 'find' | 'readStream'>;
  readonly questions: Pick<QuestionsNow, 'open'>;
  readonly clock: Clock;
  readonly floodMs: number;
  /** How often it is looked who has not been answered yet. */
  readonly climbMs: number;
}

interface Planned {
  readonly happening: Happening;
  readonly target: string;
  /** It changes a message that is there, so it is no message more. */
  readonly changes: boolean;
}

/** Turns the log, and the time that passes, into notices. The log is the list of what is to be told: it is gone through once, in its order. */
export class Reader {
  #changed = false;

  constructor(private readonly terms: ReaderTerms) {}

  /** True when there is something that has to be kept; that a place in the log was passed can be found out again. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  change(): void {
    this.#changed = true;
  }

  /** Reads what is new, as far as there is room for it. */
  async read(state: ChannelState, save: () => Promise<boolean>): Promise<void> {
    if (await this.#readLog(state, save)) this.#climb(state);
    if (state.waiting.length < waitingMost) this.#tellBatches(state);
  }

  /** True when nothing is left to read. */
  async #readLog(state: ChannelState, save: () => Promise<boolean>): Promise<boolean> {
    const { record } = this.terms;
    const size = await record.size();
    for (let page = 0; page < pagesMost && state.cursor + 1n < size; page++) {
      const left = size - state.cursor - 1n;
      const texts = await record.texts(state.cursor + 1n, left < BigInt(pageSize) ? Number(left) : pageSize);
      if (texts.length === 0) return false;
      for (const text of texts) {
        if (state.waiting.length >= waitingMost) return false;
        const entry = text === undefined ? undefined : (JSON.parse(text) as Entry);
        const planned = entry ? await this.#plan(entry, state) : [];
        // From here on nothing is awaited: an entry is passed with all that it leads to, or not at all.
        state.cursor++;
        for (const { happening, target, changes } of planned) this.#add(state, happening, target, changes);
      }
      if (page > 0 && this.takeChanged() && !(await save())) return false;
    }
    return state.cursor + 1n >= size;
  }

  async #plan(entry: Entry, state: ChannelState): Promise<readonly Planned[]> {
    const { record, transport } = this.terms;
    const happenings = [...(await happeningsOf(entry, (id) => record.find(id))), ...(await this.#missedSteps(entry, state))].filter((happening) => this.#isWanted(happening));
    const planned: Planned[] = [];
    for (const happening of happenings) {
      const known = await this.#isKnown(happening, state);
      for (const target of transport.targetsOf(happening.groups)) planned.push({ happening, target, changes: known.has(target) });
    }
    return planned;
  }

  /** Steps that were reached before this node knew of the question, and that nobody was told of. */
  async #missedSteps(entry: Entry, state: ChannelState): Promise<readonly Happening[]> {
    const { identity, approvals } = askedOf(entry);
    if (entry.kind !== 'hold' || !this.terms.events.includes('escalated')) return [];
    const reached = reachedSteps({ id: entry.id, identity, approvals, atMs: entry.at, deadlineMs: entry.deadline ?? entry.at }, -Infinity, state.laddersMs);
    if (reached.length === 0) return [];
    const told = (await this.terms.record.readStream(noticeStream(entry.id), 0, toldMost)).map(({ body }) => (body as NotifiedBody).key);
    return reached.filter((step) => !told.some((key) => key === keyOf(step, '') || key.startsWith(`${keyOf(step, '')}.`)));
  }

  /** Targets at which there is, or will be, a message about the same question that can be changed. */
  async #isKnown({ event, hold }: Happening, { waiting }: ChannelState): Promise<ReadonlySet<string>> {
    if (!this.terms.transport.updates || hold === undefined || (event !== 'answered' && event !== 'expired')) return new Set();
    const coming = waiting.flatMap((notice) => (notice.hold === hold ? [notice.target] : []));
    const told = (await this.terms.record.readStream(noticeStream(hold), 0, toldMost)).map(({ body }) => body as NotifiedBody);
    return new Set([...coming, ...told.flatMap(({ ref }) => (ref === undefined ? [] : [ref.slice(0, ref.indexOf(':'))]))]);
  }

  /** The log first, then the clock: nobody is told that nobody has answered before they are told of the question. */
  #climb(state: ChannelState): void {
    const now = this.terms.clock.now();
    // A mark from the future is a clock's mistake; every step up to it was taken for reached, and told.
    if (state.laddersMs > now + futureMs) state.laddersMs = now;
    if (now - state.laddersMs < this.terms.climbMs) return;
    const reached = this.terms.events.includes('escalated') ? reachedOf(this.terms.questions.open(), state.laddersMs, now) : [];
    for (const step of reached) {
      // Those of one moment are passed together.
      if (state.waiting.length >= waitingMost && step.atMs > state.laddersMs) return;
      state.laddersMs = step.atMs;
      if (this.#isWanted(step)) for (const target of this.terms.transport.targetsOf(step.groups)) this.#add(state, step, target, false);
      this.#changed = true;
    }
    state.laddersMs = now;
  }

  #tellBatches(state: ChannelState): void {
    for (const { event, identity, target, ...batch } of ripeBatches(state.floods, this.terms.floodMs, this.terms.clock.now())) {
      const key = keyOf({ entry: batch.entry, event, step: 'more' }, target);
      state.waiting.push({ key, event, entry: batch.entry, target, atMs: batch.atMs, identity, groups: batch.groups, batch, attempts: 0, nextAtMs: 0 });
      this.#changed = true;
    }
  }

  #add(state: ChannelState, happening: Happening, target: string, changes: boolean): void {
    this.#changed = true;
    const key = keyOf(happening, target);
    if (state.waiting.some((notice) => notice.key === key)) return;
    if (!changes && !isToldAlone(state.floods, happening, target, String(state.cursor), this.terms.clock.now())) return;
    const { event, entry, atMs, identity, groups, hold } = happening;
    state.waiting.push({ key, event, entry, target, atMs, identity, groups, ...(hold !== undefined && { hold }), attempts: 0, nextAtMs: 0 });
  }

  #isWanted({ event, groups: asked }: Happening): boolean {
    const { events, groups } = this.terms;
    return events.includes(event) && (groups === undefined || asked.length === 0 || asked.some((group) => groups.includes(group)));
  }
}

/** The same for the same thing at the same place, whichever node tells it and however often. */
const keyOf = ({ entry, event, step }: Pick<Happening, 'entry' | 'event' | 'step'>, target: string): string => [entry, event, step, target].filter((part) => part !== undefined && part !== '').join('.');
