import { EvaluationError } from '../errors.js';
import { type Compiled, type Environment, isTrue } from './compiled.js';
import { compiledOf, innerOf, single } from './compile.js';
import { printExpression } from './print.js';
import { type Json, type JsonObject } from '../values/json.js';
import type { Value } from '../values/value.js';

/** What an expression came to: a truth, or why it has none. */
export type Truth = boolean | EvaluationError;

/** A condition as a tree of `&&`, `||` and `!` over parts that are asked as one. */
export type Part =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly [Part, Part] }
  | { readonly kind: 'not'; readonly part: Part }
  | { readonly kind: 'leaf'; readonly text: string; readonly run: Compiled; readonly looksAt: readonly Looked[] };

/** A variable, or an attribute of one, that a part looks at. */
interface Looked {
  readonly path: string;
  readonly run: Compiled;
}

export function partsOf(json: Json): Part {
  const [operator, operand] = single(json);
  const side = (name: string) => partsOf((operand as JsonObject)[name] ?? null);
  if (operator === '&&' || operator === '||') return { kind: operator === '&&' ? 'all' : 'any', parts: [side('left'), side('right')] };
  if (operator === '!') return { kind: 'not', part: side('arg') };
  return { kind: 'leaf', text: printExpression(json), run: compiledOf(json), looksAt: lookedAt(json) };
}

/** The longest paths in an expression, each once. */
function lookedAt(json: Json): readonly Looked[] {
  const found = new Map<string, Compiled>();
  const visit = (node: Json): void => {
    const compiled = compiledOf(node);
    if (compiled.path !== undefined) found.set(compiled.path, compiled);
    else innerOf(node).forEach(visit);
  };
  visit(json);
  return [...found].map(([path, run]) => ({ path, run }));
}

export interface Seen {
  readonly path: string;
  readonly value: Value;
}

/** One part that decided, with what it came to and what it saw. */
export interface DecisivePart {
  readonly text: string;
  readonly result: Truth;
  readonly saw: readonly Seen[];
}

interface Weighed {
  readonly result: Truth;
  readonly decisive: readonly DecisivePart[];
}

/**
 * What a tree came to, and the parts that decided it: of a false `&&` the one that is false, of a true one
 * all; of a true `||` the one that is true, of a false one all; of what has no value the one that has none.
 */
export function weigh(part: Part, environment: Environment): Weighed {
  if (part.kind === 'leaf') return weighLeaf(part, environment);
  if (part.kind === 'not') {
    const inner = weigh(part.part, environment);
    return { ...inner, result: typeof inner.result === 'boolean' ? !inner.result : inner.result };
  }
  const left = weigh(part.parts[0], environment);
  const goesOn = part.kind === 'all';
  if (left.result !== goesOn) return left;
  const right = weigh(part.parts[1], environment);
  return right.result === goesOn ? { result: goesOn, decisive: [...left.decisive, ...right.decisive] } : right.result instanceof EvaluationError ? right : { result: right.result, decisive: right.decisive };
}

function weighLeaf({ text, run, looksAt }: Part & { readonly kind: 'leaf' }, environment: Environment): Weighed {
  const result = attempt(() => isTrue(run.run(environment)));
  const saw = looksAt.flatMap(({ path, run: look }) => {
    const value = attempt(() => look.run(environment));
    return value instanceof EvaluationError ? [] : [{ path, value }];
  });
  return { result, decisive: [{ text, result, saw }] };
}

/** The value, or the evaluation error in its place. */
export function attempt<T>(evaluate: () => T): T | EvaluationError {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof EvaluationError) return error;
    throw error;
  }
}
