import type { Entry, JsonObject, Principal } from '@flyball/protocol';
import { type Ending, run } from '../../packages/server/src/action/run.js';
import type { Stages } from '../../packages/server/src/action/stages.js';
import type { Received } from '../../packages/server/src/action/states.js';
import { Turns } from '../../packages/server/src/action/turns.js';
import { type ApprovalRoom, Board, type EvidenceKinds, type Signatures } from '../../packages/server/src/approval/index.js';
import { AttemptRecorder, type Draft, Ledger, Names, Projections, Settler, Spool } from '../../packages/server/src/ledger/index.js';
import type { EntryStore, NameStore } from '../../packages/server/src/ledger/store.js';
import { StoreClock } from '../../packages/server/src/lib/clock.js';
import { timeId } from '../../packages/server/src/lib/ids.js';
import type { ActiveBundle } from '../../packages/server/src/policy/index.js';
import type { Bundle } from '../../packages/server/src/policy/bundle.js';
import { Sessions } from '../../packages/server/src/session/index.js';
import type { OpenStore } from '../../packages/server/src/store/open.js';
import { assembleApproval } from '../../packages/server/src/wiring/approval.js';
import { folds } from '../../packages/server/src/wiring/folds.js';
import { MemoryNames } from './memory-names.js';
import { MemoryStore, MemoryTables } from './memory-store.js';
import { compile, policyOf, tools } from './policy-kit.js';

export const startMs = 1_750_000_000_000;

/** A store's clock that a test moves. */
export class WorldClock extends StoreClock {
  ms = startMs;
  override now(): number {
    return this.ms;
  }
}

/** Evidence of two kinds; a ticket has a number. */
const evidence: EvidenceKinds = {
  verify: (kind, value) => Promise.resolve(kind === 'ticket' && typeof value === 'number' ? { ok: true, source: 'tickets' } : kind === 'plan' ? { ok: true } : { ok: false, why: 'it is no such evidence' }),
};
const noSignatures: Signatures = { verify: () => Promise.reject(new Error('nobody signs here')) };

export interface Asked {
  readonly tool?: string;
  readonly as?: string;
  readonly onBehalfOf?: string;
  readonly chain?: readonly string[];
  readonly digest?: string;
  readonly session?: string;
  /** What the target does. */
  readonly perform?: () => Promise<JsonObject>;
}

export interface WorldOptions {
  readonly policies: string;
  readonly people?: string;
  readonly files?: Readonly<Record<string, string>>;
}

const somePeople = `people:
  - { id: ann, groups: [finance], also: [ann.admin] }
  - { id: ben, groups: [finance] }
  - { id: cyd, groups: [finance, security] }
  - { id: dan, groups: [security] }
  - { id: eve }
emergencies:
  - { name: outage, groups: [finance], reviewers: security, longest: 1h }
`;

/** What every node of a house shares: the store, the names, the time, what the target did. */
export class ApprovalWorld {
  readonly clock = new WorldClock();
  /** Arguments of what reached the target. */
  readonly effects: JsonObject[] = [];
  bundle: Bundle;

  constructor(
    options: WorldOptions,
    private readonly open: { store: () => EntryStore; names: NameStore } = memory(),
  ) {
    this.bundle = bundleOf(options);
  }

  /** Another bundle becomes active on every node. */
  activate(options: WorldOptions): void {
    this.bundle = bundleOf(options);
  }

  async node(): Promise<ApprovalNode> {
    const node = new ApprovalNode(this, this.open.store(), this.open.names);
    await node.names.refresh(this.bundle.people.keys());
    await node.board.load();
    return node;
  }
}

/** Nodes with a connection each to one database. */
export function onStores(stores: readonly [OpenStore, ...OpenStore[]]) {
  let next = 0;
  return { store: () => (stores[next++ % stores.length] ?? stores[0]).entries, names: stores[0].names };
}

export const memory = (tables = new MemoryTables()) => ({ tables, store: () => new MemoryStore(tables, () => Promise.resolve()), names: new MemoryNames() });

/** One node on a store in memory, and what it wrote. */
export async function oneNode(policies: string) {
  const shared = memory();
  const world = new ApprovalWorld({ policies }, shared);
  const entries = (kind: string) => [...shared.tables.entries.values()].map(({ entry }) => entry).filter((entry) => entry.kind === kind);
  return { world, node: await world.node(), entries, shared };
}

function bundleOf({ policies, people = somePeople, files = {} }: WorldOptions): Bundle {
  return compile(`@id("all") permit (principal, action, resource);\n${policies}`, { 'people.yaml': people, 'identities.yaml': 'identities:\n  - { id: robot, kind: agent, autonomy: autonomous, owner: ops, purpose: testing, groups: [robots] }\n  - { id: other, kind: agent, autonomy: autonomous, owner: ann, purpose: testing, groups: [robots] }\n', ...files });
}

