import { type ApprovalRule, canonicalText, type Decision, type FactRule, isObject, type Modification, type Outcome, outcomes, type PolicyVerdict, type ReasonKind } from '@flyball/protocol';
import { z } from 'zod';
import { limits } from '../../lib/limits.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import { redactable } from '../annotations.js';
import { durationOf } from '../../lib/duration.js';

/**
 * What the rule `data.flyball.decision` has to return, one of:
 *
 *     { "outcome": "allow",   "policies": [{ "id": "support-reads", "reason": "support may read" }] }
 *     { "outcome": "modify",  "policies": […], "modify": { "caps": { "limit": 100 }, "sets": { "dry_run": true }, "redact": ["pii"] } }
 *     { "outcome": "step_up", "policies": […], "approvals": [{ "approvers": "finance", "quorum": 2, "evidence": ["invoice"], "within": "4h" }] }
 *     { "outcome": "defer",   "policies": […], "facts": [{ "needs": ["change_window"], "within": "30m" }] }
 *     { "outcome": "deny",    "policies": […] }
 *
 * `policies` names at least one; `reason`, `quorum`, `evidence` and `within` may be left out; `modify` may also
 * come with `step_up` and `defer`. Whatever else comes back, or nothing, denies: a guard nobody can read stays shut.
 */
export function readRegoDecision(result: unknown, terms: RegoTerms, source: RegoSource): Decision {
  if (result === undefined) return brokenRego('expected the rule to be defined for this input: give it a default', terms, source);
  const read = readResult(result);
  if (typeof read === 'string') return brokenRego(read, terms, source);
  const missing = unknownName(read, terms);
  return missing === undefined ? toDecision(read, terms, source) : brokenRego(missing, terms, source);
}

/** Which engine said it; stands before every name that it gives, so that none passes for a Cedar policy's. */
export type RegoSource = 'rego' | 'opa';

/** What of a bundle a rule can speak of. */
export interface RegoTerms {
  readonly digest: string;
  /** Groups that somebody is in: nobody else could agree. */
  readonly approverGroups: ReadonlySet<string>;
  /** Facts that the catalogue declares: nothing else could arrive. */
  readonly facts: ReadonlySet<string>;
  /** Kinds of evidence that are declared or built in: no other could be verified. */
  readonly evidence: Pick<ReadonlyMap<string, unknown>, 'has'>;
  readonly actionGroups: ReadonlyMap<string, readonly string[]>;
}

const errorMost = 500;

/** The decision when there is no answer, or none that can be read. */
export function brokenRego(error: string, { digest }: Pick<RegoTerms, 'digest'>, source: RegoSource): Decision {
  const verdict: PolicyVerdict = { policy: `${source}/decision`, effect: 'forbid', result: 'error', reason: 'the Rego rule could not be evaluated', error: error.slice(0, errorMost) };
  return { outcome: 'deny', kind: 'guard_broken', verdicts: [verdict], approvals: [], facts: [], bundle: digest };
}

const within = z.string().regex(/^\d{1,6}[smhd]$/, 'expected a time such as "4h"').transform((text) => durationOf(text) ?? 0).pipe(z.number().min(1_000, 'expected at least 1s').max(30 * 86_400_000, 'expected at most 30d')).default(4 * 3_600_000);

const text = z.string().min(1).max(500);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, 'expected letters, digits and `. _ / -`');
const argument = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,127}$/, 'expected the name of an argument');
const policies = z.array(z.strictObject({ id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, 'expected lower-case letters, digits and `. _ -`'), reason: text.optional() })).min(1).max(50);
const approvals = z.array(z.strictObject({ approvers: name, quorum: z.number().int().min(1).max(20).default(1), evidence: z.array(text).max(20).default([]), within })).min(1).max(20);
const facts = z.array(z.strictObject({ needs: z.array(name).min(1).max(20), within })).min(1).max(20);
const modify = z
  .strictObject({ caps: z.record(argument, z.number().min(-1e15).max(1e15)).default({}), sets: z.record(argument, z.union([z.string().max(2_000), z.boolean()])).default({}), redact: z.array(z.enum(redactable as [string, ...string[]])).max(10).default([]) })
  .refine(({ caps, sets, redact }) => Object.keys(caps).length + Object.keys(sets).length + redact.length > 0, 'expected `caps`, `sets` or `redact` to say what is modified')
  .refine(({ caps, sets }) => !Object.keys(caps).some((key) => Object.hasOwn(sets, key)), 'expected each argument once');

