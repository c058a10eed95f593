import { join } from 'node:path';
import type { PastEvent } from '@flyball/cedar';
import { type Entry, FlyballError } from '@flyball/protocol';
import type { Stages } from './action/stages.js';
import { Turns } from './action/turns.js';
import { LocalDesk } from './api/local-desk.js';
import { type AccessRequests, type ApprovalRoom, Board, type Grants, type Notifier } from './approval/index.js';
import { type Config, resourceOf } from './config.js';
import { end, issue } from './credential/index.js';
import { type GatewayPort, type PinState, TaskBook, ToolBook, Waiting } from './gateway/mcp/index.js';
import { Identification, type Passkeys, Registry } from './identity/index.js';
import { type ArchiveStore, AttemptRecorder, type Draft, Erasure, Ledger, Names, Past, Projections, Spool, type TransparencyLog } from './ledger/index.js';
import { StoreClock } from './lib/clock.js';
import { randomSalt, timeId } from './lib/ids.js';
import type { Log } from './lib/log.js';
import { inspect } from './output/index.js';
import { ActiveBundle, type Bundle, type Check, couldWait, newEventReader, OpaServer, Policy, TemporalPast } from './policy/index.js';
import { Sessions } from './session/index.js';
import { openEmbedded, openPostgres, type OpenStore } from './store/open.js';
import { assembleApproval } from './wiring/approval.js';
import { notifierOf } from './wiring/channels.js';
import { openFacts, unprovidedBy } from './wiring/facts.js';
import { folds } from './wiring/folds.js';
import { openAccessRequests, openGrants } from './wiring/grants.js';
import { issuersOf } from './wiring/issuers.js';
import { startJobs } from './wiring/jobs.js';
import { openLog } from './wiring/log.js';
import { noSignatures, passkeysOf } from './wiring/passkeys.js';

/** The whole house, put together. Who needs it in part takes the part. */
export interface Governor {
  readonly port: GatewayPort;
  readonly desk: LocalDesk;
  readonly sessions: Sessions;
  readonly identification: Identification;
  readonly bundle: ActiveBundle;
  readonly policy: Policy;
  readonly ledger: Ledger;
  readonly transparency: TransparencyLog;
  readonly names: Names;
  readonly archive: ArchiveStore;
  readonly clock: StoreClock;
  readonly people: () => Bundle['people'];
  /** Where people can sign in with a browser. */
  readonly passkeys: Passkeys | undefined;
  readonly approval: ApprovalRoom;
  /** Requests for access, and what came of them. */
  readonly access: { readonly requests: AccessRequests; readonly grants: Grants };
  /** Tells people by the configuration's channels; a command that only looks tells nobody. */
  readonly notifier: Notifier | undefined;
  /** Has somebody told of every entry, this node's at once and others' within a second. */
  readonly listen: (listener: (entry: Entry) => void) => void;
  /** Fires when the house is closed. */
  readonly stopping: AbortSignal;
  /** Fires when the store can no longer tell what is durable: the process must end. */
  readonly broken: AbortSignal;
  close(): Promise<void>;
}

/**
 * Opens the store, loads the bundle and puts the rooms together. Whatever fails here leaves nothing behind.
 *
 * @param looksOnly for a command that governs nothing: the record does not say that its bundle became active
 */
