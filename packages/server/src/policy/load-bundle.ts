import { digestOf, type Json } from '@flyball/protocol';
import { actionGroups, cedarSchema } from './cedar-schema.js';
import type { Bundle } from './bundle.js';
import { Catalogue, type CataloguedAction } from './catalogue.js';
import { CedarEngine, policySetOf } from './cedar-engine.js';
import { CedarMemory } from './cedar-memory.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import { attributesRead } from './evaluation-inputs.js';
import { bundleInvalid, type Fault } from './faults.js';
import { factsNeeded, FactUse } from './fact-use.js';
import { loadEvidence } from './evidence/load-evidence.js';
import { accessArguments, accessMethod, checkGrants, grantsOf } from './grants.js';
import { loadEntities } from './known-entities.js';
import { loadCatalogue, loadIdentities, loadPeople, loadTools } from './load-documents.js';
import { loadPolicies, type LoadedPolicy, validatePolicies } from './load-policies.js';
import { argumentsOf as argumentsLookedAt } from './looks-at.js';
import { TemporalClauses } from './temporal.js';
import { argumentsCompared, checkEvents } from './temporal-checks.js';
import { readBundleFiles } from './read-files.js';
import { loadRego } from './rego/load-rego.js';
import { type ArgumentType, argumentType } from './types.js';

/** Loads and checks a bundle directory. Throws `bundle_invalid` with every fault, its file and its line. */
export const loadBundle = (directory: string, memory?: CedarMemory): Bundle => compileBundle(readBundleFiles(directory), memory);

/** @param memory what is known of policies from before; a reload asks for what changed only */
export function compileBundle(files: Readonly<Record<string, string>>, memory = new CedarMemory()): Bundle {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const { actions, facts, types, grants, lineOfGrant } = loadCatalogue(files, faults);
  const entities = loadEntities(files, types, faults);
  const catalogue = new Catalogue(actions);
  const identities = loadIdentities(files, faults);
  const { people, emergencies } = loadPeople(files, faults);
  const evidence = loadEvidence(files, faults);
  const tools = loadTools(files, faults);
  const policies = loadPolicies(files, memory, faults);
  const argumentsOf = (action: CataloguedAction, upstream: string, name: string) => argumentsFor(action, upstream, name, tools);
  const groups = [...new Set(identities.flatMap((identity) => identity.groups))];
  const schema = cedarSchema({ actions: catalogue.actions, units: catalogue.units, groups, facts, types, argumentsOf: (action) => argumentsOf(action, action.match.upstream, action.match.name), temporal: policies.flatMap(({ temporal }) => temporal.map(({ name }) => name)) });
  validatePolicies(policies, schema, memory, faults, warnings);
  checkReferences(policies, { people, emergencies, facts, evidence, grants, lineOfGrant }, faults);
  checkAudiences(actions, people, faults);
  checkEvents(policies, new Map(catalogue.actions.map((action) => [action.name, argumentsOf(action, action.match.upstream, action.match.name)])), faults);
  const rego = loadRego(files, faults);
  if (policies.length === 0) warnings.push(`policies/: there is no ${rego ? 'Cedar policy, so Rego alone decides' : 'policy, so every action is denied unless a running OPA is configured'}`);
  if (faults.length > 0) throw bundleInvalid(faults);
  const groupsByAction = new Map(catalogue.actions.map((action) => [action.name, actionGroups(action)]));
  const policySet = policySetOf(policies);
  return {
    digest: digestOf(files),
    files,
    catalogue,
    identities,
    people,
    emergencies,
    policySet,
    temporal: new TemporalClauses(policies.flatMap(({ id, temporal }) => temporal.map((clause) => ({ ...clause, policy: id }))), entities),
    ...ofPolicies(policies, policySet, groupsByAction),
    actionGroups: groupsByAction,
    ...(rego && { rego }),
    approverGroups: groupsOf(people),
    facts: new Set(Object.keys(facts)),
    factTypes: facts,
    grants,
    grantUse: new FactUse(policySet, groupsByAction, new Map(policies.map(({ id, json }) => [id, grantsOf(json)])), rego === undefined ? [] : [...grants.keys()]),
    evidence,
    factUse: new FactUse(policySet, groupsByAction, new Map(policies.map((policy) => [policy.id, factsNeeded(policy)])), rego === undefined ? [] : Object.keys(facts)),
    warnings,
    tools,
    entityTypes: types,
    entities,
    argumentsOf,
  };
}

