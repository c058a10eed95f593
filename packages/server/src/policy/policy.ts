import { type Decision, FlyballError, isObject, type Json, type ReasonKind } from '@flyball/protocol';
import { attemptDigest } from '../action/digest.js';
import type { Decided, DecisionInputs, Resource, Situated } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { matchesGlob } from '../lib/glob.js';
import { verifyArguments } from './arguments.js';
import type { Bundle } from './bundle.js';
import type { CataloguedAction } from './catalogue.js';
import { type ActionTerms, datetime, decisionInputs, engineRequest } from './context.js';
import { aboutOf, askedOf, evaluationInputs } from './evaluation-inputs.js';
import { isEvaluation } from './evaluation-request.js';
import type { FactAnswer, FactSource } from './fact-source.js';
import { awaitedFacts, lookupOf, recordedLookup, withFacts } from './gathered-facts.js';
import type { GrantSource } from './grants.js';
import { heldGrants } from './held-grants.js';
import { isResourceCall, verifyPlainUri } from './plain-uri.js';
import { grantsThatWouldOpen } from './would-open.js';
import { refusedBefore } from './decide.js';
import { evaluate, unrepresented } from './evaluate.js';
import { predecessorsOf } from './predecessors.js';
import { confidenceValue } from './recommendations.js';
import { decideByServer, type RunningRego } from './rego/decide-by-rego.js';
import { type SearchPage, searchPage, type SearchWish } from './search.js';
import type { TemporalPast } from './temporal.js';
import { applyMapping, declaredMappingKey, defaultMappings, verifyMapping } from './mapping.js';

export interface PolicySettings {
  readonly audience: string;
  /** What happened before, for temporal clauses. */
  readonly past: Pick<TemporalPast, 'ask'>;
  /** A running OPA that is asked as well. */
  readonly opa?: RunningRego;
  /** Who supplies facts; without it nobody does. */
  readonly facts?: FactSource;
  /** Who knows which grants an identity holds; without it nobody holds any. */
  readonly grants?: GrantSource;
}

/** The third question: may it? */
export class Policy {
  constructor(
    private readonly bundle: () => Bundle,
    private readonly clock: Clock,
    private readonly settings: PolicySettings,
  ) {}

  async decide(situated: Situated): Promise<Decided> {
    // One bundle from beginning to end, also when another becomes active meanwhile.
    const bundle = this.bundle();
    const { call } = situated;
    const action = bundle.catalogue.find(call.upstream, call.method, call.name);
    if (!action || !isAskable(call, action)) throw refusal('action_unknown', 'no such action', `\`${call.method} ${call.name.slice(0, 128)}\` is not in the catalogue`);
    const resources = this.#resources(situated, action);
    const seen = await this.#seen(situated, action, resources, bundle);
    const asked = isEvaluation(seen) ? { ...situated, call: { ...call, about: aboutOf(seen) } } : situated;
    const digest = attemptDigest(asked, action.name, resources, bundle.digest);
    const inputs = withWaiting(seen, asked, action, digest, this.clock.now());
    const before = checkBefore(situated, action);
    const decision = before ? refusedBefore(before, bundle.digest) : evaluate(inputs, bundle, await this.#askServer(inputs, bundle));
    // Whoever is denied anyway learns nothing of the tool's schema.
    if (decision.outcome !== 'deny' && call.tool) verifyArguments(call.tool, call.args);
    return { ...asked, action, resources, digest, decision, inputs };
  }

  /** A page of those who would be allowed what an enforcement point asks about. */
  search(situated: Situated, wish: SearchWish): Promise<SearchPage> {
    const bundle = this.bundle();
    const known = (asked: Situated) => {
      const action = bundle.catalogue.find(asked.call.upstream, asked.call.method, asked.call.name);
      return action && isAskable(asked.call, action) ? action : undefined;
    };
    const inputs = async (asked: Situated) => {
      const action = known(asked);
      return action && this.#seen(asked, action, this.#resources(asked, action), bundle);
    };
    return searchPage(situated, bundle, { inputs, decide: async (asked) => (known(asked) ? (await this.decide(asked)).decision : undefined) }, wish);
  }

  async #askServer(inputs: DecisionInputs, bundle: Bundle): Promise<Decision | undefined> {
    return this.settings.opa && decideByServer(inputs, this.settings.opa, bundle);
  }

