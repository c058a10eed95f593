import type { Entry } from '@flyball/protocol';
import { FlyballError } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import type { Log } from '../../lib/log.js';
import type { Outbox } from './outbox.js';
import { messageOf } from './message.js';
import type { QuestionsNow } from './questions.js';
import { type NoticeRecord, type NotifiedBody, noticeStream } from './record.js';
import { Reader, type ReaderTerms } from './reader.js';
import { retryMs, type RetryPace } from './retry.js';
import type { ChannelState, Fate, Notice } from './state.js';
import type { Transport } from './transport.js';

/** Deliveries at one time, and how many of them may be tried again: what fails keeps nothing else waiting. */
const parallelMost = 4;
const retriesMost = 2;
const toldMost = 1_000;
const fatesMost = 2_000;
/** How long it is tried to tell what nobody has to answer any more. */
const keepMs = 7 * 24 * 60 * 60_000;

export interface CourierParts extends ReaderTerms {
  readonly name: string;
  readonly outbox: Outbox;
  readonly transport: Transport;
  readonly record: NoticeRecord;
  readonly questions: Pick<QuestionsNow, 'open' | 'standing'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The administrators' address, by which people find the page. */
  readonly address: string;
  readonly retry: RetryPace;
  /** Evenly between 0 and 1. */
  readonly share: () => number;
}

/** Brings one channel what it is to be told, in order for each question, at least once. */
export class Courier {
  readonly #reader: Reader;
  readonly #flying = new Map<string, Promise<void>>();
  /** What became of notices, also of those whose removal could not be kept. */
  readonly #fates = new Map<string, { readonly fate: Fate; readonly noted: boolean }>();
  #failing = false;
  #stopped = false;

  constructor(private readonly parts: CourierParts) {
    this.#reader = new Reader(parts);
  }

  /** Reads on in the log, and starts what is due. */
  async step(): Promise<void> {
    const { outbox, transport, record, name } = this.parts;
    const held = await outbox.hold();
    if (!held) return;
    const { state } = held;
    if (held.isNew) dropTold(state, await record.newest(noticeStream(name), toldMost));
    if (state.gone === transport.place) return;
    delete state.gone;
    await this.#reader.read(state, () => outbox.save());
    if (this.#reader.takeChanged() && !(await outbox.save())) return;
    this.#launch(state);
  }

  /** Starts nothing new, waits for what is under way, and lets another node go on. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.parts.transport.close();
    await Promise.all(this.#flying.values());
    await this.parts.outbox.release().catch(() => undefined);
  }

  #launch(state: ChannelState): void {
    if (this.#stopped || state.gone !== undefined || !this.parts.outbox.holds(state)) return;
    let retrying = state.waiting.filter(({ key, attempts }) => attempts > 0 && this.#flying.has(key)).length;
    for (const notice of this.#due(state)) {
      if (this.#flying.size >= parallelMost) return;
      // Those that never failed are first, so nothing but more of these is left.
      if (notice.attempts > 0 && ++retrying > retriesMost) return;
      const flight = this.#carry(state, notice).finally(() => {
        this.#flying.delete(notice.key);
        this.#launch(state);
      });
      this.#flying.set(notice.key, flight);
    }
  }

  /** What may be told now: of each question at each place the oldest only, and what never failed first. */
  #due({ waiting }: ChannelState): readonly Notice[] {
    const now = this.parts.clock.now();
    const lines = new Set<string>();
    const due = waiting.filter(({ key, hold, target, nextAtMs }) => {
      const line = hold === undefined ? key : `${hold} ${target}`;
      const isFirst = !lines.has(line);
      lines.add(line);
      return isFirst && nextAtMs <= now && !this.#flying.has(key);
    });
    return due.sort((left, right) => left.attempts - right.attempts);
  }

  async #carry(state: ChannelState, notice: Notice): Promise<void> {
    try {
      const known = this.#fates.get(notice.key);
      const fate = known?.fate ?? (await this.#tell(notice));
      this.#remember(notice.key, fate, known?.noted ?? false);
      if (!known?.noted) await this.#note(notice, fate);
      this.#remember(notice.key, fate, true);
      state.waiting = state.waiting.filter(({ key }) => key !== notice.key);
      this.#reader.change();
      this.#failing = false;
      if (fate.kind === 'gone') this.#end(state);
    } catch (error) {
      notice.attempts++;
      notice.nextAtMs = this.parts.clock.now() + retryMs(notice.attempts, this.parts.retry, this.parts.share());
      if (!this.#failing) this.parts.log('warn', 'a channel cannot be told of something now; it is tried again', { channel: this.parts.name, reason: error instanceof FlyballError ? error.message : 'unknown' });
      this.#failing = true;
    }
  }

  #remember(key: string, fate: Fate, noted: boolean): void {
    this.#fates.set(key, { fate, noted });
    const [oldest] = this.#fates.keys();
    if (this.#fates.size > fatesMost && oldest !== undefined) this.#fates.delete(oldest);
  }

  async #tell(notice: Notice): Promise<Fate> {
    const { transport, record, address } = this.parts;
    const over = await this.#whyOver(notice);
    if (over !== undefined) return { kind: 'dropped', why: over };
    const message = await messageOf(notice, record, address);
    if (!message) return { kind: 'dropped', why: 'the record does not have it any more' };
    return transport.deliver(message, notice.target, await this.#earlier(notice));
  }

  async #whyOver({ event, hold, atMs }: Notice): Promise<string | undefined> {
    if ((event === 'asked' || event === 'escalated') && hold !== undefined) return (await this.parts.questions.standing(hold))?.state === 'pending' ? undefined : 'its question has ended';
    return this.parts.clock.now() - atMs > keepMs ? 'nobody could be told in time' : undefined;
  }

  /** What messages about the same question are called at the receiver's, where they can be changed. */
  async #earlier({ hold }: Notice): Promise<readonly string[]> {
    const { transport, record, name } = this.parts;
    if (!transport.updates || hold === undefined) return [];
    const told = (await record.readStream(noticeStream(hold), 0, toldMost)).map(({ body }) => body as NotifiedBody);
    return told.flatMap(({ channel, ref }) => (channel === name && ref !== undefined ? [ref] : []));
  }

  /** So that it can be shown whether anybody was told. */
  async #note({ key, event, entry, hold, batch, identity }: Notice, fate: Fate): Promise<void> {
    const body: NotifiedBody = {
      channel: this.parts.name,
      event,
      key,
      about: entry,
      result: fate.kind,
      ...(fate.kind === 'dropped' && { why: fate.why }),
      ...(hold !== undefined && { hold }),
      ...(fate.kind === 'delivered' && fate.ref !== undefined && { ref: fate.ref }),
      ...(fate.kind === 'delivered' && fate.preview !== undefined && { preview: fate.preview }),
      ...(batch && { count: batch.count, identity, first: batch.first, last: batch.last }),
    };
    const streams = [noticeStream(this.parts.name), ...(hold === undefined ? [] : [noticeStream(hold)])];
    await this.parts.record.append({ kind: 'notified', streams: streams.map((stream) => ({ stream })), body });
  }

  #end(state: ChannelState): void {
    state.gone = this.parts.transport.place;
    this.parts.log('error', 'a channel\'s receiver wants nothing any more (410); nobody is told there until its address is changed', { channel: this.parts.name });
  }
}

/** What the record says was told is not told again by who takes over. */
function dropTold(state: ChannelState, newest: readonly Entry[]): void {
  const told = new Set(newest.map(({ body }) => (body as NotifiedBody).key));
  state.waiting = state.waiting.filter(({ key }) => !told.has(key));
}
