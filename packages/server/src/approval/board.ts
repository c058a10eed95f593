import type { ApprovalRule, Entry, FactRule } from '@flyball/protocol';
import { earliestId } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { HoldBody } from './question.js';

/** A hold that waits, as lists show it. */
export interface OpenHold {
  readonly id: string;
  readonly session: string;
  readonly digest: string;
  readonly identity: string;
  /** Reference of the person that it is for. */
  readonly onBehalfOf?: string;
  readonly action: string;
  readonly outcome: 'step_up' | 'defer';
  readonly atMs: number;
  readonly deadlineMs: number;
  readonly approvals: readonly ApprovalRule[];
  readonly facts: readonly FactRule[];
  /** Answers that this node has noticed: it grows when there is a new one. */
  readonly votes: number;
  /** Holds that it waits behind. */
  readonly after: readonly string[];
}

/** Questions that are like each other, as one row: the oldest of them, and how many there are. */
export interface BoardRow {
  readonly hold: OpenHold;
  readonly like: number;
  readonly ids: readonly string[];
}

export interface BoardPage {
  readonly rows: readonly BoardRow[];
  readonly next?: string;
}

const pageSize = 1_000;
/** Questions that are like each other and listed by id, for answering them together. */
const idsPerRowMost = limits.batchAnswersMax;

export interface OpenHoldsStore {
  /** Entries of a kind that nothing has settled, by id, after one of them. */
  unsettled(kind: 'hold', after: string | undefined, most: number): Promise<readonly Entry[]>;
}

/**
 * All holds that are open, as this node knows them: its own entries at once, other nodes' within a second. A projection
 * of the record, for lists and for who waits; what counts is read from the session when it matters.
 */
export class Board {
  readonly #open = new Map<string, OpenHold>();
  readonly #byIdentity = new Map<string, Set<string>>();
  /** Open holds by what makes them alike, the oldest first, and since when there are such. */
  readonly #alike = new Map<string, { readonly since: string; readonly ids: Set<string> }>();
  readonly #byGroup = new Map<string, Set<string>>();
  /** Answers to each open hold: an entry may be noticed twice. */
  readonly #votes = new Map<string, Set<string>>();
  readonly #waiting = new Map<string, Set<() => void>>();
  /** What ended while the store was being read: the page that still has it is older. */
  readonly #gone = new Set<string>();
  #loading: Promise<void> | undefined;
  #loaded = false;
  /** Which reading of the store counts: an earlier one that is still under way does not. */
  #reading = 0;
  /** The newest kind of question; one that comes later and is older is out of order, as other nodes' may be. */
  #newest = '';
  #unordered = false;

  constructor(
    private readonly store: OpenHoldsStore,
    private readonly now: () => number,
  ) {}

