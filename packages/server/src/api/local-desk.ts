import { type Entry, FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { SessionState } from '../action/states.js';
import { type ApprovalRoom, type OpenHold, type RecommendationCounts, recommendationStream } from '../approval/index.js';
import type { ToolBook } from '../gateway/mcp/index.js';
import type { ArchivedBody, ArchiveStore, Erased, Erasure, ErasureWish, Ledger, Names, TransparencyLog } from '../ledger/index.js';
import type { Clock } from '../lib/clock.js';
import { earliestId, isTimeId } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import { type ActiveBundle, type Bundle, compileBundle, explain, type Explanation } from '../policy/index.js';
import { type AccessDesk, type AccessDeskParts, LocalAccessDesk } from './access-requests.js';
import type { ActionRow, Desk, HoldRow, LogStatus, SessionRow, Thread, ToolRow } from './desk.js';
import { agreedTo } from './agreed-to.js';
import { LocalWaitingDesk, type WaitingDesk } from './waiting-desk.js';

export interface DeskParts {
  readonly ledger: Ledger;
  readonly names: Names;
  readonly transparency: TransparencyLog;
  readonly erasure: Erasure;
  readonly archive: ArchiveStore;
  readonly bundle: ActiveBundle;
  readonly approval: ApprovalRoom;
  readonly tools: ToolBook;
  readonly clock: Clock;
  readonly store: string;
  readonly access: Pick<AccessDeskParts, 'requests' | 'grants'>;
}

const attemptKinds = ['intent', 'evaluation', 'hold', 'refusal'];

/** The administrators' view, read from the record. */
export class LocalDesk implements Desk {
  readonly waiting: WaitingDesk;
  readonly access: AccessDesk;

  constructor(private readonly parts: DeskParts) {
    const { approval, bundle, names, clock } = parts;
    const recommended = () => bundle.current.catalogue.actions.filter(({ tier }) => tier === 'recommend').map(({ name }) => name);
    const countsOf = async (action: string) => (await parts.ledger.readNow<RecommendationCounts>(recommendationStream(action))).state;
    this.waiting = new LocalWaitingDesk({ approval, recommended, countsOf, emergencies: () => [...bundle.current.emergencies.keys()], nameOf: (ref) => names.nameOf(ref), now: () => clock.now() });
    this.access = new LocalAccessDesk({ ...parts.access, administers: (person) => bundle.current.people.get(person)?.administrator === true, nameOf: (ref) => names.nameOf(ref) });
  }

  async sessions(most: number): Promise<readonly SessionRow[]> {
    const opened = await this.parts.ledger.store.list({ kinds: ['session.opened'], most: bounded(most) });
    return Promise.all(opened.map(async (entry) => this.#sessionRow((entry.body as { session: string }).session)));
  }

  async #sessionRow(id: string): Promise<SessionRow> {
    const { state } = await this.parts.ledger.readNow<SessionState>(`session:${id}`);
    if (!state) throw new FlyballError('not_found', 'no such session');
    const over = state.ended || state.deadlineMs <= this.parts.clock.now();
    return {
      id,
      identity: state.identity,
      ...(state.onBehalfOf !== undefined && { on_behalf_of: await this.parts.names.nameOf(state.onBehalfOf) }),
      purpose: state.purpose,
      opened: iso(state.openedAtMs),
      until: iso(state.deadlineMs),
      state: over ? 'ended' : 'open',
      labels: state.labels,
      actions: Object.values(state.counts).reduce((sum, count) => sum + count, 0),
      refusals: state.refusals,
      spent: Object.fromEntries(Object.entries(state.spent).map(([unit, amount]) => [unit, amount / 10_000])),
    };
  }

  async actions(most: number, session?: string): Promise<readonly ActionRow[]> {
    const entries = await this.parts.ledger.store.list({ kinds: attemptKinds, most: bounded(most), ...(session !== undefined && { stream: `session:${session}` }) });
    return Promise.all(entries.map(async (entry) => actionRow(entry, await this.parts.ledger.store.findSettling(entry.id), await this.#target(entry))));
  }

  /** What nobody catalogued was aimed at: a stranger's own words, kept where they can be erased. */
  async #target(entry: Entry): Promise<string> {
    if ((entry.body as JsonObject)['action'] !== undefined) return '';
    const target = (await this.#content(entry.id))?.['target'];
    return typeof target === 'string' ? target : '';
  }

  async explain(id: string): Promise<Explanation> {
    const { store } = this.parts.ledger;
    const entry = isTimeId(id) ? await store.find(id) : undefined;
    if (!entry || !attemptKinds.includes(entry.kind)) throw new FlyballError('not_found', 'no such action; `flyball actions` lists them with their ids');
    const decision = (entry.body as JsonObject)['decision'];
    const digest = isObject(decision) && typeof decision['bundle'] === 'string' ? decision['bundle'] : undefined;
    const settled = await store.findSettling(id);
    const onBehalfOf = (entry.body as JsonObject)['on_behalf_of'];
    return explain({
      entry,
      settled,
      person: typeof onBehalfOf === 'string' ? await this.parts.names.nameOf(onBehalfOf) : undefined,
      payload: await this.#content(id),
      agreed: await agreedTo(entry.body as JsonObject, { find: (each) => store.find(each), nameOf: (ref) => this.parts.names.nameOf(ref) }),
      ending: settled && (await this.#content(settled.id)),
      bundle: digest === undefined ? undefined : await this.#bundle(digest),
    });
  }

  /** What can be erased of an entry, if it is there. */
  async #content(id: string): Promise<JsonObject | undefined> {
    const payload = await this.parts.ledger.store.payload(id);
    return payload && (JSON.parse(payload.content) as JsonObject);
  }

  /** The bundle of a digest: the active one, or the one that the record keeps. */
  async #bundle(digest: string): Promise<Bundle | undefined> {
    if (this.parts.bundle.current.digest === digest) return this.parts.bundle.current;
    const [entry] = await this.parts.ledger.store.readStream(`bundle:${digest}`, 0, 1);
    const kept = entry && (await this.parts.ledger.store.payload(entry.id));
    return kept ? compileBundle(JSON.parse(kept.content) as Record<string, string>) : undefined;
  }

  async holds(): Promise<readonly HoldRow[]> {
    const { board } = this.parts.approval;
    await board.load();
    return Promise.all(Array.from(board.list(), (hold) => hold).slice(-limits.listRowsMax).map((hold) => this.#holdRow(hold)));
  }

  async #holdRow({ id, identity, action, facts, deadlineMs }: OpenHold): Promise<HoldRow> {
    const { agreed, state, missing, arrived } = await this.parts.approval.questions.status(id);
    const waits = new Set([...missing.flatMap(({ needed, group, evidence }) => [...(needed > 0 ? [`${needed} of ${group}`] : []), ...evidence.map((kind) => `evidence ${kind}`)]), ...(arrived ? [] : facts.map((rule) => rule.needs.join(', ')))]);
    return { id, identity, action, state: state === 'approved' ? state : arrived ? 'arrived' : 'pending', waits_for: [...waits].join('; '), until: iso(deadlineMs), agreed: await Promise.all(agreed.map(({ person }) => this.parts.names.nameOf(person))) };
  }

  tools(): Promise<readonly ToolRow[]> {
    return this.parts.tools.list();
  }

  async acceptTool(upstream: string, tool: string, person: string): Promise<JsonObject> {
    const digest = await this.parts.tools.accept(upstream, tool, await this.parts.names.refOf(person));
    if (digest === '') throw new FlyballError('not_found', `the upstream \`${upstream}\` has listed no tool \`${tool}\` since this server started`);
    return { upstream, tool, accepted: digest };
  }

  async reload(): Promise<JsonObject> {
    return { ...(await this.parts.bundle.load()) };
  }

  status(): Promise<JsonObject> {
    return Promise.resolve({ store: this.parts.store, bundle: this.parts.bundle.current.digest, clock_offset_ms: this.parts.clock.offsetMs, time: iso(this.parts.clock.now()) });
  }

  async log(): Promise<LogStatus> {
    const { transparency } = this.parts;
    return { origin: transparency.origin, keys: transparency.keys.history, size: String(transparency.size), checkpoint: await transparency.checkpoint() };
  }

  async logFile(path: string): Promise<Uint8Array> {
    const { transparency } = this.parts;
    return path === 'checkpoint' ? new TextEncoder().encode(await transparency.checkpoint()) : transparency.file(path);
  }

  bodies(after: string, most: number): Promise<readonly ArchivedBody[]> {
    return this.parts.archive.bodiesBelow(this.parts.transparency.size, isTimeId(after) ? after : earliestId(0), bounded(most));
  }

  async receipt(id: string, withBody: boolean): Promise<string> {
    const receipt = isTimeId(id) ? await this.parts.transparency.receipt(id, withBody) : undefined;
    if (receipt === undefined) throw new FlyballError('not_found', 'no receipt: expected the id of an entry that is in the log; `flyball actions` lists ids, and a new entry is in the log within a second');
    return receipt;
  }

  async receipts(id: string, withBody: boolean): Promise<Thread> {
    const entry = isTimeId(id) ? await this.parts.ledger.store.find(id) : undefined;
    if (!entry) throw new FlyballError('not_found', 'no such entry; `flyball actions` lists attempts with their ids');
    return this.parts.transparency.thread(entry, withBody);
  }

  async retireKey(key: string): Promise<JsonObject> {
    await this.parts.transparency.keys.retire(key);
    return { retired: key };
  }

  erase(wish: ErasureWish, person: string): Promise<Erased> {
    return this.parts.erasure.erase(wish, person);
  }
}

function actionRow(entry: Entry, settled: Entry | undefined, target: string): ActionRow {
  const body = entry.body as JsonObject;
  const decision = isObject(body['decision']) ? body['decision'] : undefined;
  const outcome = settled?.body as JsonObject | undefined;
  const text = (value: Json | undefined) => (typeof value === 'string' ? value : '');
  const effect = entry.kind === 'refusal' || entry.kind === 'evaluation' ? 'none' : text(outcome?.['effect']) || text(outcome?.['status']) || (entry.kind === 'hold' ? (settled ? 'used' : 'waiting') : 'under way');
  const isSearch = entry.kind === 'evaluation' && body['search'] !== undefined;
  // What waits and runs all the same was agreed to.
  const approved = entry.kind === 'intent' && decision?.['outcome'] === 'step_up';
  const error = isObject(body['error']) ? text(body['error']['code']) : '';
  return {
    id: entry.id,
    at: iso(entry.at),
    kind: entry.kind as ActionRow['kind'],
    identity: text(body['identity']) || 'unknown',
    action: text(body['action']) || (isSearch ? `search ${text(body['search'])}` : `${text(body['method'])} ${text(body['name']) || target}`.trim()),
    outcome: isSearch ? `${String(body['found'])} found` : decision ? `${text(decision['outcome'])} (${approved ? 'approved' : text(decision['kind'])})` : `deny (${error})`,
    effect,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
const bounded = (most: number) => Math.min(Math.max(1, most), limits.listRowsMax);
