import type { Escalation, StandingBounds } from '@flyball/protocol';
import { durationOf } from '../lib/duration.js';

/** What the annotations of a `step_up` say about who must agree, and how. */
export interface AskedOfPeople {
  /** Groups, each with how many of its people must agree. */
  readonly approvers: readonly { readonly group: string; readonly quorum: number }[];
  readonly evidence: readonly string[];
  readonly apart: readonly string[];
  readonly escalation: readonly Escalation[];
  readonly signed: boolean;
  readonly batch: boolean;
  readonly standing?: StandingBounds;
}

/** Annotations that only a `step_up` has. */
export const onStepUp = ['approvers', 'quorum', 'evidence', 'apart', 'escalate', 'signature', 'batch', 'standing'];

const quorumMost = 20;
const groupsMost = 10;
const stepsMost = 5;
const standingCountMost = 100_000;
const standingWithinMostMs = 90 * 24 * 60 * 60_000;

type Annotations = Readonly<Record<string, string | null>>;

/** Reads them; what is wrong is added to `faults`. */
export function readAskedOfPeople(given: Annotations, outcome: string, faults: string[]): AskedOfPeople {
  const approvers = readApprovers(given, faults);
  if ((outcome === 'step_up') !== approvers.length > 0) faults.push('expected `@approvers` with `@outcome("step_up")`, and only there');
  if (outcome !== 'step_up') for (const key of onStepUp) if (given[key] && key !== 'approvers') faults.push(`expected \`@${key}\` with \`@outcome("step_up")\`, and only there`);
  const standing = readStanding(given['standing'], faults);
  return {
    approvers,
    evidence: words(given['evidence']),
    apart: readApart(given['apart'], faults),
    escalation: readEscalation(given['escalate'], faults),
    signed: readWord(given['signature'], 'signature', 'webauthn', faults),
    batch: !readWord(given['batch'], 'batch', 'no', faults),
    ...(standing && { standing }),
  };
}

/** `finance` or `finance:2, security:1`; `@quorum` counts for groups that say no number. */
function readApprovers(given: Annotations, faults: string[]): AskedOfPeople['approvers'] {
  const common = Number(given['quorum'] ?? '1');
  if (!isQuorum(common)) faults.push(`expected \`@quorum\` from 1 to ${quorumMost}`);
  const parts = words(given['approvers']);
  const approvers = parts.map((part) => {
    const [, group = '', count] = /^([^:]+?)(?: *: *(\d{1,3}))?$/.exec(part) ?? [];
    const quorum = count === undefined ? common : Number(count);
    if (group === '' || !isQuorum(quorum)) faults.push(`expected \`@approvers\` as groups, each with how many of it must agree (1 to ${quorumMost}), such as "finance:2, security:1"; got \`${part.slice(0, 80)}\``);
    return { group, quorum };
  });
  if (approvers.length > groupsMost) faults.push(`expected at most ${groupsMost} groups in \`@approvers\``);
  if (new Set(approvers.map(({ group }) => group)).size < approvers.length) faults.push('expected each group of `@approvers` once');
  return approvers;
}

const isQuorum = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= quorumMost;

function readApart(text: string | null | undefined, faults: string[]): readonly string[] {
  const apart = words(text);
  const wrong = apart.find((word) => word !== 'owner' && word !== 'team' && !/^group:[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/.test(word));
  if (wrong !== undefined) faults.push(`expected \`@apart\` to name \`owner\`, \`team\` or \`group:NAME\`, got \`${wrong.slice(0, 80)}\``);
  return apart;
}

/** `30m:managers, 2h:directors`: later steps come later. */
function readEscalation(text: string | null | undefined, faults: string[]): readonly Escalation[] {
  const steps = words(text).map((part) => {
    const [, after = '', group = ''] = /^(\d{1,6}[smhd]) *: *(.+)$/.exec(part) ?? [];
    const afterMs = durationOf(after);
    if (afterMs === undefined || group === '') faults.push(`expected \`@escalate\` as times and groups, such as "30m:managers, 2h:directors"; got \`${part.slice(0, 80)}\``);
    return { afterMs: afterMs ?? 0, group };
  });
  if (steps.length > stepsMost) faults.push(`expected at most ${stepsMost} steps in \`@escalate\``);
  if (steps.some((step, index) => index > 0 && step.afterMs <= (steps[index - 1]?.afterMs ?? 0))) faults.push('expected each step of `@escalate` to come later than the one before');
  return steps;
}

/** `count=10, within=7d, sum=amount:1000, free=note|memo`. */
function readStanding(text: string | null | undefined, faults: string[]): StandingBounds | undefined {
  if (!text) return undefined;
  const parts = words(text);
  const terms = new Map(parts.map((part) => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()]));
  const count = Number(terms.get('count'));
  const withinMs = durationOf(terms.get('within') ?? '') ?? 0;
  const sum = terms.has('sum') ? /^([A-Za-z_][A-Za-z0-9_-]*):(\d{1,15}(?:\.\d{1,4})?)$/.exec(terms.get('sum') ?? '') : undefined;
  const known = terms.size === parts.length && [...terms.keys()].every((key) => key === 'count' || key === 'within' || key === 'sum' || key === 'free');
  const free = (terms.get('free') ?? '').split('|').filter((name) => name !== '');
  const isGood = known && Number.isInteger(count) && count >= 1 && count <= standingCountMost && withinMs >= 1_000 && withinMs <= standingWithinMostMs && sum !== null && sum?.[1] !== '__proto__';
  if (!isGood) faults.push(`expected \`@standing\` as "count=10, within=7d", with "sum=ARGUMENT:MOST" where one adds up and "free=ARGUMENT|ARGUMENT" for those that may differ; at most ${standingCountMost} and 90 days`);
  return { count, withinMs, ...(free.length > 0 && { free }), ...(sum && { sum: { argument: sum[1] ?? '', most: Number(sum[2]) } }) };
}

function readWord(text: string | null | undefined, name: string, word: string, faults: string[]): boolean {
  if (text && text !== word) faults.push(`expected \`@${name}\` to be "${word}"`);
  return text === word;
}

const words = (text: string | null | undefined): readonly string[] => (text ?? '').split(',').map((word) => word.trim()).filter((word) => word !== '');