  /** Everything that a decision sees. Facts are asked for before its moment is taken, so that each is at most as old as it says. */
  async #seen(situated: Situated, action: CataloguedAction, resources: readonly Resource[], bundle: Bundle): Promise<DecisionInputs> {
    // Who is refused anyway sends nobody asking.
    const answers = checkBefore(situated, action) ? noFacts : await this.#gather(situated, { action: action.name, resources }, bundle);
    const inputs = this.#inputs(situated, action, resources, bundle, await heldGrants(this.settings.grants, situated, action, bundle));
    return this.#withPast(withFacts(inputs, answers, this.clock.now()), situated, bundle);
  }

  async #gather(situated: Situated, asked: Pick<DecisionInputs, 'action' | 'resources'>, { factUse, factTypes }: Bundle): Promise<ReadonlyMap<string, FactAnswer>> {
    const { facts, opa } = this.settings;
    if (!facts || facts.names.size === 0) return noFacts;
    // Nobody can tell what a running OPA looks at.
    const needed = opa ? 'all' : factUse.of(asked.action);
    const names = (needed === 'all' ? Object.keys(factTypes) : needed).filter((name) => facts.names.has(name));
    return names.length === 0 ? noFacts : facts.gather(names, factTypes, lookupOf(situated, asked));
  }

  /** Whether a recorded attempt would still wait for facts: its providers are asked again, nothing else is. */
  async stillWaits({ predecessors: _others, ...recorded }: DecisionInputs, needs: readonly string[], youngerThanMs: number): Promise<boolean> {
    const bundle = this.bundle();
    const { facts } = this.settings;
    if (!facts || needs.some((name) => !facts.names.has(name) || !bundle.facts.has(name))) return true;
    const names = [...new Set([...needs, ...Object.keys(recorded.facts ?? {})])];
    const answers = await facts.gather(names, bundle.factTypes, recordedLookup(recorded), youngerThanMs);
    const nowMs = this.clock.now();
    const inputs = withFacts({ ...recorded, context: { ...recorded.context, now: datetime(nowMs) } }, answers, nowMs);
    const missing = awaitedFacts(inputs);
    if (needs.some((name) => missing.has(name))) return true;
    return evaluate(inputs, bundle, await this.#askServer(inputs, bundle)).facts.length > 0;
  }

  /** The inputs with what each temporal clause says of what happened before. */
  async #withPast(inputs: DecisionInputs, situated: Situated, { temporal, actionGroups }: Bundle): Promise<DecisionInputs> {
    if (temporal.isEmpty) return inputs;
    const said = await this.settings.past.ask(temporal, situated, inputs, actionGroups.get(inputs.action) ?? [], this.clock.now());
    return { ...inputs, context: { ...inputs.context, temporal: said } };
  }

  #inputs(situated: Situated, action: CataloguedAction, resources: readonly Resource[], bundle: Bundle, grants: Pick<ActionTerms, 'grants'>): DecisionInputs {
    const { call } = situated;
    const terms = { argumentType: bundle.argumentsOf(action, call.upstream, call.name), units: bundle.catalogue.units, ...grants };
    const nowMs = this.clock.now();
    const inputs = action.evaluation ? evaluationInputs(situated, action.name, { ...terms, contextType: action.evaluation.context, types: bundle.entityTypes, known: bundle.entities }, nowMs) : decisionInputs(situated, action.name, resources, terms, nowMs);
    const asksRego = bundle.rego !== undefined || this.settings.opa !== undefined;
    // Rego has no types that an argument could fail to fit, and cannot tell one that is not shown from one that was not given.
    return asksRego && unrepresented(inputs).length > 0 ? { ...inputs, args: call.args } : inputs;
  }

  /** Of a denied attempt: grants that would have kept it from being denied, each by itself, as far as the bundle's own policies go. */
  grantsThatWouldOpen(inputs: DecisionInputs): readonly string[] {
    return grantsThatWouldOpen(inputs, this.bundle());
  }

  /** Whether a principal could be allowed an action at all, whatever the arguments: for showing a list, never for acting. */
  couldAllow(situated: Situated): boolean {
    const bundle = this.bundle();
    const { call } = situated;
    const action = bundle.catalogue.find(call.upstream, call.method, call.name);
    if (!action || checkBefore(situated, action)) return false;
    // Cedar without any policy is not asked, and what Rego would say depends on the arguments.
    if (bundle.rules.size === 0 && (bundle.rego ?? this.settings.opa)) return true;
    const resource = { type: 'tool', id: call.name };
    const inputs = decisionInputs(situated, action.name, [resource], { argumentType: undefined, units: bundle.catalogue.units }, this.clock.now());
    const answer = bundle.reach().evaluate(engineRequest(inputs, resource, bundle.actionGroups.get(action.name) ?? []));
    const rules = [...answer.satisfied].map((id) => bundle.rules.get(id));
    return rules.some((rule) => rule?.effect === 'permit') && !rules.some((rule) => rule?.effect === 'forbid');
  }

  #resources({ call, claims }: Situated, action: CataloguedAction): readonly Resource[] {
    if (action.evaluation) {
      const { type, id } = askedOf(call.params).resource;
      return [{ type, id }];
    }
    const mapping = action.mapping !== undefined ? (action.mapping as Json) : (declaredMapping(call.tool?.definition) ?? defaultMappings[call.method]);
    if (mapping === undefined) throw refusal('action_unknown', 'no such action');
    if (isResourceCall(call)) verifyPlainUri(call.name);
    const evaluations = applyMapping(mapping, { params: call.params, claims, audience: this.settings.audience });
    return evaluations.map(({ resource: { type, id } }) => ({ type, id }));
  }
}

