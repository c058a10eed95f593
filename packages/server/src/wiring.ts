import { join } from 'node:path';
import type { PastEvent } from '@flyball/cedar';
import { FlyballError, type JsonObject } from '@flyball/protocol';
import type { Stages } from './action/stages.js';
import type { SessionState } from './action/states.js';
import { Turns } from './action/turns.js';
import { LocalDesk } from './api/local-desk.js';
import { approve, Holds, type People } from './approval/index.js';
import { type Config, resourceOf } from './config.js';
import { end, issue } from './credential/index.js';
import { foldPins, type GatewayPort, type PinState, TaskBook, ToolBook } from './gateway/mcp/index.js';
import { Identification, type Issuer, loadLocalKey, localKeyIssuer, oidcIssuer, publicPart, Registry, spiffeIssuer } from './identity/index.js';
import { AttemptRecorder, type Draft, type Fold, Ledger, Past, Projections, Settler, Spool } from './ledger/index.js';
import { pause, StoreClock } from './lib/clock.js';
import { randomSalt, timeId } from './lib/ids.js';
import { inspect } from './output/index.js';
import { ActiveBundle, type Bundle, type Check, newEventReader, OpaServer, Policy, TemporalPast } from './policy/index.js';
import { foldIdentity, foldSession, Sessions } from './session/index.js';
import { openEmbedded, openPostgres } from './store/open.js';

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: JsonObject) => void;

/** The whole house, put together. Who needs it in part takes the part. */
export interface Governor {
  readonly port: GatewayPort;
  readonly desk: LocalDesk;
  readonly sessions: Sessions;
  readonly identification: Identification;
  readonly bundle: ActiveBundle;
  readonly ledger: Ledger;
  readonly clock: StoreClock;
  readonly people: () => Bundle['people'];
  /** Fires when the store can no longer tell what is durable: the process must end. */
  readonly broken: AbortSignal;
  close(): Promise<void>;
}

const settleEveryMs = 1_000;
const clockEveryMs = 15_000;

const folds: Readonly<Record<string, Fold<unknown>>> = {
  session: foldSession as Fold<unknown>,
  identity: foldIdentity as Fold<unknown>,
  tools: foldPins as Fold<unknown>,
  bundle: (state, entry) => state ?? entry.id,
};

/** Opens the store, loads the bundle and puts the rooms together. Whatever fails here leaves nothing behind. */
export async function openGovernor(config: Config, log: Log): Promise<Governor> {
  const { tenant } = config;
  const store = config.databaseUrl === undefined ? await openEmbedded(config.data, tenant) : await openPostgres(config.databaseUrl, tenant);
  try {
    const clock = new StoreClock();
    clock.set(await store.now());
    const past = new Past(store.entries, newEventReader);
    const ledger = new Ledger(tenant, store.entries, new Projections(store.entries, folds), clock, past);
    const bundle = new ActiveBundle(config.bundle, (next) => recordBundle(ledger, next), checkOf(config, log));
    const { warnings } = await bundle.load();
    warnings.forEach((warning) => log('warn', warning));
    return assemble(config, log, { store, clock, ledger, past, bundle });
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
  readonly store: Awaited<ReturnType<typeof openEmbedded>>;
  readonly clock: StoreClock;
  readonly ledger: Ledger;
  readonly past: Past<PastEvent>;
  readonly bundle: ActiveBundle;
}

function assemble(config: Config, log: Log, { store, clock, ledger, past, bundle }: Foundation): Governor {
  const spool = new Spool(join(config.data, 'spool'));
  const recorder = new AttemptRecorder(ledger, spool, clock, (message, error) => log('error', message, { reason: error instanceof FlyballError ? error.message : 'unknown' }));
  const record = { append: (draft: Draft) => ledger.append(draft), find: (id: string) => ledger.store.find(id), read: <S>(stream: string) => ledger.projections.get<S>(stream) };
  const sessions = new Sessions(record, clock);
  const opa = opaOf(config);
  const policy = new Policy(() => bundle.current, clock, { audience: resourceOf(config), past: new TemporalPast((stream, version) => past.upTo(stream, version)), ...(opa && { opa }) });
  const registry = registryOf(() => bundle.current);
  const identification = new Identification(issuersOf(config, clock), registry, clock);
  const people: People = { isMember: (person, group) => bundle.current.people.get(person)?.groups.includes(group) ?? false };
  const holds = new Holds({ ...record, read: (stream) => ledger.readNow<SessionState>(stream) }, () => people, clock);
  const tools = new ToolBook({ append: record.append, read: (stream) => ledger.projections.get<PinState>(stream), bundled: (upstream, name) => bundle.current.tools.get(upstream)?.get(name) }, clock);
  const stages: Stages = {
    identify: (received) => identification.identify(received),
    situate: (identified) => sessions.situate(identified),
    decide: (situated) => policy.decide(situated),
    approve: (decided) => approve(decided, people, clock.now()),
    issue,
    inspect: (performed) => inspect(performed, { schemaMode: (upstream) => config.upstreams[upstream]?.output_schema ?? 'warn' }),
    end,
    record: recorder,
    clock,
    turns: new Turns(),
  };
  const port: GatewayPort = { tenant: config.tenant, stages, tools, tasks: new TaskBook(), couldAllow: (situated) => policy.couldAllow(situated), newId: () => timeId(clock.now()), log };
  const desk = new LocalDesk({ ledger, bundle, holds, tools, clock, store: store.kind });
  const stop = new AbortController();
  const jobs = [settleJob(new Settler(ledger, clock), recorder, spool, stop.signal, log), clockJob(store, clock, stop.signal, log)];
  const close = async () => {
    stop.abort();
    await Promise.all(jobs);
    await opa?.close();
    await store.close();
  };
  return { port, desk, sessions, identification, bundle, ledger, clock, people: () => bundle.current.people, broken: store.broken, close };
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

async function settleJob(settler: Settler, recorder: AttemptRecorder, spool: Spool, stop: AbortSignal, log: Log): Promise<void> {
  let failing = false;
  while (!stop.aborted) {
    try {
      await spool.drain((draft) => recorder.record(draft));
      await settler.run();
      failing = false;
    } catch (error) {
      if (!failing) log('error', 'what is overdue cannot be settled now; it is tried again', { reason: error instanceof FlyballError ? error.message : 'unknown' });
      failing = true;
    }
    await pause(settleEveryMs, stop);
  }
}

/** Keeps to the store's clock. While it cannot be asked, the monotonic counter goes on from where it was. */
async function clockJob(store: { now(): Promise<number> }, clock: StoreClock, stop: AbortSignal, log: Log): Promise<void> {
  while (!stop.aborted) {
    await pause(clockEveryMs, stop);
    if (stop.aborted) return;
    try {
      clock.set(await store.now());
    } catch {
      log('warn', 'the store cannot be asked for the time');
    }
  }
}

