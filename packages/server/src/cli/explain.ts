import { isObject } from '@flyball/protocol';
import type { Explanation } from '../policy/index.js';
import { printable } from './print.js';

/** An explanation for reading: what came of it, why, on what, and what would have to differ. */
export function format(explanation: Explanation): string {
  const { outcome, kind, effect, policies, would_have_to_differ: differ } = explanation;
  const facts = (['at', 'identity', 'on_behalf_of', 'session', 'action', 'call', 'digest', 'bundle'] as const).flatMap((key) => (explanation[key] === undefined ? [] : [`  ${key.replaceAll('_', ' ').padEnd(13)} ${printable(explanation[key])}`]));
  const listed = policies.map((policy) => [`  ${policy.effect} ${policy.policy}: ${policy.result}${policy.place === undefined ? '' : ` (${policy.place})`}`, `    ${printable(policy.reason)}`, ...(policy.error === undefined ? [] : [`    ${printable(policy.error)}`]), ...(policy.because ?? []).map((line) => `      ${printable(line)}`)].join('\n'));
  return [
    `${outcome} (${kind})${effect === undefined ? '' : `, ${effect}`}`,
    ...facts,
    ...section('policies', listed),
    ...section('agreed', (explanation.agreed ?? []).map((line) => `  ${printable(line)}`)),
    ...section('what would have to differ', differ.map((line) => `  ${printable(line)}`)),
    ...section('facts', (explanation.facts ?? []).map(factLine)),
    ...section('asked for', inputLines(explanation.inputs)),
    ...section('changed by policy', explanation.modification === undefined ? [] : [`  ${printable(JSON.stringify(explanation.modification))}`]),
    ...section('what ran', explanation.ran === undefined ? [] : [`  ${'args'.padEnd(13)} ${printable(JSON.stringify(explanation.ran))}`]),
    ...section('error', explanation.error === undefined || policies.length > 0 ? [] : [`  ${printable(JSON.stringify(explanation.error))}`]),
    ...section('failure', explanation.failure === undefined ? [] : [`  ${printable(JSON.stringify(explanation.failure))}`]),
    ...(explanation.inputs === undefined ? [] : ['', 'everything that the policies saw: --json']),
  ].join('\n');
}

/** What a fact said or why it was missing, who said so, and how long before. */
function factLine({ fact, value, missing, sources, fresh_for_ms: freshMs }: NonNullable<Explanation['facts']>[number]): string {
  const said = missing === undefined ? JSON.stringify(value) : `missing: ${missing}`;
  const from = sources.map(({ source, age_ms: ageMs }) => `${source}, ${(ageMs / 1_000).toFixed(1)} s before`).join('; ');
  return `  ${fact.padEnd(13)} ${printable(said)} (${printable(from)}; counts for ${freshMs / 1_000} s)`;
}

/** Arguments and resources; the whole context is for machines to read. */
function inputLines(inputs: Explanation['inputs']): readonly string[] {
  if (!isObject(inputs)) return [];
  return ['args', 'resources'].map((key) => `  ${key.padEnd(13)} ${printable(JSON.stringify(inputs[key] ?? null))}`);
}

const section = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', title, ...lines]);
