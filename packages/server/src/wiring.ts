import { join, resolve } from 'node:path';
import type { PastEvent } from '@flyball/cedar';
import { type Entry, FlyballError } from '@flyball/protocol';
import type { Stages } from './action/stages.js';
import { Turns } from './action/turns.js';
import { foldClaim, foldTask } from './api/arap/index.js';
import { LocalDesk } from './api/local-desk.js';
import { type AccessRequests, type ApprovalRoom, Board, Dependents, foldDelegations, foldEmergency, foldGrants, foldRecommendations, foldStanding, type Grants, type Signatures } from './approval/index.js';
import { type Config, resourceOf } from './config.js';
import { end, issue } from './credential/index.js';
import { foldPins, type GatewayPort, type PinState, TaskBook, ToolBook, Waiting } from './gateway/mcp/index.js';
import { foldPasskeys, Identification, type Issuer, loadLocalKey, localKeyIssuer, oidcIssuer, type Passkeys, publicPart, Registry, spiffeIssuer } from './identity/index.js';
import { dependentsJob, followJob, refreshJob, settleJob } from './jobs.js';
import { type ArchiveStore, AttemptRecorder, type Draft, Erasure, foldKeys, type Fold, Follower, type KeyHistory, Ledger, loadKeys, LogKeys, Names, Past, Projections, PublishedHead, Sequencer, Settler, signerOf, Spool, TransparencyLog, Witnesses } from './ledger/index.js';
import { monotonicMs, StoreClock } from './lib/clock.js';
import { randomHandle, randomSalt, timeId } from './lib/ids.js';
import { limits } from './lib/limits.js';
import type { Log } from './lib/log.js';
import { Post } from './lib/post.js';
import { inspect } from './output/index.js';
import { passkeysOf } from './passkeys.js';
import { ActiveBundle, type Bundle, type Check, couldWait, newEventReader, OpaServer, Policy, TemporalPast } from './policy/index.js';
import { foldIdentity, foldSession, Sessions } from './session/index.js';
import { openEmbedded, openPostgres, type OpenStore } from './store/open.js';
import { arrivalsJob, openFacts, unprovidedBy } from './wiring-facts.js';
import { assembleApproval } from './wiring-approval.js';
import { knownOutcome, openAccessRequests, openGrants, resumeJob } from './wiring-grants.js';

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
  /** Has somebody told of every entry, this node's at once and others' within a second. */
  readonly listen: (listener: (entry: Entry) => void) => void;
  /** Fires when the house is closed. */
  readonly stopping: AbortSignal;
  /** Fires when the store can no longer tell what is durable: the process must end. */
  readonly broken: AbortSignal;
  close(): Promise<void>;
}

/** For a stream of which only its versions matter. */
const onlyVersions: Fold<unknown> = (state) => state ?? true;

const folds: Readonly<Record<string, Fold<unknown>>> = {
  session: foldSession as Fold<unknown>,
  identity: foldIdentity as Fold<unknown>,
  tools: foldPins as Fold<unknown>,
  authenticator: foldPasskeys as Fold<unknown>,
  'sign-ins': onlyVersions,
  standing: foldStanding as Fold<unknown>,
  delegation: foldDelegations as Fold<unknown>,
  grant: foldGrants as Fold<unknown>,
  emergency: foldEmergency as Fold<unknown>,
  task: foldTask as Fold<unknown>,
  denial: foldClaim as Fold<unknown>,
  'task-key': foldClaim as Fold<unknown>,
  recommendation: foldRecommendations as Fold<unknown>,
  bundle: (state, entry) => state ?? entry.id,
  node: onlyVersions,
  erasures: onlyVersions,
  archive: onlyVersions,
  log: foldKeys as Fold<unknown>,
};

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
    return assemble(config, log, { store, clock, ledger, transparency, names, past, bundle, board, listeners });
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
}