/** What is known of policies one by one. */
function ofPolicies(policies: readonly LoadedPolicy[], policySet: Bundle['policySet'], groupsByAction: ReadonlyMap<string, readonly string[]>): Pick<Bundle, 'engine' | 'rules' | 'looksAt' | 'sources' | 'policies' | 'attributesRead' | 'reach' | 'permits'> {
  return {
    engine: new CedarEngine(policySet, groupsByAction),
    rules: new Map(policies.map((policy) => [policy.id, policy.rule])),
    looksAt: new Map(policies.map((policy) => [policy.id, lookedAt(policy)])),
    sources: new Map(policies.map((policy) => [policy.id, policy.source])),
    policies: policies.map(({ id, text, json }) => ({ id, text, json })),
    attributesRead: new Map(policies.map(({ id, json }) => [id, attributesRead(json.conditions)])),
    reach: lazily(() => new CedarEngine(policySetOf(policies.flatMap(withoutConditions)), groupsByAction)),
    permits: lazily(() => policySetOf(policies.filter(({ rule }) => rule.effect === 'permit' && !rule.shadow))),
  };
}

/** Arguments that a policy looks at, those that it compares with earlier ones included. */
function lookedAt({ json, temporal }: LoadedPolicy): ReadonlySet<string> | 'all' {
  const now = argumentsLookedAt(json);
  return now === 'all' ? now : new Set([...now, ...temporal.flatMap(({ condition }) => argumentsCompared(condition))]);
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** The type of a call's arguments: of its own tool where it is pinned, else of the one tool that the entry names. */
function argumentsFor(action: CataloguedAction, upstream: string, name: string, tools: ReadonlyMap<string, ReadonlyMap<string, Json>>): ArgumentType | undefined {
  if (action.evaluation) return action.evaluation.arguments;
  if (action.match.method === accessMethod) return accessArguments;
  if (action.match.method !== 'tools/call') return undefined;
  const definition = upstream.includes('*') ? [...tools.values()].find((known) => known.has(name))?.get(name) : tools.get(upstream)?.get(name);
  const type = argumentType((definition as { inputSchema?: Json } | undefined)?.inputSchema);
  return type?.kind === 'record' ? type : undefined;
}

const groupsOf = (people: Bundle['people']): ReadonlySet<string> => new Set([...people.values()].flatMap((person) => person.groups));

function checkAudiences(actions: readonly CataloguedAction[], people: Bundle['people'], faults: Fault[]): void {
  const groups = groupsOf(people);
  for (const { name, recommendation } of actions) if (recommendation && !groups.has(recommendation.audience)) faults.push({ file: 'catalogue.yaml', message: `\`${name}\`: nobody in people.yaml is in the group \`${recommendation.audience}\`` });
}

type Known = Pick<Bundle, 'people' | 'emergencies' | 'evidence' | 'grants'> & { readonly facts: Readonly<Record<string, unknown>>; readonly lineOfGrant: (grant: string) => number };

function checkReferences(policies: readonly LoadedPolicy[], { people, emergencies, facts, evidence, grants, lineOfGrant }: Known, faults: Fault[]): void {
  checkGrants(policies, grants, people, lineOfGrant, faults);
  const groups = groupsOf(people);
  for (const { rule, source } of policies) {
    const at = { file: source.file, line: source.line };
    for (const { group } of rule.approvers) if (!groups.has(group)) faults.push({ ...at, message: `\`@approvers("${group}")\`: nobody in people.yaml is in this group` });
    for (const { group } of rule.escalation) if (!groups.has(group)) faults.push({ ...at, message: `\`@escalate("${group}")\`: nobody in people.yaml is in this group` });
    for (const group of rule.apart.flatMap((word) => (word.startsWith('group:') ? [word.slice('group:'.length)] : []))) if (!groups.has(group)) faults.push({ ...at, message: `\`@apart("group:${group}")\`: nobody in people.yaml is in this group` });
    for (const need of rule.needs) if (!Object.hasOwn(facts, need)) faults.push({ ...at, message: `\`@needs("${need}")\`: catalogue.yaml declares no such fact` });
    for (const kind of rule.evidence) if (!evidence.has(kind)) faults.push({ ...at, message: `\`@evidence("${kind}")\`: evidence.yaml declares no such kind, and none is built in` });
    if (rule.emergency !== undefined && !emergencies.has(rule.emergency)) faults.push({ ...at, message: `\`@emergency("${rule.emergency}")\`: people.yaml declares no such emergency` });
    if (rule.credential !== undefined) faults.push({ ...at, message: `\`@credential("${rule.credential}")\`: no target of this name is configured` });
  }
}

/** What is left of a policy when its conditions and its resource are taken away: an upper bound of a permit; a forbid only if it had neither. */
function withoutConditions({ rule, ...policy }: LoadedPolicy): readonly CompiledPolicy[] {
  if (rule.shadow) return [];
  if (rule.effect === 'permit') return [{ ...policy, json: { ...policy.json, resource: { op: 'All' }, conditions: [] } }];
  return policy.json.conditions.length === 0 && policy.json.resource.op === 'All' && rule.outcome === 'deny' ? [policy] : [];
}
