import { type Entry, type EntryKind, FlyballError } from '@flyball/protocol';
import type { Clock } from '../lib/clock.js';
import { limits } from '../lib/limits.js';
import type { Draft } from './draft.js';
import type { Ledger } from './ledger.js';

const watermarkKey = 'settled-until';
/** How late an entry may be written and still be seen: by the quick look every time, by the wide one once a minute. */
const quickMs = 5_000;
const wideMs = 60_000;
const batchMost = 500;

/**
 * Ends every wait whose deadline has passed: an intent without an outcome becomes `unknown` (never `failed`,
 * never tried again), a hold expires, a session ends. Any node may do it for any other; the store lets one win.
 */
export class Settler {
  #watermark: number | undefined;
  #seenUntil = 0;
  #widelyAt = -Infinity;

  constructor(
    private readonly ledger: Ledger,
    private readonly clock: Clock,
    private readonly known: KnownOutcome = () => Promise.resolve(undefined),
  ) {}

  /** Settles what is overdue now; returns how much it was. */
  async run(): Promise<number> {
    const now = this.clock.now();
    this.#watermark ??= Number((await this.ledger.store.getMeta(watermarkKey)) ?? '0');
    // A mark from the future is a clock's mistake: everything is looked at once more.
    if (this.#watermark > now) this.#watermark = 0;
    const wide = now - this.#widelyAt >= wideMs || now < this.#widelyAt;
    const from = wide ? this.#watermark : Math.max(this.#watermark, this.#seenUntil - quickMs);
    let settled = 0;
    for (;;) {
      const overdue = await this.ledger.store.overdue(from, now, batchMost);
      for (const entry of overdue) await this.#settle(entry);
      settled += overdue.length;
      if (overdue.length < batchMost) break;
    }
    this.#seenUntil = now;
    if (wide) {
      this.#widelyAt = now;
      await this.#advance(now - wideMs);
    }
    return settled;
  }

  /** Everything with an earlier deadline is settled; the margin is for what was late in being written. */
  async #advance(until: number): Promise<void> {
    if (this.#watermark === undefined || until <= this.#watermark) return;
    this.#watermark = until;
    await this.ledger.store.setMeta(watermarkKey, String(until));
  }

  /** False where only who did it could know. The place is part of it: what is written meanwhile could be the effect. */
  async #settleKnown(intent: Entry, draft: Draft): Promise<boolean> {
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const known = await this.known(intent);
      if (!known) return false;
      const { effect, finding, at } = known;
      if (await this.ledger.append({ ...draft, streams: [at], body: { ...(draft.body as object), effect, findings: [finding] } })) return true;
    }
    // The next look tries again.
    return true;
  }

  async #settle(entry: Entry): Promise<void> {
    const draft = ending(entry);
    if (!draft) return;
    try {
      if (entry.kind === 'intent' && (await this.#settleKnown(entry, draft))) return;
      await this.ledger.append(draft);
    } catch (error) {
      if (!(error instanceof FlyballError && error.code === 'already_settled')) throw error;
    }
  }
}

/** What an intent without an outcome came to, where the record itself says it: as it was at one version of a stream. */
export type KnownOutcome = (intent: Entry) => Promise<{ readonly effect: 'succeeded' | 'failed'; readonly finding: string; readonly at: { readonly stream: string; readonly expected: number } } | undefined>;

function ending(entry: Entry): Draft | undefined {
  const streams = entry.streams.map(({ stream }) => ({ stream }));
  const { session, action, digest } = entry.body as { session?: string; action?: string; digest?: string };
  switch (entry.kind) {
    case 'intent':
      return { kind: 'outcome', streams, settles: entry.id, body: { session, action, effect: 'unknown', findings: ['no outcome was reported before the deadline'] } };
    case 'hold':
      return { kind: 'hold.settled', streams, settles: entry.id, body: { session, digest, status: 'expired' } };
    case 'session.opened':
      return { kind: 'session.ended', streams, settles: entry.id, body: { session, reason: 'its deadline passed' } };
    default:
      return endOfAuthority(entry, streams);
  }
}

/** Authority that has an end, and the kind of entry that says so. */
const endings: Readonly<Partial<Record<EntryKind, EntryKind>>> = {
  'standing.granted': 'standing.ended',
  'delegation.given': 'delegation.ended',
  'emergency.opened': 'emergency.ended',
  'request.opened': 'request.settled',
  'grant.opened': 'grant.ended',
};

function endOfAuthority(entry: Entry, streams: readonly { readonly stream: string }[]): Draft | undefined {
  const kind = endings[entry.kind];
  // A grant stands in the session of its request as well; its end is none of that session's.
  const own = streams.filter(({ stream }) => !stream.startsWith('session:'));
  const { session } = entry.body as { readonly session?: string };
  return kind && { kind, streams: own, settles: entry.id, body: { ...(session !== undefined && { session }), status: 'expired' } };
}