export async function openGovernor(config: Config, log: Log, looksOnly = false): Promise<Governor> {
  const { tenant } = config;
  const store = config.databaseUrl === undefined ? await openEmbedded(config.data, tenant) : await openPostgres(config.databaseUrl, tenant);
  try {
    const clock = new StoreClock();
    clock.set(await store.now());
    const past = new Past(store.entries, newEventReader);
    const listeners = new Set<(entry: Entry) => void>();
    const board = new Board(store.entries, () => clock.now());
    const ledger: Ledger = new Ledger(tenant, store.entries, new Projections(store.entries, folds), clock, past, (entry) => {
      transparency.wake();
      board.apply(entry);
      listeners.forEach((listener) => listener(entry));
    });
    const transparency: TransparencyLog = await openLog(config, store, ledger, log);
    await transparency.open();
    const names = new Names(store.names);
    const activate = async (next: Bundle) => {
      await names.refresh(next.people.keys());
      if (!looksOnly) await recordBundle(ledger, next);
    };
    const bundle = new ActiveBundle(config.bundle, activate, checkOf(config, log), unprovidedBy(config));
    const { warnings } = await bundle.load();
    warnings.forEach((warning) => log('warn', warning));
    return assemble(config, log, { store, clock, ledger, transparency, names, past, bundle, board, listeners, looksOnly });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The second engine that some decisions are asked of, if any. */
function checkOf({ check_decisions_every: every }: Config, log: Log): Check | undefined {
  if (every === 0) return undefined;
  return { every, alarm: (policies) => log('error', 'two policy engines do not agree; the attempt was refused', { policies }) };
}

/** The running OPA that is asked as well, if any. Throws `config_invalid` when its token is missing. */
function opaOf({ opa, opaToken }: Config): OpaServer | undefined {
  if (!opa) return undefined;
  if (opa.token_from_env !== undefined && !opaToken) throw new FlyballError('config_invalid', `expected the environment variable \`${opa.token_from_env}\` with the token for \`opa\``);
  return new OpaServer({ url: opa.url, token: opaToken, timeoutMs: opa.timeout_ms });
}

interface Foundation {
  readonly store: OpenStore;
  readonly clock: StoreClock;
  readonly ledger: Ledger;
  readonly transparency: TransparencyLog;
  readonly names: Names;
  readonly past: Past<PastEvent>;
  readonly bundle: ActiveBundle;
  readonly board: Board;
  readonly listeners: Set<(entry: Entry) => void>;
  readonly looksOnly: boolean;
}

function assemble(config: Config, log: Log, { store, clock, ledger, transparency, names, past, bundle, board, listeners, looksOnly }: Foundation): Governor {
  const registry = registryOf(() => bundle.current);
  const { facts, evidence, close: closeFacts } = openFacts(config, bundle, clock);
  const passkeys = passkeysOf(config, ledger, names, clock);
  const approval = assembleApproval({ ledger, names, bundle, clock, board, identity: (id) => registry().byId(id), evidence, signatures: passkeys ?? noSignatures });
  const spool = new Spool(join(config.data, 'spool'));
  const trouble = (message: string, error: unknown) => log('error', message, { reason: error instanceof FlyballError ? error.message : 'unknown' });
  const recorder = new AttemptRecorder(ledger, transparency, names, spool, clock, trouble, (identity, pending, attempt) => approval.asking.verify(identity, pending, attempt));
  const record = { append: (draft: Draft) => ledger.append(draft), find: (id: string) => ledger.store.find(id), read: <S>(stream: string) => ledger.projections.get<S>(stream), refOf: (person: string) => names.refOf(person), nameOf: (ref: string) => names.nameOf(ref) };
  const sessions = new Sessions(record, clock);
  const opa = opaOf(config);
  const foundation = { ledger, names, bundle, clock, approval, identity: (id: string) => registry().byId(id) };
  const grants = openGrants(foundation);
  const policy = new Policy(() => bundle.current, clock, { grants, audience: resourceOf(config), past: new TemporalPast((stream, version) => past.upTo(stream, version)), facts, ...(opa && { opa }) });
  const identification = new Identification(issuersOf(config, clock), registry, clock);
  const tools = new ToolBook({ append: record.append, read: (stream) => ledger.projections.get<PinState>(stream), bundled: (upstream, name) => bundle.current.tools.get(upstream)?.get(name) }, clock);
  const stages: Stages = {
    identify: (received) => identification.identify(received),
    situate: (identified) => sessions.situate(identified),
    decide: (situated) => policy.decide(situated),
    approve: (decided) => approval.approve(decided),
    issue,
    inspect: (performed) => inspect(performed, { schemaMode: (upstream) => config.upstreams[upstream]?.output_schema ?? 'warn' }),
    end,
    record: recorder,
    clock,
    turns: new Turns(),
  };
  const port: GatewayPort = { tenant: config.tenant, stages, tools, tasks: new TaskBook(), waiting: new Waiting({ desk: approval.ownHolds, clock, offers: () => opa !== undefined || couldWait(bundle.current) }), couldAllow: (situated) => policy.couldAllow(situated), newId: () => timeId(clock.now()), log };
  const requests = openAccessRequests(foundation, stages, port);
  const desk = new LocalDesk({ access: { requests, grants }, ledger, names, transparency, erasure: new Erasure(ledger, names, store.bodies, store.names), archive: store.archive, bundle, approval, tools, clock, store: store.kind });
  const stop = new AbortController();
  const notifier = looksOnly ? undefined : notifierOf(config, { store, ledger, names, bundle, clock, approval, log });
  const jobs = startJobs({ store, clock, ledger, names, bundle, board, listeners, transparency, recorder, spool, approval, policy, requests, foundation, notifier }, stop.signal, log);
  const close = async () => {
    stop.abort();
    await Promise.all(jobs);
    await opa?.close();
    await closeFacts();
    await store.close();
  };
  return { port, desk, sessions, identification, bundle, policy, ledger, transparency, names, archive: store.archive, clock, people: () => bundle.current.people, passkeys, approval, access: { requests, grants }, notifier, listen: (listener) => void listeners.add(listener), stopping: stop.signal, broken: store.broken, close };
}

/** The registry of the active bundle, made again when another becomes active. */
function registryOf(bundle: () => Bundle): () => Registry {
  let made: { readonly digest: string; readonly registry: Registry } | undefined;
  return () => {
    const { digest, identities } = bundle();
    if (made?.digest !== digest) made = { digest, registry: new Registry(identities) };
    return made.registry;
  };
}

/** A bundle's files are kept in the record, once, so that its decisions can be explained when it is long gone; every activation is an entry. */
async function recordBundle(ledger: Ledger, { digest, files }: Bundle): Promise<void> {
  const stream = `bundle:${digest}`;
  const body = { bundle: digest, files: Object.keys(files) };
  const payload = { salt: randomSalt(), content: JSON.stringify(files) };
  const first = await ledger.append({ kind: 'bundle.activated', streams: [{ stream, expected: 0 }], body, payload });
  if (!first) await ledger.append({ kind: 'bundle.activated', streams: [{ stream }], body });
}
