import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isObject, type Json } from '@flyball/protocol';
import { z } from 'zod';
import { durationOf } from '../lib/duration.js';
import { limits } from '../lib/limits.js';
import type { Fault } from './faults.js';
import type { ArgumentType } from './types.js';

/** The method by which the catalogue knows requests for access. No upstream has this method: they end in this house. */
export const accessMethod = 'access/request';

/** What can be asked for: a name that policies look at in `context.grants`. */
export interface GrantTerms {
  readonly description: string;
  /** A person, or a group of people. */
  readonly owner: string;
  /** No grant is longer, whoever agrees to it. */
  readonly longestMs: number;
}

const text = z.string().min(1).max(2_000);
const longest = z.string().transform((written, context) => {
  const ms = durationOf(written) ?? 0;
  if (ms < 60_000 || ms > limits.grantMsMax) context.addIssue('expected a time from "1m" to "90d"');
  return ms;
});

/** The section `grants` of a catalogue. */
export const grantsDocument = z
  .record(z.string().regex(/^[a-z][a-z0-9._-]{0,127}$/, 'expected lower-case letters, digits and `. _ -`'), z.strictObject({ description: text, owner: text, longest }))
  .refine((grants) => Object.keys(grants).length <= limits.grantNamesMax, `expected at most ${limits.grantNamesMax} grants`);

/** What policies see of a request for access. How long is a number of minutes, so that a policy can cap it. */
export const accessArguments: ArgumentType = {
  kind: 'record',
  attributes: {
    minutes: { type: { kind: 'integer' }, required: true },
    why: { type: { kind: 'string' }, required: true },
    by_person: { type: { kind: 'boolean' }, required: true },
    until: { type: { kind: 'string' }, required: false },
    rollback: { type: { kind: 'string' }, required: false },
    enforcement_point: { type: { kind: 'string' }, required: false },
  },
};

/** An identity's grant that has not been ended, and when it ends by itself. */
export interface HeldGrant {
  readonly name: string;
  readonly untilMs: number;
}

/** Who knows which grants an identity holds. */
export interface GrantSource {
  /**
   * Those that count for an identity while it acts for this person. Of an identity in bad standing, none.
   *
   * @param now as the store has it now; without it, as this node knows it, which may be a second old
   */
  heldBy(identity: string, onBehalfOf: string | undefined, now: boolean): Promise<readonly HeldGrant[]>;
}

/** Names that count at a moment: a grant is over at its end, not after it. Two of one name are one name. */
export function activeGrants(held: readonly HeldGrant[], declared: ReadonlyMap<string, GrantTerms>, nowMs: number): readonly string[] {
  return [...new Set(held.filter(({ name, untilMs }) => untilMs > nowMs && declared.has(name)).map(({ name }) => name))].sort();
}

/** Grants that a policy looks at, by name, or all of them where it takes the set as a whole. */
export function grantsOf({ conditions }: Pick<PolicyJson, 'conditions'>): ReadonlySet<string> | 'all' {
  const { names, whole } = mentioned(conditions);
  return whole ? 'all' : new Set(names);
}

/** Grants that a policy names as text and that nobody declares. */
export const undeclaredIn = ({ conditions }: Pick<PolicyJson, 'conditions'>, declared: ReadonlyMap<string, unknown>): readonly string[] => [...new Set(mentioned(conditions).names)].filter((name) => !declared.has(name));

function mentioned(conditions: unknown): { readonly names: readonly string[]; readonly whole: boolean } {
  const names: string[] = [];
  let whole = false;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isObject(node)) return;
    if (isGrants(node) || node['Var'] === 'context') {
      whole = true;
      return;
    }
    for (const [operator, operand] of Object.entries(node)) {
      const { left, right } = isObject(operand) ? operand : {};
      const other = isGrants(left) ? right : isGrants(right) ? left : undefined;
      if (other !== undefined) {
        const named = textsIn(other);
        if (named) names.push(...named);
        else whole = true;
      } else if ((operator === '.' || operator === 'has') && isObject(left) && left['Var'] === 'context') continue;
      else visit(operand);
    }
  };
  visit(conditions);
  return { names, whole };
}

/** `context.grants`, in Cedar's JSON format. */
function isGrants(node: unknown): boolean {
  const read = isObject(node) ? node['.'] : undefined;
  return isObject(read) && read['attr'] === 'grants' && isObject(read['left']) && read['left']['Var'] === 'context';
}

/** A text, or the texts of a set; nothing for what is only known when it is evaluated. */
function textsIn(node: Json): readonly string[] | undefined {
  if (!isObject(node)) return undefined;
  if (typeof node['Value'] === 'string') return [node['Value']];
  const items = node['Set'];
  if (!Array.isArray(items)) return undefined;
  const texts = (items as readonly Json[]).map((item) => textsIn(item)?.[0]);
  return texts.every((each) => each !== undefined) ? texts : undefined;
}

interface Naming {
  readonly json: PolicyJson;
  readonly source: { readonly file: string; readonly line: number };
}

/** A policy that names a grant which nobody declares would never be fulfilled, or never guard anything. */
export function checkGrants(policies: readonly Naming[], grants: ReadonlyMap<string, GrantTerms>, people: ReadonlyMap<string, { readonly groups: readonly string[] }>, lineOf: (grant: string) => number, faults: Fault[]): void {
  for (const { json, source } of policies)
    for (const name of undeclaredIn(json, grants)) faults.push({ file: source.file, line: source.line, message: `\`context.grants\`: catalogue.yaml declares no grant \`${name}\`` });
  const owners = new Set([...people].flatMap(([id, { groups }]) => [id, ...groups]));
  for (const [name, { owner }] of grants) if (!owners.has(owner)) faults.push({ file: 'catalogue.yaml', line: lineOf(name), message: `the grant \`${name}\`: its owner \`${owner}\` is nobody in people.yaml, and no group of theirs` });
}
