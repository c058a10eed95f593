import { digestOf, type Identity, type Json, type JsonObject, tiers } from '@flyball/protocol';
import { z } from 'zod';
import { comparable } from '../lib/names.js';
import { parseYaml } from '../lib/yaml-file.js';
import type { EmergencyTerms, PersonRecord } from './bundle.js';
import { type CataloguedAction, owed } from './catalogue.js';
import { catalogueDocument, type CatalogueDocument, identitiesDocument, peopleDocument, toolsDocument } from './documents.js';
import { actionGroups } from './cedar-schema.js';
import type { EntityTypes } from './entity-types.js';
import type { Fault } from './faults.js';
import type { GrantTerms } from './grants.js';
import { verifyMapping } from './mapping.js';
import { checkEvaluation, checkTypes, toEvaluation } from './load-evaluations.js';
import { protocolActions } from './protocol-actions.js';

type Files = Readonly<Record<string, string>>;

export function loadCatalogue(files: Files, faults: Fault[]): { readonly actions: readonly CataloguedAction[]; readonly facts: CatalogueDocument['facts']; readonly types: EntityTypes; readonly grants: ReadonlyMap<string, GrantTerms>; readonly lineOfGrant: (grant: string) => number } {
  const file = 'catalogue.yaml';
  const parsed = parseYaml(files[file] ?? 'actions: []', catalogueDocument);
  if ('faults' in parsed) {
    faults.push(...parsed.faults.map((fault) => ({ file, ...fault })));
    return { actions: [], facts: {}, types: new Map(), grants: new Map(), lineOfGrant: () => 1 };
  }
  const { actions, facts, entities, grants: declared } = parsed.value;
  const types: EntityTypes = new Map(Object.entries(entities));
  checkTypes(types, { file, line: parsed.lineOf(['entities']) }, faults);
  const seen = new Set<string>();
  const derived = actions.flatMap((action) => actionGroups({ ...toAction(action), groups: [] }));
  const groups = new Set([...derived, ...protocolActions.flatMap(actionGroups), ...tiers].map((group) => group.toLowerCase()));
  actions.forEach((action, index) => {
    const at = { file, line: parsed.lineOf(['actions', index]) };
    if (seen.has(action.name.toLowerCase())) faults.push({ ...at, message: `the action \`${action.name}\` is there twice` });
    seen.add(action.name.toLowerCase());
    const debts = owed(action);
    if (debts.length > 0) faults.push({ ...at, message: `\`${action.name}\` cannot be automatic: expected ${debts.join(', ')}` });
    if (isTaken(action.name, groups)) faults.push({ ...at, message: `\`${action.name}\` has the name of an action and of a group, or of a built-in action in other letters` });
    const clash = action.groups.find((group) => actions.some((other) => other.name.toLowerCase() === group.toLowerCase()));
    if (clash !== undefined) faults.push({ ...at, message: `the group \`${clash}\` has the name of an action` });
    checkMapping(action, at, faults);
    checkConfidence(action, at, faults);
    checkEvaluation(action, types, at, faults);
  });
  const grants = new Map(Object.entries(declared).map(([name, { longest, ...terms }]) => [name, { ...terms, longestMs: longest }]));
  return { actions: actions.map(toAction), facts, types, grants, lineOfGrant: (grant) => parsed.lineOf(['grants', grant]) };
}

/** Names that policies would take for another action's or a group's. A built-in action's own name is allowed: the entry replaces it. */
function isTaken(name: string, groups: ReadonlySet<string>): boolean {
  const builtIn = protocolActions.some((action) => action.name !== name && action.name.toLowerCase() === name.toLowerCase());
  return builtIn || groups.has(name.toLowerCase());
}

/** A recommendation has thresholds and an audience; nothing else has. */
function checkConfidence({ name, tier, confidence }: CatalogueDocument['actions'][number], at: { readonly file: string; readonly line: number }, faults: Fault[]): void {
  if ((tier === 'recommend') !== (confidence !== undefined)) faults.push({ ...at, message: `\`${name}\`: expected \`confidence\` with \`tier: recommend\`, and only there` });
  else if (confidence && confidence.ask > confidence.present) faults.push({ ...at, message: `\`${name}\`: expected \`confidence.ask\` to be at most \`confidence.present\`` });
}

function checkMapping({ mapping, name }: CatalogueDocument['actions'][number], at: { readonly file: string; readonly line: number }, faults: Fault[]): void {
  if (mapping === undefined) return;
  try {
    verifyMapping(mapping as Json);
  } catch (error) {
    faults.push({ ...at, message: `\`${name}\`: ${error instanceof Error ? error.message : 'the mapping cannot be used'}` });
  }
}

