import type { CandidateReport, Difference, Flip, VerifyReport } from '../policy/index.js';
import { printable, table } from './print.js';

type Ref = Flip['entry'];

const share = (part: number, of: number): string => (of === 0 ? '' : ` (${part === of ? '100' : (Math.floor((part / of) * 10_000) / 100).toFixed(2)} %)`);
const counted = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).map(([name, count]) => `${printable(name)} ${count}`).join(', ');
const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((total, count) => total + count, 0);
const when = (atMs: number): string => new Date(atMs).toISOString();
const refLine = ({ id, atMs, kind, action }: Ref): string => printable(`${id}  ${when(atMs)}  ${kind}${action === undefined ? '' : `  ${action}`}`);
const section = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]);
const more = ({ count, first }: { readonly count: number; readonly first: readonly unknown[] }): readonly string[] => (count > first.length ? [`… and ${count - first.length} more (--most)`] : []);
const refs = (title: string, list: { readonly count: number; readonly first: readonly Ref[] }): readonly string[] => section(title, list.count === 0 ? [] : [...list.first.map(refLine), ...more(list)]);
const rate = (decisions: number, tookMs: number): string => `${(tookMs / 1_000).toFixed(1)} s${tookMs > 1_000 ? `, ${Math.round(decisions / (tookMs / 1_000))} decisions/s` : ''}`;

/** The verification of a record, for reading. */
export function formatVerification(report: VerifyReport, tookMs: number): string {
  const { entries, decisions, same, different, near, erasedPast, opa } = report;
  const asked = same + different.count;
  return [
    `${same} of ${asked} decisions made again are the same${share(same, asked)}; ${different.count} differ`,
    `${entries} entries with ${decisions} decisions read in ${rate(decisions, tookMs)}`,
    ...left(report),
    ...(opa === 0 ? [] : [`${opa} decisions with a running OPA: its part is as it was recorded and cannot be asked again; the rest of each was made again`]),
    ...section('differences', [...different.first.flatMap(differenceLines), ...more(different)]),
    ...refs('the same; entries of the same moment in another session bear on what it saw', near),
    ...refs('the same; what its clauses looked back at was erased since', erasedPast),
    ...lists(report),
  ].join('\n');
}

function differenceLines({ entry, part, recorded, again }: Difference): readonly string[] {
  return [refLine(entry), `  ${part} as recorded: ${printable(JSON.stringify(recorded))}`, `  ${part} made again: ${printable(JSON.stringify(again))}`];
}

/** Why some decisions were not made again, a line for each reason. */
function left({ left: { undecided, beforePolicy, bundles, erased, tooLarge, strays }, gaps }: VerifyReport | CandidateReport): readonly string[] {
  return [
    ...(sum(undecided) === 0 ? [] : [`${sum(undecided)} refusals before any decision: ${counted(undecided)}`]),
    ...(sum(beforePolicy) === 0 ? [] : [`${sum(beforePolicy)} decisions before policy was asked, which the record alone cannot make again: ${counted(beforePolicy)}`]),
    ...(sum(bundles) === 0 ? [] : [`${sum(bundles)} decisions of bundles that are not in the record or cannot be compiled: ${counted(bundles)}`]),
    ...(erased.count === 0 ? [] : [`${erased.count} decisions whose inputs were erased: not made again`]),
    ...(tooLarge.count === 0 ? [] : [`${tooLarge.count} decisions whose inputs were too large to be recorded: not made again`]),
    ...(strays.count === 0 ? [] : [`${strays.count} decisions in sessions whose beginning is not in the record: not made again`]),
    ...(gaps === 0 ? [] : [`${gaps} entries follow on something that is not in the record`]),
  ];
}

const lists = ({ left: { erased, tooLarge, strays } }: VerifyReport | CandidateReport): readonly string[] => [...refs('erased', erased), ...refs('too large to be recorded', tooLarge), ...refs('without the beginning of their session', strays)];

/** A candidate's flips, for reading: the summary first. */
export function formatCandidate(report: CandidateReport, tookMs: number): string {
  const { candidate, entries, decisions, same, stricter, looser, other, byAction, byPolicy, flips, opa, mappedOtherwise, unreadable } = report;
  const rows = (named: Readonly<Record<string, object>>, head: string) => Object.entries(named).map(([name, counts]) => ({ [head]: name, ...counts }));
  return [
    `${flips.count} of ${same + flips.count} decisions flip: ${stricter} stricter, ${looser} looser, ${other} with the same outcome on other terms; ${same} stay the same`,
    `candidate ${candidate}`,
    `${entries} entries with ${decisions} decisions read in ${rate(decisions, tookMs)}`,
    'the past is taken as it was recorded: an earlier decision that would have flipped still happened',
    ...left(report),
    ...(opa === 0 ? [] : [`${opa} decisions with a running OPA: not made again, since nobody knows what it would say`]),
    ...(sum(mappedOtherwise) === 0 ? [] : [`${sum(mappedOtherwise)} decisions on resources as they were recorded, which the candidate would map otherwise: ${counted(mappedOtherwise)}`]),
    ...section('by action', table(rows(byAction, 'action'), ['action', 'same', 'stricter', 'looser', 'other']).split('\n')),
    ...(flips.count === 0 ? [] : section('by policy', table(rows(byPolicy, 'policy'), ['policy', 'stricter', 'looser', 'other']).split('\n'))),
    ...section('flips', [...flips.first.flatMap(flipLines), ...more(flips)]),
    ...section('inputs that cannot be made sense of', [...unreadable.first.map((ref) => `${refLine(ref)}  ${printable(ref.why)}`), ...more(unreadable)]),
    ...lists(report),
  ].join('\n');
}

function flipLines({ entry, direction, then, now, causes }: Flip): readonly string[] {
  const side = (title: string, { outcome, kind, policies }: Flip['then']) => [`  ${title}: ${outcome} (${kind})`, ...policies.flatMap(policyLines)];
  return [
    `${refLine(entry)}  ${direction}`,
    ...side('then', then),
    ...side('now', now),
    ...(causes.entries.length === 0 ? [] : ['  because of', ...causes.entries.map((cause) => `    ${refLine(cause)}  ${printable(cause.because)}`)]),
    ...(causes.more === 0 ? [] : [`    … and ${causes.more} more`]),
    '',
  ];
}

function policyLines({ policy, result, place, reason, because }: Flip['then']['policies'][number]): readonly string[] {
  return [`    ${printable(policy)}: ${result}${place === undefined ? '' : ` (${place})`}${reason === undefined || reason === policy ? '' : ` ${printable(reason)}`}`, ...because.map((line) => `      ${printable(line)}`)];
}
