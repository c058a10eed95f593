import { createHash } from 'node:crypto';
import { canonicalText } from '@flyball/protocol';
import { limits } from '../lib/limits.js';
import { visible, visibleJson } from '../lib/visible.js';
import type { Question } from './question.js';

/** What a person sees before they answer: the whole question, in one way, with nothing that hides or looks like something else. */
export interface Preview {
  readonly text: string;
  /** SHA-256 of the text; the answer carries it, so that the record says what was seen. */
  readonly digest: string;
  /** The text was too long to be shown whole, so the question cannot be agreed to. */
  readonly shortened: boolean;
}

export interface PreviewNames {
  /** Name of the person that it is for. */
  readonly onBehalfOf: string | undefined;
}

export function previewOf({ entry, body, asked }: Question, { onBehalfOf }: PreviewNames): Preview {
  const { decision } = body;
  const lines: readonly (readonly [name: string, value: unknown])[] = [
    ['action', body.action],
    ['asked by', body.identity],
    ...(onBehalfOf === undefined ? [] : [['on behalf of', onBehalfOf] as const]),
    ...(body.chain.length > 0 ? [['through', body.chain.join(', ')] as const] : []),
    ['upstream', body.upstream],
    ['target', asked ? asked.target : '(erased)'],
    ['arguments', asked ? asked.args : '(erased)'],
    // Of an enforcement point's question the resource and what is said about it are the question.
    ...(asked?.about ? [['resource', asked.resources] as const, ['about', asked.about] as const] : []),
    ...(decision.modification ? [['changed to', decision.modification] as const] : []),
    ...[...new Set([...decision.approvals, ...decision.facts].map(({ reason }) => reason))].map((reason) => ['because', reason] as const),
    ['asked at', new Date(entry.at).toISOString()],
    ['until', new Date(entry.deadline ?? entry.at).toISOString()],
    ['digest', body.digest],
  ];
  const whole = lines.map(([name, value]) => `${name}: ${typeof value === 'string' ? visible(value) : visibleJson(canonicalText(value))}`).join('\n');
  const shortened = Buffer.byteLength(whole) > limits.previewBytesMax || !asked;
  const text = shortened && asked ? `${whole.slice(0, limits.previewBytesMax / 4)}\n(${Buffer.byteLength(whole)} bytes in all: too much to be seen, so it cannot be agreed to)` : whole;
  return { text, digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, shortened };
}