function toAction({ owner, expires, revocation, reason, mapping, applies_to: appliesTo, arguments: args, context, after, confidence, ...rest }: CatalogueDocument['actions'][number]): CataloguedAction {
  return {
    ...rest,
    ...(owner !== undefined && { owner }),
    ...(expires !== undefined && { expires }),
    ...(revocation !== undefined && { revocation }),
    ...(reason !== undefined && { reason }),
    ...(mapping !== undefined && { mapping }),
    ...(appliesTo !== undefined && { evaluation: toEvaluation(appliesTo, args, context) }),
    ...(after !== undefined && { after }),
    ...(confidence && { recommendation: { present: confidence.present, ask: confidence.ask, audience: confidence.audience, ...(confidence.within !== undefined && { withinMs: confidence.within }) } }),
  };
}

export function loadIdentities(files: Files, faults: Fault[]): readonly Identity[] {
  const file = 'identities.yaml';
  const parsed = parseYaml(files[file] ?? 'identities: []', identitiesDocument);
  if ('faults' in parsed) {
    faults.push(...parsed.faults.map((fault) => ({ file, ...fault })));
    return [];
  }
  const { identities } = parsed.value;
  const taken = new Map<string, string>();
  identities.forEach(({ id, subjects }, index) => {
    for (const name of [id, ...subjects]) {
      if (taken.has(name)) faults.push({ file, line: parsed.lineOf(['identities', index]), message: `\`${name}\` names both \`${taken.get(name) ?? ''}\` and \`${id}\`` });
      taken.set(name, id);
    }
  });
  return identities.map(({ expires, ...rest }) => ({ ...rest, ...(expires !== undefined && { expiresAtMs: Date.parse(expires) }) }));
}

export interface LoadedPeople {
  readonly people: ReadonlyMap<string, PersonRecord>;
  readonly emergencies: ReadonlyMap<string, EmergencyTerms>;
}

export function loadPeople(files: Files, faults: Fault[]): LoadedPeople {
  const file = 'people.yaml';
  const parsed = parseYaml(files[file] ?? 'people: []', peopleDocument);
  if ('faults' in parsed) {
    faults.push(...parsed.faults.map((fault) => ({ file, ...fault })));
    return { people: new Map(), emergencies: new Map() };
  }
  const { people, emergencies } = parsed.value;
  const taken = new Map<string, string>();
  people.forEach(({ id, also }, index) => {
    for (const each of new Set([id, ...also].map(comparable))) {
      if (taken.has(each)) faults.push({ file, line: parsed.lineOf(['people', index]), message: `\`${each}\` names both \`${taken.get(each) ?? ''}\` and \`${id}\`: one name is one person's` });
      taken.set(each, id);
    }
  });
  const groups = new Set(people.flatMap((person) => person.groups));
  emergencies.forEach(({ name, groups: declaring, reviewers }, index) => {
    const line = parsed.lineOf(['emergencies', index]);
    if (emergencies.findIndex((other) => other.name === name) < index) faults.push({ file, line, message: `the emergency \`${name}\` is there twice` });
    for (const group of [...declaring, reviewers]) if (!groups.has(group)) faults.push({ file, line, message: `the emergency \`${name}\`: nobody is in the group \`${group}\`` });
  });
  return {
    people: new Map(people.map(({ id, peer_review: peerReview, ...person }) => [id, { ...person, peerReview }])),
    emergencies: new Map(emergencies.map(({ name, longest, ...terms }) => [name, { ...terms, longestMs: longest }])),
  };
}

/** Pinned tool definitions, by upstream: the file's name. */
export function loadTools(files: Files, faults: Fault[]): ReadonlyMap<string, ReadonlyMap<string, JsonObject>> {
  const upstreams = Object.keys(files).filter((file) => file.startsWith('tools/'));
  return new Map(upstreams.map((file) => [file.slice('tools/'.length, -'.json'.length), loadToolFile(file, files[file] ?? '', faults)]));
}

function loadToolFile(file: string, text: string, faults: Fault[]): ReadonlyMap<string, JsonObject> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    faults.push({ file, message: `expected JSON (${error instanceof Error ? error.message : ''})` });
    return new Map();
  }
  const checked = toolsDocument.safeParse(document);
  if (!checked.success) {
    faults.push({ file, message: z.prettifyError(checked.error).split('\n')[0] ?? 'expected pinned tools' });
    return new Map();
  }
  const { tools } = checked.data;
  const twin = tools.find((tool, index) => tools.findIndex((other) => other.name === tool.name) < index);
  if (twin) faults.push({ file, message: `the tool \`${twin.name}\` is there twice` });
  return new Map(tools.map((tool) => [tool.name, tool as JsonObject]));
}

/** What pins a tool: everything its server says about it. */
export const toolDigest = (definition: Json): string => digestOf(definition);
