import { randomUUID } from 'node:crypto';
import type { ApprovalRule, Entry, Identity } from '@flyball/protocol';
import { Board } from '../../packages/server/src/approval/board.js';
import { channelsConfig, type ChannelsConfig } from '../../packages/server/src/approval/channels/config.js';
import { questionsNow } from '../../packages/server/src/approval/channels/house-questions.js';
import { Notifier, type Pace } from '../../packages/server/src/approval/channels/notifier.js';
import { Emergencies } from '../../packages/server/src/approval/emergency.js';
import { Holds } from '../../packages/server/src/approval/holds.js';
import { People } from '../../packages/server/src/approval/people.js';
import { Questions } from '../../packages/server/src/approval/questions.js';
import { Ledger } from '../../packages/server/src/ledger/ledger.js';
import { Names } from '../../packages/server/src/ledger/names.js';
import { Projections } from '../../packages/server/src/ledger/projections.js';
import { Settler } from '../../packages/server/src/ledger/settle.js';
import { Secret } from '../../packages/server/src/lib/secret.js';
import { folds } from '../../packages/server/src/wiring/folds.js';
import { recordOf } from '../../packages/server/src/wiring/record.js';
import { MemoryNames } from './memory-names.js';
import { type Gate, MemoryStore, MemoryTables } from './memory-store.js';

/** Everything in milliseconds, so that tests need not wait. */
export const quickPace: Pace = { everyMs: 3, leaseMs: 400, floodMs: 300, climbMs: 5, timeoutMs: 800, retry: { firstMs: 10, mostMs: 60 } };

export const groups: Readonly<Record<string, readonly string[]>> = { ann: ['finance'], ben: ['finance', 'security'], cyd: ['managers'], robot: ['finance'] };
const persons = new Map(Object.entries(groups).map(([id, of]) => [id, { groups: of, also: [], peerReview: false }]));

export const rule = (over: Partial<ApprovalRule> = {}): ApprovalRule => ({ policy: 'two-people', approvers: 'finance', quorum: 1, evidence: [], withinMs: 3_600_000, reason: 'money leaves the house', ...over });

export interface Ask {
  readonly identity?: string;
  readonly action?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly approvals?: readonly ApprovalRule[];
  readonly forMs?: number;
  readonly onBehalfOf?: string;
  readonly settles?: string;
  readonly session?: string;
}

/** What outlives a node: the rows of its store. */
export class ChannelWorld {
  readonly tables = new MemoryTables();
  readonly names = new MemoryNames();
  /** Moves everybody's clock. */
  aheadMs = 0;
  now = (): number => Date.now() + this.aheadMs;
  told(channel?: string): readonly Entry<Readonly<Record<string, string>>>[] {
    const all = [...this.tables.entries.values()].flatMap(({ entry }) => (entry.kind === 'notified' ? [entry as Entry<Readonly<Record<string, string>>>] : []));
    return all.filter(({ body }) => channel === undefined || body['channel'] === channel);
  }
}