/** One node: every part is the real one, put together as the governor does, but for who presents a token and for the target. */
export class ApprovalNode {
  readonly board: Board;
  readonly ledger: Ledger;
  readonly names: Names;
  readonly approval: ApprovalRoom;
  readonly settler: Settler;
  readonly #stages: Stages;

  constructor(
    private readonly world: ApprovalWorld,
    store: EntryStore,
    names: NameStore,
  ) {
    const { clock } = world;
    this.board = new Board(store, () => clock.now());
    this.ledger = new Ledger('main', store, new Projections(store, folds), clock, undefined, (entry) => this.board.apply(entry));
    this.names = new Names(names);
    this.settler = new Settler(this.ledger, clock);
    const bundle = { get current() { return world.bundle; } } as ActiveBundle;
    this.approval = assembleApproval({ ledger: this.ledger, names: this.names, bundle, clock, board: this.board, identity: (id) => world.bundle.identities.find((each) => each.id === id), evidence, signatures: noSignatures });
    this.#stages = this.#stagesOf();
  }

  #stagesOf(): Stages {
    const { clock } = this.world;
    const log = { promise: () => 'promise', verifyCanPromise: () => undefined };
    const recorder = new AttemptRecorder(this.ledger, log, this.names, new Spool('/nonexistent/spool'), clock, (message, error) => { throw Object.assign(new Error(message), { cause: error }); }, (...asked) => this.approval.asking.verify(...asked));
    const record = { append: (draft: Draft) => this.ledger.append(draft), read: <S>(stream: string) => this.ledger.projections.get<S>(stream), refOf: (person: string) => this.names.refOf(person) };
    const sessions = new Sessions(record, clock);
    return {
      identify: (received) => Promise.resolve(received as Awaited<ReturnType<Stages['identify']>>),
      situate: (identified) => sessions.situate(identified),
      decide: (situated) => policyOf(this.world.bundle, clock).decide(situated),
      approve: (decided) => this.approval.approve(decided),
      issue: (intended) => Promise.resolve(intended),
      inspect: (performed) => ({ ...performed, released: performed.result, findings: [] }),
      end: () => Promise.resolve(),
      record: recorder,
      clock,
      turns: new Turns(),
    };
  }

  /** One attempt, from start to finish. */
  ask(args: JsonObject, { tool = 'pay', as = 'robot', onBehalfOf, chain = [], digest = 'sha256:tool', session, perform }: Asked = {}): Promise<Ending> {
    const nowMs = this.world.clock.now();
    const identity = this.world.bundle.identities.find(({ id }) => id === as);
    const definition = (tools['tools'] as readonly JsonObject[]).find(({ name }) => name === tool);
    if (!identity || !definition) throw new Error('no such identity or tool');
    const principal: Principal = { tenant: 'main', identity, chain, method: 'oidc', expiresAtMs: nowMs + 300_000, ...(onBehalfOf !== undefined && { onBehalfOf }) };
    const call = { upstream: 'bank', method: 'tools/call', name: tool, params: { name: tool, arguments: args }, args, tool: { name: tool, digest, accepted: true, definition } };
    const received: Received = { id: timeId(nowMs), tenant: 'main', receivedAtMs: nowMs, deadlineMs: nowMs + 60_000, presented: { kind: 'none' }, call, origin: { gateway: 'mcp', address: '127.0.0.1' }, ...(session !== undefined && { sessionHandle: session }) };
    return run({ ...received, principal, claims: { sub: as } } as Received, this.#stages, async (issued) => {
      this.world.effects.push(issued.effectiveArgs);
      return { kind: 'result', value: (await perform?.()) ?? {} };
    });
  }

  /** Asks what has to wait; the hold's id. */
  async hold(args: JsonObject, asked: Asked = {}): Promise<string> {
    const ending = await this.ask(args, asked);
    if (ending.kind !== 'held') throw new Error(`expected to wait, got ${said(ending)}`);
    return ending.hold.id;
  }

  agree(hold: string, person: string, over: Partial<Parameters<ApprovalRoom['holds']['answer']>[0]> = {}): Promise<Entry> {
    return this.approval.holds.answer({ hold, person, agrees: true, reason: 'because', ...over });
  }

  refuse(hold: string, person: string): Promise<Entry> {
    return this.approval.holds.answer({ hold, person, agrees: false, reason: 'because' });
  }

  stateOf = async (hold: string): Promise<string> => (await this.approval.questions.status(hold)).state;
}

/** How an attempt ended, in a word. */
export function said(ending: Ending): string {
  switch (ending.kind) {
    case 'released':
      return 'done';
    case 'held':
      return 'held';
    case 'refused':
      return `refused: ${ending.error.code}`;
    case 'broken':
      return `broken: ${ending.effect}`;
  }
}

/** The code of what was thrown; `none` when nothing was. */
export const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'none', (error: unknown) => (error as { code?: string }).code ?? String(error));