const outcome = <T extends Outcome>(value: T) => ({ outcome: z.literal(value), policies });
const format = z.discriminatedUnion(
  'outcome',
  [
    z.strictObject(outcome('allow')),
    z.strictObject({ ...outcome('modify'), modify }),
    z.strictObject({ ...outcome('step_up'), approvals, modify: modify.optional() }),
    z.strictObject({ ...outcome('defer'), facts, modify: modify.optional() }),
    z.strictObject(outcome('deny')),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? `expected one of ${outcomes.join(', ')}` : undefined) },
);
type Result = z.infer<typeof format>;

/** The result in its one form, or what was expected instead. */
function readResult(result: unknown): Result | string {
  if (!isObject(result)) return 'expected an object with `outcome` and `policies`';
  try {
    // As bytes and back: what no second reader would read the same way, `__proto__` above all, is refused by the one strict reader.
    const checked = format.safeParse(parseStrictJson(new TextEncoder().encode(JSON.stringify(result)), limits.regoResultBytesMax));
    return checked.success ? checked.data : checked.error.issues.slice(0, 5).map(({ path, message }) => `${path.map(String).join('.') || 'result'}: ${message}`).join('; ');
  } catch (error) {
    return error instanceof Error ? error.message : 'expected JSON';
  }
}

function unknownName(result: Result, { approverGroups, facts: declared, evidence }: RegoTerms): string | undefined {
  if (result.outcome === 'step_up') {
    const empty = result.approvals.find(({ approvers }) => !approverGroups.has(approvers));
    const kind = result.approvals.flatMap((rule) => rule.evidence).find((each) => !evidence.has(each));
    if (kind !== undefined) return `approvals: evidence.yaml declares no evidence \`${kind}\`, and none is built in`;
    return empty && `approvals: nobody in people.yaml is in the group \`${empty.approvers}\``;
  }
  if (result.outcome !== 'defer') return undefined;
  const unknown = result.facts.flatMap(({ needs }) => needs).find((need) => !declared.has(need));
  return unknown === undefined ? undefined : `facts: catalogue.yaml declares no fact \`${unknown}\``;
}

const kinds: Readonly<Record<Outcome, ReasonKind>> = { allow: 'permitted', modify: 'permitted', step_up: 'needs_approval', defer: 'needs_facts', deny: 'forbidden' };

function toDecision(result: Result, { digest }: RegoTerms, source: RegoSource): Decision {
  const opens = result.outcome === 'allow' || result.outcome === 'modify';
  const verdicts = inOrder(result.policies.map(({ id, reason }): PolicyVerdict => ({ policy: `${source}/${id}`, effect: opens ? 'permit' : 'forbid', result: 'satisfied', reason: reason ?? id })));
  const asking = { policy: verdicts[0]?.policy ?? source, reason: verdicts[0]?.reason ?? source };
  const modification = 'modify' in result && result.modify ? toModification(result.modify) : undefined;
  return {
    outcome: result.outcome,
    kind: kinds[result.outcome],
    verdicts,
    approvals: result.outcome === 'step_up' ? inOrder(result.approvals.map((rule): ApprovalRule => ({ ...asking, approvers: rule.approvers, quorum: rule.quorum, evidence: rule.evidence, withinMs: rule.within }))) : [],
    facts: result.outcome === 'defer' ? inOrder(result.facts.map((rule): FactRule => ({ ...asking, needs: rule.needs, withinMs: rule.within }))) : [],
    ...(modification && { modification }),
    bundle: digest,
  };
}

/** Lists that a rule makes of sets come in another order from each of OPA's engines; a decision does not depend on it. */
function inOrder<T>(items: readonly T[]): readonly T[] {
  const keyed = items.map((item) => ({ item, key: canonicalText(item) }));
  return keyed.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)).map(({ item }) => item);
}

const toModification = ({ caps, sets, redact }: z.infer<typeof modify>): Modification => ({ caps, sets, redact: [...new Set(redact)].sort() });