/** One node of a house with channels: real ledger, board, questions and answers, on a store in memory. */
export class ChannelNode {
  readonly ledger: Ledger;
  readonly board: Board;
  readonly holds: Holds;
  readonly questions: Questions;
  readonly emergencies: Emergencies;
  readonly settler: Settler;
  readonly notifier: Notifier;
  readonly log: string[] = [];
  readonly #names: Names;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    readonly world: ChannelWorld,
    channels: Readonly<Record<string, unknown>>,
    secrets: Readonly<Record<string, string>>,
    { gate, pace = quickPace, alone = true }: { readonly gate?: Gate; readonly pace?: Pace; readonly alone?: boolean } = {},
  ) {
    const store = new MemoryStore(world.tables, gate);
    const clock = { offsetMs: 0, now: world.now };
    this.board = new Board({ unsettled: () => Promise.resolve(this.#unsettled()) }, world.now);
    this.ledger = new Ledger('default', store, new Projections(store, folds), clock, undefined, (entry) => this.board.apply(entry));
    this.#names = new Names(world.names);
    const people = new People(persons);
    const record = recordOf({ ledger: this.ledger, names: this.#names });
    const delegations = { authoritiesOf: (person: string) => Promise.resolve([{ name: people.canonical(person), groups: 'own' as const }]) };
    this.questions = new Questions({ record, people: () => people, nameOf: (ref) => this.#names.peek(ref), identity: (id) => ({ id, owner: 'nobody' }) as Identity, delegations, clock });
    const signatures = { verify: () => Promise.reject(new Error('none')) };
    this.holds = new Holds({ record, questions: this.questions, people: () => people, evidence: { verify: () => Promise.resolve({ ok: true }) }, signatures, standing: { begin: () => Promise.reject(new Error('none')) }, clock });
    this.emergencies = new Emergencies(record, () => ({ groups: ['finance'], reviewers: 'managers', longestMs: 60_000, second: false }), () => people, clock);
    this.settler = new Settler(this.ledger, clock);
    const gated = async <T>(look: () => T): Promise<T> => {
      await gate?.('read');
      return look();
    };
    const texts = (first: bigint, count: number) => [...world.tables.entries.values()].slice(Number(first), Number(first) + count).map(({ text }) => text);
    this.notifier = new Notifier({
      channels: channelsConfig.parse(channels) as ChannelsConfig,
      secretOf: (name) => (secrets[name] === undefined ? undefined : new Secret(secrets[name])),
      address: 'https://flyball.example',
      record: { ...record, size: () => gated(() => BigInt(world.tables.entries.size)), texts: (first, count) => gated(() => texts(first, count)), readStream: (stream, after, most) => store.readStream(stream, after, most), newest: (stream, most) => store.list({ kinds: ['notified'], stream, most }) },
      marks: store,
      questions: questionsNow(this.board, this.questions),
      answers: this.holds,
      emailsOf: (group) => Object.entries(groups).filter(([, of]) => of.includes(group)).map(([name]) => `${name}@people.example`),
      clock,
      log: (level, message, fields) => this.log.push(JSON.stringify({ level, message, fields })),
      alone,
      pace,
    });
  }

  async start(): Promise<this> {
    await this.board.load();
    this.#running = this.notifier.run(this.#stop.signal);
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Asks people, as the recorder would write it. */
  async ask({ identity = 'agent-7', action = 'payment.release', args = { amount: 1_800 }, approvals = [rule()], forMs = 3_600_000, onBehalfOf, settles, session = `${identity}-s` }: Ask = {}): Promise<Entry> {
    const stream = `session:${session}`;
    const { version } = await this.ledger.readNow(stream);
    if (version === 0) await this.ledger.append({ kind: 'session.opened', streams: [{ stream }], deadline: this.world.now() + 86_400_000, body: { session, identity, capabilities: ['*'], implicit: false, inherited: [] }, payload: { salt: 'salt', content: JSON.stringify({ purpose: 'p' }) } });
    const ref = onBehalfOf === undefined ? {} : { on_behalf_of: await this.#names.refOf(onBehalfOf) };
    const body = { session, identity, ...ref, chain: [], action, tier: 'act', upstream: 'bank', digest: `sha256:${randomUUID()}`, question: '', decision: { outcome: 'step_up', kind: 'needs_approval', approvals, facts: [] } };
    const entry = await this.ledger.append({ kind: 'hold', streams: [{ stream }], deadline: this.world.now() + forMs, body, payload: { salt: 'salt', content: JSON.stringify({ target: 'release', args, resources: [] }) }, ...(settles !== undefined && { settles }) });
    if (!entry) throw new Error('the question was not written');
    return entry;
  }

  #unsettled(): readonly Entry[] {
    const { tables } = this.world;
    return [...tables.entries.values()].map(({ text }) => JSON.parse(text) as Entry).filter(({ id, kind }) => kind === 'hold' && !tables.settling.has(id));
  }
}
