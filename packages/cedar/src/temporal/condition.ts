import type { Value } from '../values/value.js';

/** A place in the text of a temporal clause, in UTF-16 code units. */
export interface Span {
  readonly start: number;
}

/** One kind of event of one action, and what its fields have to be. */
export interface Pattern extends Span {
  readonly kind: 'pattern';
  /** Key of the action's uid. */
  readonly action: string;
  readonly event: string;
  readonly fields: readonly Field[];
}

export interface Field {
  readonly path: readonly string[];
  readonly term: Term;
}

/** A condition on the events up to a point in time. Windows in milliseconds, closed at both ends. */
export type Condition =
  | Pattern
  | (Span & { readonly kind: 'and'; readonly left: Condition; readonly right: Condition })
  | (Span & { readonly kind: 'not'; readonly body: Condition })
  | (Span & { readonly kind: 'formerly' | 'previous'; readonly windowMs: number; readonly body: Condition })
  | (Span & { readonly kind: 'since'; readonly windowMs: number; readonly left: Condition; readonly right: Condition })
  | (Span & { readonly kind: 'exists'; readonly binder: Binder; readonly body: Condition })
  | (Span & { readonly kind: 'timepoint'; readonly name: string })
  | (Span & { readonly kind: 'compare'; readonly operator: Comparator; readonly left: Term; readonly right: Term });

export interface Binder {
  readonly name: string;
  readonly type: string;
}

export type Comparator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** What stands beside an operator or behind a field's name. Paths are into the request that is decided, never into a past one. */
export type Term =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'anything' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'context'; readonly path: readonly string[] }
  | { readonly kind: 'entity'; readonly of: 'principal' | 'resource'; readonly path: readonly string[] }
  | Aggregate;

/** A number made of the distinct rows of some columns. */
export interface Aggregate {
  readonly kind: 'aggregate';
  /** The column that is added up; rows are counted where there is none. */
  readonly sum: string | undefined;
  readonly columns: readonly Binder[];
  readonly body: Condition;
}

/** Conditions directly inside one. */
export function innerOf(condition: Condition): readonly Condition[] {
  switch (condition.kind) {
    case 'and':
    case 'since':
      return [condition.left, condition.right];
    case 'not':
    case 'formerly':
    case 'previous':
    case 'exists':
      return [condition.body];
    case 'compare':
      return [condition.left, condition.right].flatMap((term) => (term.kind === 'aggregate' ? [term.body] : []));
    case 'pattern':
    case 'timepoint':
      return [];
  }
}

/** Terms that a condition has itself, not those of conditions inside it. */
export function termsOf(condition: Condition): readonly Term[] {
  if (condition.kind === 'pattern') return condition.fields.map(({ term }) => term);
  return condition.kind === 'compare' ? [condition.left, condition.right] : [];
}

/** Variables that come into a condition from outside. */
export function freeOf(condition: Condition): ReadonlySet<string> {
  const free = new Set<string>();
  const add = (names: Iterable<string>, except: readonly string[] = []) => {
    for (const name of names) if (!except.includes(name)) free.add(name);
  };
  for (const term of termsOf(condition)) {
    if (term.kind === 'variable') free.add(term.name);
    if (term.kind === 'aggregate') add(freeOf(term.body), term.columns.map(({ name }) => name));
  }
  if (condition.kind === 'timepoint') free.add(condition.name);
  if (condition.kind !== 'compare') for (const inner of innerOf(condition)) add(freeOf(inner), condition.kind === 'exists' ? [condition.binder.name] : []);
  return free;
}
