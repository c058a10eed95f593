import type { Explanation } from '../policy/index.js';
import { printable } from './print.js';

/** An explanation for reading: what came of it, why, on what, and what would have to differ. */
export function format(explanation: Explanation): string {
  const { outcome, kind, effect, policies, would_have_to_differ: differ } = explanation;
  const facts = (['at', 'identity', 'on_behalf_of', 'session', 'action', 'call', 'digest', 'bundle'] as const).flatMap((key) => (explanation[key] === undefined ? [] : [`  ${key.replaceAll('_', ' ').padEnd(13)} ${printable(explanation[key])}`]));
  const listed = policies.map((policy) => [`  ${policy.effect} ${policy.policy}: ${policy.result}${policy.place === undefined ? '' : ` (${policy.place})`}`, `    ${printable(policy.reason)}`, ...(policy.error === undefined ? [] : [`    ${printable(policy.error)}`])].join('\n'));
  return [
    `${outcome} (${kind})${effect === undefined ? '' : `, ${effect}`}`,
    ...facts,
    ...section('policies', listed),
    ...section('what would have to differ', differ.map((line) => `  ${printable(line)}`)),
    ...section('inputs', explanation.inputs === undefined ? [] : [JSON.stringify(explanation.inputs, null, 2).split('\n').map((line) => `  ${printable(line)}`).join('\n')]),
    ...section('error', explanation.error === undefined ? [] : [`  ${printable(JSON.stringify(explanation.error))}`]),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', title, ...lines]);