  /** Reads what was open before this node began to listen; once. */
  load(): Promise<void> {
    return (this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    }));
  }

  /** Begins anew: what other nodes recorded was not noticed for a while. */
  reload(): Promise<void> {
    for (const map of [this.#open, this.#byIdentity, this.#alike, this.#byGroup]) map.clear();
    this.#loaded = false;
    this.#loading = undefined;
    return this.load();
  }

  get count(): number {
    return this.#open.size;
  }

  open(id: string): OpenHold | undefined {
    const hold = this.#open.get(id);
    return hold && hold.deadlineMs > this.now() ? hold : undefined;
  }

  *list(): Iterable<OpenHold> {
    for (const hold of this.#open.values()) if (hold.deadlineMs > this.now()) yield hold;
  }

  /** How many an identity has open; what is past its time keeps nobody from asking. */
  ofIdentity(identity: string): number {
    return [...(this.#byIdentity.get(identity) ?? [])].filter((id) => this.open(id)).length;
  }

  /**
   * A page of the questions that one of these groups may answer, like ones together, in the order in which each kind
   * came up: however many one identity asks, the questions of the others stay in sight.
   */
  page(groups: ReadonlySet<string> | 'all', after: string | undefined, most: number): BoardPage {
    const count = Math.min(Math.max(1, most), limits.inboxRowsMax);
    if (this.#unordered) this.#order();
    const sources = groups === 'all' ? [this.#alike.keys()] : [...groups].flatMap((group) => this.#byGroup.get(group) ?? []);
    // Each source has its keys in the order in which they came up, so the first of all are among the first of each.
    const found = [...new Set(sources.flatMap((source) => this.#firstAfter(source, after, count + 1)))].sort((left, right) => (this.#sinceOf(left) < this.#sinceOf(right) ? -1 : 1));
    const keys = found.slice(0, count);
    const next = found.length > count ? this.#sinceOf(keys.at(-1)) : undefined;
    return { rows: keys.flatMap((key) => this.#row(key)), ...(next !== undefined && { next }) };
  }

  /** Takes notice of an entry, once or more often. */
  apply(entry: Entry): void {
    if (entry.settles !== undefined) this.#remove(entry.settles);
    if (entry.kind === 'hold') this.#add(entry);
    const about = entry.settles ?? (entry.body as { readonly hold?: unknown } | null)?.hold;
    if (typeof about !== 'string') return;
    const hold = this.#open.get(about);
    if (hold && entry.kind === 'approval') {
      put(this.#votes, about, entry.id);
      this.#open.set(about, { ...hold, votes: this.#votes.get(about)?.size ?? 0 });
    }
    this.#wake(about);
  }

  /** Resolves when something happened to a hold, when the time is up, or when nobody waits any more. */
  wait(id: string, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set<() => void>();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, limits.holdWaitMsMax));
      this.#waiting.set(id, waiting.add(done));
      signal?.addEventListener('abort', done);
      if (signal?.aborted) done();
    });
  }

  /** How many wait now; none of them may be left behind. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, each) => sum + each.size, 0);
  }

  async #load(): Promise<void> {
    const reading = ++this.#reading;
    // No hold outlives its session.
    let after: string | undefined = earliestId(this.now() - 2 * limits.sessionMs);
    for (;;) {
      const page: readonly Entry[] = await this.store.unsettled('hold', after, pageSize);
      if (reading !== this.#reading) return this.load();
      for (const entry of page) if (!this.#gone.has(entry.id)) this.#add(entry);
      after = page.at(-1)?.id;
      if (page.length < pageSize) break;
    }
    this.#gone.clear();
    this.#loaded = true;
  }

  #add(entry: Entry): void {
    const { session, digest, identity, on_behalf_of: onBehalfOf, action, decision, after } = entry.body as HoldBody;
    if (this.#open.has(entry.id) || this.#gone.has(entry.id)) return;
    const hold: OpenHold = {
      id: entry.id,
      session,
      digest,
      identity,
      ...(onBehalfOf !== undefined && { onBehalfOf }),
      action,
      outcome: decision.outcome === 'defer' ? 'defer' : 'step_up',
      atMs: entry.at,
      deadlineMs: entry.deadline ?? entry.at,
      approvals: decision.approvals,
      facts: decision.facts,
      after: after ?? [],
      votes: 0,
    };
    this.#open.set(hold.id, hold);
    put(this.#byIdentity, identity, hold.id);
    const key = alike(hold);
    const others = this.#alike.get(key);
    if (others) others.ids.add(hold.id);
    else this.#addKind(key, hold.id);
    for (const group of groupsOf(hold)) put(this.#byGroup, group, key);
  }

  #addKind(key: string, since: string): void {
    this.#alike.set(key, { since, ids: new Set([since]) });
    if (since < this.#newest) this.#unordered = true;
    else this.#newest = since;
  }

  #order(): void {
    const byAge = (left: string, right: string) => (this.#sinceOf(left) < this.#sinceOf(right) ? -1 : 1);
    const all = [...this.#alike].sort(([left], [right]) => byAge(left, right));
    this.#alike.clear();
    for (const [key, kind] of all) this.#alike.set(key, kind);
    for (const [group, keys] of this.#byGroup) this.#byGroup.set(group, new Set([...keys].sort(byAge)));
    this.#unordered = false;
  }

  #sinceOf(key: string | undefined): string {
    return this.#alike.get(key ?? '')?.since ?? '';
  }

  #remove(id: string): void {
    if (!this.#loaded) this.#gone.add(id);
    const hold = this.#open.get(id);
    if (!hold) return;
    this.#open.delete(id);
    this.#votes.delete(id);
    take(this.#byIdentity, hold.identity, id);
    const key = alike(hold);
    const others = this.#alike.get(key);
    others?.ids.delete(id);
    if (others?.ids.size !== 0) return;
    this.#alike.delete(key);
    for (const group of groupsOf(hold)) take(this.#byGroup, group, key);
  }

  #firstAfter(keys: Iterable<string>, after: string | undefined, most: number): readonly string[] {
    const found: string[] = [];
    for (const key of keys) {
      const since = this.#alike.get(key)?.since;
      if (since !== undefined && (after === undefined || since > after)) found.push(key);
      if (found.length >= most) break;
    }
    return found;
  }

  #row(key: string): readonly BoardRow[] {
    const alike = this.#alike.get(key);
    if (!alike) return [];
    const ids: string[] = [];
    for (const id of alike.ids) {
      if (this.open(id)) ids.push(id);
      if (ids.length >= idsPerRowMost) break;
    }
    const oldest = this.open(ids[0] ?? '');
    return oldest ? [{ hold: oldest, like: alike.ids.size, ids }] : [];
  }

  #wake(id: string): void {
    for (const done of [...(this.#waiting.get(id) ?? [])]) done();
  }
}

/** What makes questions alike: who asks for whom, for what, and who may answer. */
const alike = ({ identity, onBehalfOf, action, approvals, facts }: OpenHold): string => JSON.stringify([identity, onBehalfOf ?? null, action, approvals.map((rule) => [rule.policy, rule.approvers]), facts.map((rule) => rule.policy)]);

const groupsOf = ({ approvals }: OpenHold): readonly string[] => approvals.flatMap((rule) => [rule.approvers, ...(rule.escalation ?? []).map(({ group }) => group)]);

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key);
  if (known) known.add(value);
  else map.set(key, new Set([value]));
}

function take(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key);
  known?.delete(value);
  if (known?.size === 0) map.delete(key);
}
