import { quoted } from '../values/quote.js';
import type { Condition } from './condition.js';
import { faultsOf } from './acceptance.js';
import { parseTemporal } from './parse.js';
import { TemporalError, wrongAt } from './tokens.js';

/** One temporal clause of a policy, and the attribute of the context that stands for it in the Cedar text. */
export interface TemporalClause {
  /** Name within `context.temporal`. */
  readonly name: string;
  readonly text: string;
  /** Where the condition begins in the policy's text, in UTF-16 code units. */
  readonly start: number;
  readonly condition: Condition;
}

export interface Lowered {
  /** Cedar: every clause has become a boolean of the context. */
  readonly text: string;
  readonly clauses: readonly TemporalClause[];
  readonly faults: readonly TemporalError[];
}

/** The longest window that a clause may look back, unless a host says otherwise. */
export const windowMaxMs = 24 * 3_600_000;

const opaque = /"(?:[^"\\]|\\.)*"|\/\/[^\n\r]*/sy;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;

/**
 * Takes the `temporal { … }` blocks out of one policy, behind `when` or `unless` or anywhere in a condition,
 * and puts `context.temporal` in their places: plain Cedar with a boolean for each. Lines stay where they are,
 * and columns wherever there is room.
 * @param nameOf the name of the policy's n-th clause: the same in no other policy of a set
 */
export function lowerTemporal(policy: string, nameOf: (ordinal: number) => string, mostMs = windowMaxMs): Lowered {
  const clauses: TemporalClause[] = [];
  const faults: TemporalError[] = [];
  let text = '';
  let done = 0;
  for (const { from, open, close, isClause } of blocksOf(policy)) {
    const name = nameOf(clauses.length);
    const body = policy.slice(open + 1, close);
    const attribute = `context.temporal${/^[a-z]\w*$/.test(name) ? `.${name}` : `[${quoted(name)}]`}`;
    text += policy.slice(done, from) + padded(isClause ? `{${attribute}}` : attribute, policy.slice(from, close + 1));
    done = close + 1;
    try {
      const condition = parseTemporal(body);
      faults.push(...faultsOf(condition, mostMs).map((fault) => wrongAt(fault.start + open + 1, fault.message)));
      clauses.push({ name, text: body.trim(), start: open + 1, condition });
    } catch (error) {
      if (!(error instanceof TemporalError)) throw error;
      faults.push(wrongAt(error.start + open + 1, error.message));
    }
  }
  return { text: text + policy.slice(done), clauses, faults };
}

interface Block {
  /** The word `temporal`. */
  readonly from: number;
  readonly open: number;
  readonly close: number;
  /** Whether it is the whole of a `when` or `unless`. */
  readonly isClause: boolean;
}

function* blocksOf(policy: string): Generator<Block> {
  let before = '';
  for (let at = 0; at < policy.length; ) {
    const skipped = matchAt(opaque, policy, at);
    if (skipped !== undefined) {
      if (skipped.startsWith('"')) before = skipped;
      at += skipped.length;
      continue;
    }
    const name = matchAt(word, policy, at);
    if (name === 'temporal') {
      const open = policy.slice(at).search(/(?<=^temporal\s*)\{/) + at;
      if (open >= at) {
        const close = closingOf(policy, open);
        yield { from: at, open, close, isClause: before === 'when' || before === 'unless' };
        at = close + 1;
        before = '}';
        continue;
      }
    }
    const next = name ?? policy.charAt(at);
    if (next.trim() !== '') before = next;
    at += next.length;
  }
}

/** The bracket that closes a block; its end where none does, for the parser to complain about. */
function closingOf(policy: string, open: number): number {
  let depth = 0;
  for (let at = open; at < policy.length; at++) {
    const skipped = matchAt(opaque, policy, at);
    if (skipped !== undefined) at += skipped.length - 1;
    else if (policy.charAt(at) === '{') depth++;
    else if (policy.charAt(at) === '}' && --depth === 0) return at;
  }
  return policy.length - 1;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** A replacement that is as long and has as many lines as what it replaces, where it fits. */
function padded(replacement: string, original: string): string {
  const lines = original.split('\n');
  const [first = '', ...others] = lines;
  return [replacement.padEnd(first.length), ...others.map((line) => ' '.repeat(line.length))].join('\n');
}
