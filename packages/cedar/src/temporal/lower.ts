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

/** A policy with so many faults is not read on. */
const faultsMax = 100;

/** A piece of Cedar's text: space and comments, strings, words and marks. Everything is some piece. */
const piece = /(?<space>\s+|\/\/[^\n\r]*)|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|::|[^]/sy;
/** Behind these the word `temporal` is a name of Cedar's. */
const beforeNames = new Set(['.', '::', 'has', 'is', 'like']);

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
    if (faults.length >= faultsMax) break;
    if (close === undefined) {
      faults.push(wrongAt(open, 'expected `}` at the end of this `temporal` block'));
      break;
    }
    const name = nameOf(clauses.length);
    const body = policy.slice(open + 1, close);
    const attribute = `context.temporal${/^[a-z]\w*$/.test(name) ? `.${name}` : `[${quoted(name)}]`}`;
    const lowered = padded(isClause ? `{${attribute}}` : attribute, policy.slice(from, close + 1));
    const touches = /\w/.test(lowered.slice(-1)) && /\w/.test(policy.charAt(close + 1));
    text += policy.slice(done, from) + lowered + (touches ? ' ' : '');
    done = close + 1;
    try {
      const condition = parseTemporal(body);
      for (const fault of faultsOf(condition, mostMs)) faults.push(wrongAt(fault.start + open + 1, fault.message));
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
  /** Missing where nothing closes it. */
  readonly close: number | undefined;
  /** Whether it is the whole of a `when` or `unless`. */
  readonly isClause: boolean;
}

function* blocksOf(policy: string): Generator<Block> {
  let before = '';
  /** The word `temporal`, while nothing but space has come behind it. */
  let word: Pick<Block, 'from' | 'isClause'> | undefined;
  let block: Omit<Block, 'close'> | undefined;
  let depth = 0;
  for (const { text, start } of piecesOf(policy)) {
    if (block) {
      if (text === '{') depth++;
      if (text !== '}' || --depth > 0) continue;
      yield { ...block, close: start };
      block = undefined;
    } else if (word && text === '{') {
      block = { ...word, open: start };
      depth = 1;
    }
    word = text === 'temporal' && !beforeNames.has(before) ? { from: start, isClause: before === 'when' || before === 'unless' } : undefined;
    before = text;
  }
  if (block) yield { ...block, close: undefined };
}

/** The pieces of a text that are not space, up to a string without an end: Cedar says what is wrong with that. */
function* piecesOf(policy: string): Generator<{ readonly text: string; readonly start: number }> {
  for (let start = 0; start < policy.length; ) {
    piece.lastIndex = start;
    const found = piece.exec(policy);
    if (!found || found[0] === '"') return;
    if (found.groups?.['space'] === undefined) yield { text: found[0], start };
    start += found[0].length;
  }
}

/** A replacement that is as long and has as many lines as what it replaces, where it fits. */
function padded(replacement: string, original: string): string {
  const lines = original.split('\n');
  const [first = '', ...others] = lines;
  return [replacement.padEnd(first.length), ...others.map((line) => ' '.repeat(line.length))].join('\n');
}
