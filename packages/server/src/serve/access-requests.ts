import type { KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isObject, type JsonObject } from '@flyball/protocol';
import { arapRoute, type ArapRouteParts, CallbackPolicy, type CallbackPlace, Callbacks, capability, Catalogs, GrantOffers, GrantRequests, grantSchema, grantTemplate, type Kept, knownAs, paths, Questioner, RequestProfile, requestSchema, Signed, Submissions, Tasks, type TaskState, TaskWatch, viewOf } from '../api/arap/index.js';
import { callOf, forSubject, verifyOwnToken } from '../api/authzen/evaluator.js';
import type { Received } from '../action/states.js';
import type { Config } from '../config.js';
import { identified } from '../gateway/mcp/index.js';
import { limits } from '../lib/limits.js';
import { requiredSecret } from '../lib/required-secret.js';
import { evaluationMethod } from '../policy/index.js';
import { recordOf } from '../wiring/record.js';
import type { Governor } from '../wiring.js';

export interface AccessRequestsTerms {
  /** Scheme and authority by which machines know this server. */
  readonly origin: () => string;
  /** The key that `jwks_uri` publishes. */
  readonly key: KeyObject;
  attemptOf(request: IncomingMessage, call: Received['call'], timeoutMs: number): Received;
}

type Settings = NonNullable<Config['access_requests']>;

/** Access requests of enforcement points, where the configuration has them; nothing otherwise. */
export function accessRequestsOf(governor: Governor, config: Config, { origin, key, attemptOf }: AccessRequestsTerms) {
  const settings = config.access_requests;
  if (!settings) return undefined;
  const { ledger, approval, clock, port, bundle, stopping, access } = governor;
  const record = { ...recordOf(governor), after: (stream: string, version: number, most: number) => ledger.store.readStream(stream, version, most) };
  const signed = new Signed(key);
  const known = () => knownAs(origin());
  const trouble = (error: unknown) => port.log('error', 'an access request could not be carried on', { reason: error instanceof Error ? error.message : 'unknown' });
  const questions = { status: (hold: string) => approval.questions.status(hold), cancel: (hold: string, identity: string) => approval.holds.cancel(hold, { identity }) };
  const policy = new CallbackPolicy(placesOf(settings, config));
  const callbacks = new Callbacks({ policy, clock, log: port.log, stop: stopping, known });
  const tasks: Tasks = new Tasks(record, questions, clock, (task) => void callbacks.ended(task, tasks).catch(trouble));
  const membersOf = (action: string) => declaredIn(bundle.current.catalogue.find('', evaluationMethod, action)?.evaluation?.context);
  const terms = () => ({ signed, known: known(), nowMs: clock.now(), denialMs: settings.denial_seconds * 1_000, find: record.find, content: record.content, membersOf, questions, grantsOf: (identity: string) => access.grants.heldBy(identity, undefined, true) });
  const schemaOf = (kind: string): JsonObject | undefined => bundle.current.evidence.get(kind)?.schema;
  const questioner = new Questioner({ stages: port.stages, attach: (hold, evidence) => approval.holds.attach(hold, evidence), cancel: questions.cancel });
  const { offers, grants, longestMs, verifyMayAsk } = grantsFor(governor, settings);
  const submissions = new Submissions({ record, questioner, grants, callbacks: policy, schemaOf, now: () => clock.now(), bindingTerms: terms });
  const catalogs = new Catalogs({ offers, record, bindingTerms: terms, declared: () => bundle.current.grants, isPerson: (name) => approval.people().isKnown(name), verifyMayLook: (identity) => verifyMayAsk(identity, port.newId()) });
  const watch = new TaskWatch({ unsettled: (kind, after, most) => ledger.store.unsettled(kind, after, most), read: record.read }, tasks, trouble);
  governor.listen((entry) => watch.notice(entry));
  const loading = watch.load().catch(trouble);
  const schema = (template: string) => (template === grantTemplate ? grantSchema(longestMs()) : requestSchema(template, schemaOf));
  return {
    profile: new RequestProfile(terms, offers),
    metadata: (base: string): JsonObject => ({ access_request_endpoint: base + paths.requests, capabilities: [capability] }),
    route: arapRoute({ submissions, tasks, catalogs, tenant: config.tenant, submitterOf: submitterOf(governor, attemptOf), view: async (state) => viewOf(state, await keptOf(tasks, state), known(), signed), schema, trouble }),
    close: async () => {
      await loading;
      await watch.close();
    },
  };
}

/** What enforcement points may ask for those whom they ask about. */
function grantsFor({ port, policy, access, approval, bundle }: Governor, { grants_for_subjects_by: points }: Settings) {
  const { stages } = port;
  const named = new Set(points);
  // A look costs as much as a question, and who looks pays for it: nobody uses up what another may ask.
  const verifyMayAsk = (identity: string, attempt: string) => approval.asking.verify(identity, 0, attempt);
  const longestMs = () => Math.max(0, ...[...bundle.current.grants.values()].map((terms) => terms.longestMs));
  const offers = new GrantOffers({
    mayAsk: (identity) => named.has(identity),
    wouldOpen: (inputs) => policy.grantsThatWouldOpen(inputs),
    decide: async (asked, asker) => stages.decide(await stages.situate(forSubject(await stages.identify(asker.received(callOf(asked), limits.evaluationMs))))),
    requests: access.requests,
  });
  const grants = new GrantRequests({ offers, requests: access.requests, verifyMayAsk, longestMs, newId: () => port.newId() });
  return { offers, grants, longestMs, verifyMayAsk };
}

/** Who calls, with a token of its own and of nobody else. */
function submitterOf({ port }: Governor, attemptOf: AccessRequestsTerms['attemptOf']): ArapRouteParts['submitterOf'] {
  return async (request) => {
    const attempt = attemptOf(request, { upstream: '', method: 'access-request', name: '', params: {}, args: {} }, 0);
    const { principal, claims } = await identified(port, attempt, verifyOwnToken);
    return { received: (call, timeoutMs) => attemptOf(request, call, timeoutMs), principal, claims, address: attempt.origin.address };
  };
}

async function keptOf(tasks: Tasks, { bundle, items }: TaskState): Promise<ReadonlyMap<number, Kept>> {
  if (!bundle) return new Map();
  const kept = await Promise.all(items.map(async (item) => [item.item, await tasks.kept(item)] as const));
  return new Map(kept.flatMap(([item, value]) => (value ? [[item, value] as const] : [])));
}

const declaredIn = (type: unknown): readonly string[] => (isObject(type) && isObject(type['attributes']) ? Object.keys(type['attributes']) : []);

function placesOf({ callbacks }: Settings, { secretOf }: Config): readonly CallbackPlace[] {
  return callbacks.map(({ url, identities, secret_from_env: name, allow_private_address: allowPrivate }, index) => {
    const secret = requiredSecret(secretOf(name), name, `access_requests.callbacks.${index}.secret_from_env`);
    return { url, identities, secret, allowPrivate };
  });
}
