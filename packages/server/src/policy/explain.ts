import { canonicalText, type Entry, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { DecisionInputs } from '../action/states.js';
import type { Bundle } from './bundle.js';
import { clauseLines } from './clauses.js';
import { environmentsOf, whatWouldAllow } from './counterfactual.js';
import { type ExplainedFact, explainFacts } from './explain-facts.js';
import { grantsThatWouldOpen } from './would-open.js';

export interface ExplainedPolicy {
  readonly policy: string;
  readonly effect: string;
  readonly result: string;
  readonly reason: string;
  readonly place?: string;
  readonly text?: string;
  readonly error?: string;
  /** Which parts of it decided, and what they saw. */
  readonly because?: readonly string[];
}

/** One decision as an operator may see it: everything. The machine itself is told the kind of reason only. */
export interface Explanation {
  readonly id: string;
  readonly at: string;
  readonly outcome: string;
  readonly kind: string;
  readonly effect?: string;
  readonly identity?: string;
  readonly on_behalf_of?: string;
  readonly session?: string;
  readonly action?: string;
  readonly call: string;
  readonly digest?: string;
  readonly bundle?: string;
  readonly policies: readonly ExplainedPolicy[];
  /** Who agreed, or what stood in for it, one line each. */
  readonly agreed?: readonly string[];
  /** Facts that providers were asked for. */
  readonly facts?: readonly ExplainedFact[];
  readonly inputs?: Json;
  /** The arguments that ran, where they were made less than what was asked for. */
  readonly ran?: Json;
  /** How policy changed it: caps and fixed values of arguments, and what is taken out of results. */
  readonly modification?: Json;
  readonly error?: Json;
  /** What the target said of its failure. */
  readonly failure?: Json;
  /** What would have had to be otherwise for the attempt to go through. */
  readonly would_have_to_differ: readonly string[];
}

interface RecordedDecision {
  readonly outcome: string;
  readonly kind: string;
  readonly bundle: string;
  readonly policies: readonly { readonly policy: string; readonly effect: string; readonly result: string }[];
  readonly approvals: readonly { readonly approvers: string; readonly quorum: number; readonly policy: string }[];
  readonly facts: readonly { readonly needs: readonly string[]; readonly policy: string }[];
  readonly modification?: Json;
}

export interface ExplainSources {
  readonly entry: Entry;
  readonly settled: Entry | undefined;
  /** The name of the person it was for; the record itself has a reference only. */
  readonly person: string | undefined;
  readonly payload: JsonObject | undefined;
  /** Who agreed, or what stood in for it. */
  readonly agreed: readonly string[];
  /** What can be erased of what settled it. */
  readonly ending: JsonObject | undefined;
  /** The bundle that the decision was made with, if it is still known. */
  readonly bundle: Bundle | undefined;
}

/** Explains an intent, a hold or a refusal from the record alone. */
export function explain({ entry, settled, person, payload, agreed, ending, bundle }: ExplainSources): Explanation {
  const body = entry.body as JsonObject;
  const decision = isObject(body['decision']) ? (body['decision'] as unknown as RecordedDecision) : undefined;
  const inputs = isObject(payload?.['inputs']) ? (payload['inputs'] as unknown as DecisionInputs) : undefined;
  const policies = (decision?.policies ?? []).map((verdict) => explainPolicy(verdict, payload, bundle, inputs));
  const text = (key: string) => (typeof body[key] === 'string' ? { [key]: body[key] } : {});
  const effect = isObject(settled?.body) ? (settled.body['effect'] ?? settled.body['status']) : undefined;
  return {
    id: entry.id,
    at: new Date(entry.at).toISOString(),
    outcome: decision?.outcome ?? 'deny',
    kind: decision?.kind ?? errorCode(body),
    ...(typeof effect === 'string' && { effect }),
    ...text('identity'),
    ...(person !== undefined && { on_behalf_of: person }),
    ...text('session'),
    ...text('action'),
    call: [body['upstream'], body['method'], body['name'] ?? payload?.['target']].filter((part) => typeof part === 'string' && part !== '').join(' '),
    ...text('digest'),
    ...(decision && { bundle: decision.bundle }),
    policies,
    ...(agreed.length > 0 && { agreed }),
    ...(inputs?.facts && { facts: explainFacts(inputs) }),
    ...(payload && { inputs: { args: payload['args'] ?? null, resources: payload['resources'] ?? null, context: isObject(payload['inputs']) ? (payload['inputs']['context'] ?? null) : null } }),
    ...ranOf(payload),
    ...(decision?.modification !== undefined && { modification: decision.modification }),
    ...(isObject(body['error']) && { error: payload?.['error'] ?? body['error'] }),
    ...(isObject(ending?.['error']) && { failure: ending['error'] }),
    would_have_to_differ: wasAllowed(entry, settled) ? [] : differences(body, decision, policies, bundle && inputs ? () => [...openedBy(inputs, bundle), ...(bundle.rules.size > 0 ? whatWouldAllow(inputs, bundle) : [])] : () => []),
  };
}

/** What people agreed to waits for nothing any more. */
const wasAllowed = (entry: Entry, settled: Entry | undefined): boolean => entry.kind === 'intent' || (entry.kind === 'hold' && settled?.kind === 'intent');

function ranOf(payload: JsonObject | undefined): { readonly ran?: Json } {
  const ran = payload?.['effective_args'];
  return ran === undefined || canonicalText(ran) === canonicalText(payload?.['args'] ?? null) ? {} : { ran };
}

const openedBy = (inputs: DecisionInputs, bundle: Bundle): readonly string[] => grantsThatWouldOpen(inputs, bundle).map((name) => `the grant \`${name}\` would have opened it (\`flyball request ${name}\`)`);

const errorCode = (body: JsonObject): string => (isObject(body['error']) && typeof body['error']['code'] === 'string' ? body['error']['code'] : 'unknown');

function explainPolicy(verdict: RecordedDecision['policies'][number], payload: JsonObject | undefined, bundle: Bundle | undefined, inputs: DecisionInputs | undefined): ExplainedPolicy {
  if (isRego(verdict.policy)) return explainRego(verdict, payload);
  const rule = bundle?.rules.get(verdict.policy);
  const source = bundle?.sources.get(verdict.policy);
  const error = recorded(payload, 'broken', verdict.policy)?.error;
  return {
    ...verdict,
    reason: rule?.reason ?? verdict.policy,
    ...(source && { place: `${source.file}:${source.line}`, text: source.text }),
    ...(error !== undefined && { error }),
    ...(bundle && inputs && { because: environmentsOf(inputs, bundle).flatMap((environment) => clauseLines(bundle, verdict.policy, environment)) }),
  };
}

/** What a policy said that only the record knows. */
function recorded(payload: JsonObject | undefined, list: 'broken' | 'reasons', policy: string): { readonly error?: string; readonly reason?: string } | undefined {
  const items = Array.isArray(payload?.[list]) ? (payload[list] as unknown as { readonly policy: string; readonly error?: string; readonly reason?: string }[]) : [];
  return items.find((item) => item.policy === policy);
}

/** No name of a Cedar policy has a slash in it. */
const isRego = (policy: string): boolean => policy.includes('/');

function explainRego(verdict: RecordedDecision['policies'][number], payload: JsonObject | undefined): ExplainedPolicy {
  const error = recorded(payload, 'broken', verdict.policy)?.error;
  const place = verdict.policy.startsWith('opa/') ? 'a running OPA: recorded, not asked again' : 'rego/bundle.tar.gz';
  return { ...verdict, reason: recorded(payload, 'reasons', verdict.policy)?.reason ?? verdict.policy, place, ...(error !== undefined && { error }) };
}

function differences(body: JsonObject, decision: RecordedDecision | undefined, policies: readonly ExplainedPolicy[], found: () => readonly string[]): readonly string[] {
  if (!decision) return [`the attempt was refused before policy was asked: ${errorCode(body)}`];
  const named = (policy: ExplainedPolicy) => `\`${policy.policy}\`${policy.place === undefined ? '' : ` (${policy.place})`}`;
  switch (decision.kind) {
    case 'forbidden':
      return [...policies.filter((policy) => policy.effect === 'forbid' && policy.result === 'satisfied').map((policy) => `the condition of ${named(policy)} would have to be false: ${policy.reason}`), ...found()];
    case 'guard_broken':
      return [...policies.filter((policy) => policy.effect === 'forbid' && policy.result === 'error').map((policy) => `${named(policy)} would have to be answerable: ${policy.error ?? 'it could not be evaluated'}`), ...found()];
    case 'no_permit':
      return [`a permit for \`${String(body['action'])}\` would have to hold; none does for this identity, resource and context`, ...found()];
    case 'needs_approval':
    case 'needs_facts':
      return [
        ...decision.facts.map((rule) => `the facts ${rule.needs.map((need) => `\`${need}\``).join(', ')} would have to be there and to fulfil ${rule.policy}`),
        ...decision.approvals.map((rule) => `${rule.quorum} of the group \`${rule.approvers}\` would have to agree (${rule.policy})`),
      ];
    case 'needs_predecessor':
      return ['what it follows would have to be done first'];
    case 'predecessor':
      return ['what it follows would have to have been agreed to, and not be more than four deep'];
    case 'confidence':
      return ['the machine would have to be surer of what it recommends than the catalogue\'s threshold'];
    case 'capability':
      return [`the session would have to be for a task that includes \`${String(body['action'])}\``];
    case 'quarantined':
      return ['the tool would have to be as it was when it was agreed to, or its new definition accepted (`flyball tools accept`)'];
    default:
      return [];
  }
}
