import { digestOf, type Json } from '@flyball/protocol';
import { actionGroups, cedarSchema } from './cedar-schema.js';
import type { Bundle } from './bundle.js';
import { Catalogue, type CataloguedAction } from './catalogue.js';
import { CedarEngine, policySetOf } from './cedar-engine.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import { bundleInvalid, type Fault } from './faults.js';
import { loadCatalogue, loadIdentities, loadPeople, loadTools } from './load-documents.js';
import { loadPolicies, type LoadedPolicy, validatePolicies } from './load-policies.js';
import { argumentsOf as argumentsLookedAt } from './looks-at.js';
import { readBundleFiles } from './read-files.js';
import { type ArgumentType, argumentType } from './types.js';

/** Loads and checks a bundle directory. Throws `bundle_invalid` with every fault, its file and its line. */
export const loadBundle = (directory: string): Bundle => compileBundle(readBundleFiles(directory));

export function compileBundle(files: Readonly<Record<string, string>>): Bundle {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const { actions, facts } = loadCatalogue(files, faults);
  const catalogue = new Catalogue(actions);
  const identities = loadIdentities(files, faults);
  const people = loadPeople(files, faults);
  const tools = loadTools(files, faults);
  const policies = loadPolicies(files, faults);
  const argumentsOf = (action: CataloguedAction, upstream: string, name: string) => argumentsFor(action, upstream, name, tools);
  const groups = [...new Set(identities.flatMap((identity) => identity.groups))];
  const schema = cedarSchema({ actions: catalogue.actions, units: catalogue.units, groups, facts, argumentsOf: (action) => argumentsOf(action, action.match.upstream, action.match.name) });
  validatePolicies(policies, schema, faults, warnings);
  checkReferences(policies, people, facts, faults);
  if (policies.length === 0) warnings.push('policies/: there is no policy, so every action is denied');
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
    looksAt: new Map(policies.map((policy) => [policy.id, argumentsLookedAt(policy.json)])),
    sources: new Map(policies.map((policy) => [policy.id, policy.source])),
    policies: policies.map(({ id, text, json }) => ({ id, text, json })),
    policySet,
    engine: new CedarEngine(policySet, groupsByAction),
    reach: lazily(() => new CedarEngine(policySetOf(policies.flatMap(withoutConditions)), groupsByAction)),
    actionGroups: groupsByAction,
    warnings,
    tools,
    argumentsOf,
  };
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

function checkReferences(policies: readonly LoadedPolicy[], people: Bundle['people'], facts: Readonly<Record<string, unknown>>, faults: Fault[]): void {
  const groups = new Set([...people.values()].flatMap((person) => person.groups));
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