function assemble(config: Config, log: Log, { store, clock, ledger, transparency, names, past, bundle, board, listeners }: Foundation): Governor {
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
  const jobs = [resumeJob(requests, foundation, (listener) => listeners.add(listener), stop.signal, log), settleJob(new Settler(ledger, clock, knownOutcome(ledger)), recorder, spool, stop.signal, log), transparency.run(stop.signal), ...(store.kind === 'postgres' ? [followJob(new Follower(store.log, ledger.projections, (entry) => [(each: Entry) => board.apply(each), ...listeners].forEach((listener) => listener(entry)), () => board.reload()), stop.signal, log)] : []), refreshJob({ store, clock, names, bundle }, stop.signal, log), dependentsJob(new Dependents(board, approval.questions, approval.holds), board, stop.signal, log), arrivalsJob({ board, holds: approval.holds, ledger, policy, clock }, stop.signal, log)];
  const close = async () => {
    stop.abort();
    await Promise.all(jobs);
    await opa?.close();
    await closeFacts();
    await store.close();
  };
  return { port, desk, sessions, identification, bundle, policy, ledger, transparency, names, archive: store.archive, clock, people: () => bundle.current.people, passkeys, approval, access: { requests, grants }, listen: (listener) => void listeners.add(listener), stopping: stop.signal, broken: store.broken, close };
}

/** Where nobody can sign in with a browser, nobody can sign either. */
const noSignatures: Signatures = { verify: () => Promise.reject(new FlyballError('approval_refused', 'expected `sign_in` in the configuration: signatures are made with passkeys, on the pages')) };

/** The log of this tenant's record, with its keys. Throws `config_invalid` when the configuration is another log's. */
export async function openLog(config: Config, store: OpenStore, ledger: Ledger, log: Log): Promise<TransparencyLog> {
  const { data, tenant, directory } = config;
  const { origin } = await store.log.open(config.log.origin ?? `flyball/${tenant}/${randomHandle().slice(0, 8)}`);
  if (config.log.origin !== undefined && origin !== config.log.origin) throw new FlyballError('config_invalid', `expected \`log.origin\` to be \`${origin}\`: a log keeps its name`);
  const pems = loadKeys({ files: config.log.keys.map((file) => resolve(directory, file)), secret: config.logKeys, fallback: join(data, 'log-key.pem') });
  const keys = new LogKeys(pems.map((pem) => signerOf(pem, origin)), { read: (stream) => ledger.readNow<KeyHistory>(stream), append: (draft) => ledger.append(draft) });
  const published = new PublishedHead(join(data, 'log', `${tenant}.checkpoint`), origin, () => keys.verifiers);
  const sequencer = new Sequencer(store.log, published, () => keys.active, randomHandle(), monotonicMs);
  const witnesses = new Witnesses(config.log.witnesses.map(({ url, key }) => ({ key, post: witnessPost(url) })), store.log, monotonicMs);
  const parts = { origin, store: store.log, entries: store.entries, keys, published, sequencer, witnesses, shared: store.kind === 'postgres' };
  return new TransparencyLog(parts, (message, error) => log('error', message, { reason: error instanceof Error ? error.message : 'unknown' }));
}

function witnessPost(url: string) {
  const post = new Post(url, { bytesMax: limits.witnessBytesMax, timeoutMs: limits.witnessMs, connectionsMax: 1 });
  return async (body: string) => {
    const { status, contentType, bytes } = await post.send(body, { 'content-type': 'text/plain; charset=utf-8' });
    return { status, contentType, body: Buffer.from(bytes).toString('utf8') };
  };
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

export function issuersOf(config: Config, clock: StoreClock): readonly Issuer[] {
  const { local, oidc, spiffe } = config.identity;
  return [
    ...(local ? [localKeyIssuer(publicPart(loadLocalKey(config.data)), resourceOf(config))] : []),
    ...oidc.map((settings) => oidcIssuer({ ...settings, jwksUrl: settings.jwks_url, allowPrivate: settings.allow_private_address }, clock)),
    ...spiffe.map((settings) => spiffeIssuer({ trustDomain: settings.trust_domain, audience: settings.audience, bundleFile: settings.bundle_file && join(config.directory, settings.bundle_file), bundleUrl: settings.bundle_url, allowPrivate: settings.allow_private_address }, clock)),
  ];
}

/** A bundle's files are kept in the record, once, so that its decisions can be explained when it is long gone; every activation is an entry. */
async function recordBundle(ledger: Ledger, { digest, files }: Bundle): Promise<void> {
  const stream = `bundle:${digest}`;
  const body = { bundle: digest, files: Object.keys(files) };
  const payload = { salt: randomSalt(), content: JSON.stringify(files) };
  const first = await ledger.append({ kind: 'bundle.activated', streams: [{ stream, expected: 0 }], body, payload });
  if (!first) await ledger.append({ kind: 'bundle.activated', streams: [{ stream }], body });
}
