import type { KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import { arapRoute, CallbackPolicy, type CallbackPlace, Callbacks, capability, type Kept, knownAs, paths, Questioner, RequestProfile, requestSchema, Signed, Submissions, Tasks, type TaskState, TaskWatch, viewOf } from '../api/arap/index.js';
import type { Asker } from '../api/authzen/evaluator.js';
import type { Received } from '../action/states.js';
import type { Config } from '../config.js';
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

/** Access requests of enforcement points, where the configuration has them; nothing otherwise. */
export function accessRequestsOf(governor: Governor, config: Config, { origin, key, attemptOf }: AccessRequestsTerms) {
  if (!config.access_requests) return undefined;
  const { ledger, approval, clock, port, identification, bundle, stopping } = governor;
  const record = recordOf(governor);
  const signed = new Signed(key);
  const known = () => knownAs(origin());
  const trouble = (error: unknown) => port.log('error', 'an access request could not be carried on', { reason: error instanceof Error ? error.message : 'unknown' });
  const questions = { status: (hold: string) => approval.questions.status(hold), cancel: (hold: string, identity: string) => approval.holds.cancel(hold, { identity }) };
  const policy = new CallbackPolicy(placesOf(config));
  const callbacks = new Callbacks({ policy, clock, log: port.log, stop: stopping, known });
  const tasks: Tasks = new Tasks(record, questions, clock, (task) => void callbacks.ended(task, tasks).catch(trouble));
  const membersOf = (action: string) => declaredIn(bundle.current.catalogue.find('', evaluationMethod, action)?.evaluation?.context);
  const denialMs = config.access_requests.denial_seconds * 1_000;
  const terms = () => ({ signed, known: known(), nowMs: clock.now(), denialMs, find: record.find, content: record.content, membersOf, questions });
  const schemaOf = (kind: string): JsonObject | undefined => bundle.current.evidence.get(kind)?.schema;
  const questioner = new Questioner({ stages: port.stages, attach: (hold, evidence) => approval.holds.attach(hold, evidence), cancel: questions.cancel });
  const submissions = new Submissions({ record, questioner, callbacks: policy, schemaOf, now: () => clock.now(), bindingTerms: terms });
  const watch = new TaskWatch({ unsettled: (kind, after, most) => ledger.store.unsettled(kind, after, most), read: record.read }, tasks, trouble);
  governor.listen((entry) => watch.notice(entry));
  const loading = watch.load().catch(trouble);
  return {
    profile: new RequestProfile(terms),
    metadata: (base: string): JsonObject => ({ access_request_endpoint: base + paths.requests, capabilities: [capability] }),
    route: arapRoute({
      submissions,
      tasks,
      tenant: config.tenant,
      submitterOf: async (request) => {
        const { principal, claims } = await identification.identify(attemptOf(request, { upstream: '', method: 'access-request', name: '', params: {}, args: {} }, 0));
        if (principal.onBehalfOf !== undefined) throw new FlyballError('identity_refused', 'expected a token of the enforcement point itself, not one on behalf of somebody');
        const asker: Asker = { received: (call, timeoutMs) => attemptOf(request, call, timeoutMs) };
        return { ...asker, principal, claims };
      },
      view: async (state) => viewOf(state, await keptOf(tasks, state), known(), signed),
      schema: (template) => requestSchema(template, schemaOf),
      trouble,
    }),
    close: async () => {
      await loading;
      await watch.close();
    },
  };
}

async function keptOf(tasks: Tasks, { bundle, items }: TaskState): Promise<ReadonlyMap<number, Kept>> {
  if (!bundle) return new Map();
  const kept = await Promise.all(items.map(async (item) => [item.item, await tasks.kept(item)] as const));
  return new Map(kept.flatMap(([item, value]) => (value ? [[item, value] as const] : [])));
}

const declaredIn = (type: unknown): readonly string[] => (isObject(type) && isObject(type['attributes']) ? Object.keys(type['attributes']) : []);

function placesOf({ access_requests: settings, secretOf }: Config): readonly CallbackPlace[] {
  return (settings?.callbacks ?? []).map(({ url, identities, secret_from_env: name, allow_private_address: allowPrivate }) => {
    const secret = secretOf(name);
    if (!secret) throw new FlyballError('config_invalid', `expected the environment variable \`${name}\` with the secret of a callback in \`access_requests\``);
    return { url, identities, secret, allowPrivate };
  });
}
