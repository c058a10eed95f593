import { type Decision, FlyballError, isObject, type Json, type ReasonKind } from '@flyball/protocol';
import { attemptDigest } from '../action/digest.js';
import type { Decided, DecisionInputs, Resource, Situated } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { matchesGlob } from '../lib/glob.js';
import { verifyArguments } from './arguments.js';
import type { Bundle } from './bundle.js';
import type { CataloguedAction } from './catalogue.js';
import { decisionInputs, engineRequest } from './context.js';
import { isResourceCall, verifyPlainUri } from './plain-uri.js';
import { decide, refusedBefore, strictest } from './decide.js';
import type { EngineAnswer } from './engine.js';
import { decideByBundle, decideByServer, type RunningRego } from './rego/decide-by-rego.js';
import type { TemporalPast } from './temporal.js';
import { applyMapping, declaredMappingKey, defaultMappings, verifyMapping } from './mapping.js';

export interface PolicySettings {
  readonly audience: string;
  /** What happened before, for temporal clauses. */
  readonly past: Pick<TemporalPast, 'ask'>;
  /** A running OPA that is asked as well. */
  readonly opa?: RunningRego;
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
    if (!action || !Object.hasOwn(defaultMappings, call.method)) throw refusal('action_unknown', 'no such action', `\`${call.method} ${call.name.slice(0, 128)}\` is not in the catalogue`);
    const resources = this.#resources(situated, action);
    const inputs = await this.#withPast(this.#inputs(situated, action, resources, bundle), situated, bundle);
    const digest = attemptDigest(situated, action.name, resources, bundle.digest);
    const before = checkBefore(situated, action);
    const decision = before ? refusedBefore(before, bundle.digest) : evaluate(inputs, bundle, await this.#askServer(inputs, bundle));
    // Whoever is denied anyway learns nothing of the tool's schema.
    if (decision.outcome !== 'deny' && call.tool) verifyArguments(call.tool, call.args);
    return { ...situated, action, resources, digest, decision, inputs };
  }

  async #askServer(inputs: DecisionInputs, bundle: Bundle): Promise<Decision | undefined> {
    return this.settings.opa && decideByServer(inputs, this.settings.opa, bundle);
  }

  /** The inputs with what each temporal clause says of what happened before. */
  async #withPast(inputs: DecisionInputs, situated: Situated, { temporal, actionGroups }: Bundle): Promise<DecisionInputs> {
    if (temporal.isEmpty) return inputs;
    const said = await this.settings.past.ask(temporal, situated, inputs, actionGroups.get(inputs.action) ?? [], this.clock.now());
    return { ...inputs, context: { ...inputs.context, temporal: said } };
  }

  #inputs(situated: Situated, action: CataloguedAction, resources: readonly Resource[], bundle: Bundle): DecisionInputs {
    const { call } = situated;
    const terms = { argumentType: bundle.argumentsOf(action, call.upstream, call.name), units: bundle.catalogue.units };
    const inputs = decisionInputs(situated, action.name, resources, terms, this.clock.now());
    const asksRego = bundle.rego !== undefined || this.settings.opa !== undefined;
    // Rego has no types that an argument could fail to fit, and cannot tell one that is not shown from one that was not given.
    return asksRego && unrepresented(inputs).length > 0 ? { ...inputs, args: call.args } : inputs;
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
    const mapping = action.mapping !== undefined ? (action.mapping as Json) : (declaredMapping(call.tool?.definition) ?? defaultMappings[call.method]);
    if (mapping === undefined) throw refusal('action_unknown', 'no such action');
    if (isResourceCall(call)) verifyPlainUri(call.name);
    const evaluations = applyMapping(mapping, { params: call.params, claims, audience: this.settings.audience });
    return evaluations.map(({ resource: { type, id } }) => ({ type, id }));
  }
}

/** What is wrong before any policy is asked. */
function checkBefore({ session, call }: Situated, action: CataloguedAction): ReasonKind | undefined {
  if (!session.state.capabilities.some((pattern) => matchesGlob(pattern, action.name))) return 'capability';
  if (call.tool && !call.tool.accepted) return 'quarantined';
  return undefined;
}

/**
 * The decision on recorded inputs: what `explain` and replay ask again. Every engine that has a policy is asked,
 * and all of them must allow; Cedar is also asked when nobody else can be, and then denies.
 *
 * @param live what a running OPA said when the decision was made. It is recorded and never asked again: what it
 *   would say now is not what was decided.
 */
export function evaluate(inputs: DecisionInputs, bundle: Bundle, live?: Decision): Decision {
  const byRego = [...(bundle.rego ? [decideByBundle(inputs, bundle.rego, bundle)] : []), ...(live ? [live] : [])];
  const [first, ...rest] = bundle.rules.size > 0 || byRego.length === 0 ? [byCedar(inputs, bundle), ...byRego] : byRego;
  if (!first) throw refusal('internal', 'nothing was asked, so nothing is allowed');
  return rest.length === 0 ? first : strictest([first, ...rest]);
}

function byCedar(inputs: DecisionInputs, bundle: Bundle): Decision {
  const groups = bundle.actionGroups.get(inputs.action) ?? [];
  const [first, ...rest] = inputs.resources.map((resource) => decide(withUnseen(bundle.engine.evaluate(engineRequest(inputs, resource, groups)), inputs, bundle), bundle.rules, bundle.digest));
  if (!first) throw refusal('internal', 'nothing was asked, so nothing is allowed');
  return rest.length === 0 ? first : strictest([first, ...rest]);
}

function unrepresented({ context }: DecisionInputs): readonly Json[] {
  const left = context['unrepresented'];
  return Array.isArray(left) ? (left as readonly Json[]) : [];
}

/**
 * A policy that looks at an argument which could not be shown exactly cannot be evaluated, whatever it said:
 * asked with `has`, it would take the argument for absent.
 */
function withUnseen(answer: EngineAnswer, inputs: DecisionInputs, bundle: Bundle): EngineAnswer {
  const names = unrepresented(inputs).map((path) => String(path).split(/[.[]/)[0] ?? '');
  if (names.length === 0) return answer;
  const blind = [...answer.considered].filter((id) => {
    const looksAt = bundle.looksAt.get(id) ?? 'all';
    return looksAt === 'all' || names.some((name) => looksAt.has(name));
  });
  return {
    ...answer,
    satisfied: new Set([...answer.satisfied].filter((id) => !blind.includes(id))),
    broken: new Map([...answer.broken, ...blind.map((id) => [id, { message: 'an argument that it looks at cannot be shown to policies exactly' }] as const)]),
  };
}

/** A server's own mapping (COAZ-MCP, "declared mappings"): checked first, and never exchanged for the default when it is wrong. */
function declaredMapping(definition: unknown): Json | undefined {
  const schema = isObject(definition) ? definition['inputSchema'] : undefined;
  const mapping = isObject(schema) ? schema[declaredMappingKey] : undefined;
  if (mapping !== undefined) verifyMapping(mapping);
  return mapping;
}

const refusal = (code: 'action_unknown' | 'internal', message: string, detail?: string) => new FlyballError(code, message, detail === undefined ? {} : { detail });