const noFacts: ReadonlyMap<string, FactAnswer> = new Map();

/** True for a call whose resources can be told, and for an evaluation of types that the action applies to. */
function isAskable({ method, params }: Situated['call'], { evaluation }: CataloguedAction): boolean {
  if (!evaluation) return Object.hasOwn(defaultMappings, method);
  const { subject, resource } = askedOf(params);
  return evaluation.subjects.has(subject.type) && evaluation.resources.has(resource.type);
}

/** What is wrong before any policy is asked. */
function checkBefore({ session, call }: Situated, action: CataloguedAction): ReasonKind | undefined {
  if (!session.state.capabilities.some((pattern) => matchesGlob(pattern, action.name))) return 'capability';
  if (call.tool && !call.tool.accepted) return 'quarantined';
  return undefined;
}

/** The inputs with what the session's own holds say: what the attempt depends on, and how sure the machine was when it asked. */
function withWaiting(inputs: DecisionInputs, { session: { state }, call }: Situated, action: CataloguedAction, digest: string, nowMs: number): DecisionInputs {
  const predecessors = predecessorsOf(state, { named: call.after ?? [], after: action.after ?? [], digest }, nowMs);
  const known = Object.hasOwn(state.holds, digest) ? state.holds[digest]?.confidence : undefined;
  const confidence = confidenceValue(call.confidence ?? known);
  if (predecessors.length === 0 && confidence === undefined) return inputs;
  return { ...inputs, ...(predecessors.length > 0 && { predecessors }), ...(confidence !== undefined && { context: { ...inputs.context, confidence } }) };
}

/** A server's own mapping (COAZ-MCP, "declared mappings"): checked first, and never exchanged for the default when it is wrong. */
function declaredMapping(definition: unknown): Json | undefined {
  const schema = isObject(definition) ? definition['inputSchema'] : undefined;
  const mapping = isObject(schema) ? schema[declaredMappingKey] : undefined;
  if (mapping !== undefined) verifyMapping(mapping);
  return mapping;
}

const refusal = (code: 'action_unknown' | 'internal', message: string, detail?: string) => new FlyballError(code, message, detail === undefined ? {} : { detail });
