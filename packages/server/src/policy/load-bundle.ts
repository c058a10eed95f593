import { digestOf, type Json } from '@flyball/protocol';
import { actionGroups, cedarSchema } from './cedar-schema.js';
import type { Bundle } from './bundle.js';
import { Catalogue, type CataloguedAction } from './catalogue.js';
import { CedarEngine, policySetOf } from './cedar-engine.js';
import { CedarMemory } from './cedar-memory.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import { bundleInvalid, type Fault } from './faults.js';
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
  const { actions, facts } = loadCatalogue(files, faults);
  const catalogue = new Catalogue(actions);
  const identities = loadIdentities(files, faults);
  const people = loadPeople(files, faults);
  const tools = loadTools(files, faults);
  const policies = loadPolicies(files, memory, faults);
  const argumentsOf = (action: CataloguedAction, upstream: string, name: string) => argumentsFor(action, upstream, name, tools);
  const groups = [...new Set(identities.flatMap((identity) => identity.groups))];
  const schema = cedarSchema({ actions: catalogue.actions, units: catalogue.units, groups, facts, argumentsOf: (action) => argumentsOf(action, action.match.upstream, action.match.name), temporal: policies.flatMap(({ temporal }) => temporal.map(({ name }) => name)) });
  validatePolicies(policies, schema, memory, faults, warnings);
  checkReferences(policies, people, facts, faults);
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
    rules: new Map(policies.map((policy) => [policy.id, policy.rule])),
    looksAt: new Map(policies.map((policy) => [policy.id, lookedAt(policy)])),
    sources: new Map(policies.map((policy) => [policy.id, policy.source])),
    policies: policies.map(({ id, text, json }) => ({ id, text, json })),
    policySet,
    temporal: new TemporalClauses(policies.flatMap(({ id, temporal }) => temporal.map((clause) => ({ ...clause, policy: id })))),
    engine: new CedarEngine(policySet, groupsByAction),
    reach: lazily(() => new CedarEngine(policySetOf(policies.flatMap(withoutConditions)), groupsByAction)),
    actionGroups: groupsByAction,
    ...(rego && { rego }),
    approverGroups: groupsOf(people),
    facts: new Set(Object.keys(facts)),
    warnings,
    tools,
    argumentsOf,
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
  if (action.match.method !== 'tools/call') return undefined;
  const definition = upstream.includes('*') ? [...tools.values()].find((known) => known.has(name))?.get(name) : tools.get(upstream)?.get(name);
  const type = argumentType((definition as { inputSchema?: Json } | undefined)?.inputSchema);
  return type?.kind === 'record' ? type : undefined;
}

const groupsOf = (people: Bundle['people']): ReadonlySet<string> => new Set([...people.values()].flatMap((person) => person.groups));

function checkReferences(policies: readonly LoadedPolicy[], people: Bundle['people'], facts: Readonly<Record<string, unknown>>, faults: Fault[]): void {
  const groups = groupsOf(people);
  for (const { rule, source } of policies) {
    const at = { file: source.file, line: source.line };
    if (rule.approvers !== '' && !groups.has(rule.approvers)) faults.push({ ...at, message: `\`@approvers("${rule.approvers}")\`: nobody in people.yaml is in this group` });
    for (const need of rule.needs) if (!Object.hasOwn(facts, need)) faults.push({ ...at, message: `\`@needs("${need}")\`: catalogue.yaml declares no such fact` });
    if (rule.credential !== undefined) faults.push({ ...at, message: `\`@credential("${rule.credential}")\`: no target of this name is configured` });
  }
}

/** What is left of a policy when its conditions and its resource are taken away: an upper bound of a permit; a forbid only if it had neither. */
function withoutConditions({ rule, ...policy }: LoadedPolicy): readonly CompiledPolicy[] {
  if (rule.shadow) return [];
  if (rule.effect === 'permit') return [{ ...policy, json: { ...policy.json, resource: { op: 'All' }, conditions: [] } }];
  return policy.json.conditions.length === 0 && policy.json.resource.op === 'All' && rule.outcome === 'deny' ? [policy] : [];
}
