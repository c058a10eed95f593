import type { Aggregate, Condition, Pattern, Term } from './condition.js';
import { innerOf } from './condition.js';

/** A term that the request alone gives a value to. */
export const isGround = (term: Term): boolean => term.kind === 'literal' || term.kind === 'context' || term.kind === 'entity';

/** Which fields of a pattern a series of events is kept by, and which have to be there only. */
export interface Shape {
  readonly id: string;
  readonly action: string;
  readonly event: string;
  readonly keyed: readonly (readonly string[])[];
  /** Fields that have to be there, whatever they are. */
  readonly present: readonly (readonly string[])[];
  /** The field whose sums are kept. */
  readonly summed: readonly string[] | undefined;
}

/** The shape of a pattern: equal for all patterns that can share a series. */
export function shapeOf(pattern: Pattern, summed?: readonly string[]): Shape {
  const keyed = pattern.fields.filter(({ term }) => isGround(term)).map(({ path }) => path);
  const present = pattern.fields.filter(({ term }) => !isGround(term)).map(({ path }) => path);
  const { action, event } = pattern;
  return { id: JSON.stringify([action, event, keyed, present, summed ?? null]), action, event, keyed, present, summed };
}

/** A pattern that has to hold at a point in time if the condition does, if there is one. */
export function anchorOf(condition: Condition): Pattern | undefined {
  if (condition.kind === 'pattern') return condition;
  if (condition.kind === 'and') return anchorOf(condition.left) ?? anchorOf(condition.right);
  return condition.kind === 'exists' ? anchorOf(condition.body) : undefined;
}

/** Patterns of which the ground fields are all there is, so that being in the series is matching. */
export const isSettled = (pattern: Pattern): boolean => pattern.fields.every(({ term }) => isGround(term) || term.kind === 'anything');

/** An aggregate that counts or adds up the events of one pattern within a window, which a series answers without looking at them. */
export interface Tally {
  readonly pattern: Pattern;
  readonly windowMs: number;
  readonly summed: readonly string[] | undefined;
}

export function tallyOf({ sum, columns, body }: Aggregate): Tally | undefined {
  if (body.kind !== 'formerly' || body.body.kind !== 'and') return undefined;
  const { left, right } = body.body;
  const [pattern, point] = left.kind === 'pattern' ? [left, right] : [right, left];
  if (pattern.kind !== 'pattern' || point.kind !== 'timepoint') return undefined;
  const others = columns.filter(({ name }) => name !== point.name);
  const variables = pattern.fields.filter(({ term }) => term.kind === 'variable');
  if (columns.length !== others.length + 1 || others.length !== variables.length || others.length > 1) return undefined;
  const [variable] = variables;
  if (variable && (variable.term.kind !== 'variable' || variable.term.name !== others[0]?.name)) return undefined;
  if (sum === point.name) return undefined;
  return { pattern, windowMs: body.windowMs, summed: sum === undefined ? undefined : variable?.path };
}

/** Every series that a condition is answered from. */
export function shapesOf(condition: Condition): readonly Shape[] {
  const own = condition.kind === 'pattern' ? [shapeOf(condition)] : [];
  const terms = condition.kind === 'compare' ? [condition.left, condition.right] : [];
  const tallies = terms.flatMap((term) => (term.kind === 'aggregate' ? (tallyOf(term) ?? []) : []));
  return [...own, ...tallies.map(({ pattern, summed }) => shapeOf(pattern, summed)), ...innerOf(condition).flatMap(shapesOf)];
}

/** How far back a condition can look, in milliseconds: its windows inside each other, added up. */
export function horizonMs(condition: Condition): number {
  const inner = Math.max(0, ...innerOf(condition).map(horizonMs));
  return inner + ('windowMs' in condition ? condition.windowMs : 0);
}
