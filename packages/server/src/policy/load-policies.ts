import { type Json as CedarJson, lowerTemporal, safeText, type TemporalClause } from '@flyball/cedar';
import type { DetailedError, PolicyJson, SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { limits } from '../lib/limits.js';
import { readRule, type Rule } from './annotations.js';
import type { CedarMemory } from './cedar-memory.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import { type PolicySource, positionOf, splitPolicies, tooComplex } from './cedar-text.js';
import type { Fault } from './faults.js';

export interface LoadedPolicy extends CompiledPolicy {
  readonly rule: Rule;
  readonly source: PolicySource;
  /** Its clauses on what happened before; in its Cedar text each is a boolean of the context. */
  readonly temporal: readonly TemporalClause[];
  /** What the parser was given, and what it made of it. */
  readonly parsedText: string;
  readonly parsed: PolicyJson;
}

/** Parses every policy file of a bundle; what is wrong is added to `faults` with its file and line. */
export function loadPolicies(files: Readonly<Record<string, string>>, memory: CedarMemory, faults: Fault[]): readonly LoadedPolicy[] {
  const sources = Object.keys(files).filter((file) => file.startsWith('policies/')).flatMap((file) => splitPolicies(file, files[file] ?? ''));
  if (sources.length > limits.policiesMax) {
    faults.push({ file: 'policies/', message: `expected at most ${limits.policiesMax} policies, got ${sources.length}` });
    return [];
  }
  let clauses = 0;
  const loaded = sources.flatMap((source) => loadPolicy(source, () => `t${clauses++}`, memory, faults) ?? []);
  const byId = new Map<string, LoadedPolicy>();
  for (const policy of loaded) {
    const twin = byId.get(policy.id);
    if (twin) faults.push({ ...placeOf(policy.source), message: `\`@id("${policy.id}")\` is also at ${twin.source.file}:${twin.source.line}` });
    byId.set(policy.id, policy);
  }
  return [...byId.values()];
}

function loadPolicy(source: PolicySource, nameOfClause: () => string, memory: CedarMemory, faults: Fault[]): LoadedPolicy | undefined {
  const complex = tooComplex(source.text);
  if (complex !== undefined) {
    faults.push({ ...placeOf(source), message: `expected a simpler policy: ${complex}` });
    return undefined;
  }
  const lowered = lowerTemporal(source.text, nameOfClause, limits.temporalWindowMs);
  if (lowered.faults.length > 0) {
    faults.push(...lowered.faults.map(({ message, start }) => ({ file: source.file, ...positionOf(source, Buffer.byteLength(source.text.slice(0, start))), message })));
    return undefined;
  }
  const safe = safeText(lowered.text);
  const parsed = memory.parse(safe.text);
  if (!parsed) {
    faults.push({ ...placeOf(source), message: 'expected a simpler policy: the parser cannot take it' });
    return undefined;
  }
  if (parsed.type !== 'success') {
    faults.push(...parsed.errors.map((error) => toFault(source, error)));
    return undefined;
  }
  const wrong: string[] = [];
  const rule = readRule(parsed.json, wrong);
  if (usesUnknown(parsed.json)) wrong.push('`unknown()` has no value when a decision is made');
  faults.push(...wrong.map((message) => ({ ...placeOf(source), message })));
  if (wrong.length > 0) return undefined;
  const json = safe.restore(parsed.json as unknown as CedarJson);
  return { id: rule.id, text: lowered.text, json: json as unknown as PolicyJson, rule, source, temporal: lowered.clauses, parsedText: safe.text, parsed: parsed.json };
}

/** Validates policies strictly against the schema; an impossible guard is a fault too, for it guards nothing. */
export function validatePolicies(policies: readonly LoadedPolicy[], schema: SchemaJson<string>, memory: CedarMemory, faults: Fault[], warnings: string[]): void {
  if (policies.length === 0) return;
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  const answer = memory.validate(schema, policies);
  if (!answer) {
    faults.push({ file: 'policies/', message: 'expected simpler policies: the validator cannot take them' });
    return;
  }
  if (answer.type !== 'success') {
    faults.push(...answer.errors.map((error) => ({ file: 'catalogue.yaml', message: `the schema made from the catalogue is not valid: ${error.message}` })));
    return;
  }
  const place = (id: string, error: DetailedError) => {
    const policy = byId.get(id);
    return policy ? toFault(policy.source, error, `\`${id}\`: `) : { file: 'policies/', message: error.message };
  };
  const found = answer.validationErrors.map(({ policyId, error }) => place(policyId, error));
  for (const { policyId, error } of answer.validationWarnings) {
    const fault = place(policyId, error);
    if (byId.get(policyId)?.rule.effect === 'forbid' && error.message.includes('impossible')) found.push(fault);
    else warnings.push(`${fault.file}:${fault.line ?? 1}: ${fault.message}`);
  }
  if (found.length === 0 && faults.length === 0) memory.remember(schema, policies, answer);
  faults.push(...onePerPlace(found));
}

/** The validator says the same of a place once for every action that it could be about. */
function onePerPlace(found: readonly Fault[]): readonly Fault[] {
  const places = new Map<string, Fault[]>();
  for (const fault of found) {
    const place = JSON.stringify([fault.file, fault.line ?? 0, fault.column ?? 0]);
    places.set(place, [...(places.get(place) ?? []), fault]);
  }
  const faults = [...places.values()].flatMap((here) => {
    const messages = [...new Set(here.map(({ message }) => message))].sort();
    const [first] = here;
    return first ? [{ ...first, message: `${messages[0] ?? ''}${messages.length > 1 ? ` (and ${messages.length - 1} more of this place)` : ''}` }] : [];
  });
  return faults.sort((a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function toFault(source: PolicySource, error: DetailedError, prefix = ''): Fault {
  const start = error.sourceLocations?.[0]?.start;
  const place = start === undefined ? placeOf(source) : { file: source.file, ...positionOf(source, start) };
  const help = error.help ? ` (${error.help})` : '';
  return { ...place, message: `${prefix}${error.message}${help}` };
}

const placeOf = ({ file, line }: PolicySource) => ({ file, line });

/** The parser knows a function for partial evaluation that no complete request has a value for: a guard with it would never fire. */
function usesUnknown(json: PolicyJson): boolean {
  return JSON.stringify(json.conditions).includes('{"unknown":');
}
