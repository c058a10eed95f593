import { Decimal } from '../values/decimal.js';
import { EntityUid } from '../values/entity-uid.js';
import { type Condition, innerOf, type Term, termsOf } from './condition.js';

type Say = (start: number, message: string) => void;
/** Types of variables, as they were declared. */
type Declared = ReadonlyMap<string, string>;

const orders = new Set(['<', '<=', '>', '>=']);

export const isNumeric = (type: string): boolean => type === 'Long' || type === 'decimal';

/**
 * Comparisons that can never hold: an order of what has none, an equality of two types. Evaluated they would be
 * false in silence, and a guard that is written so would never fire.
 */
export function checkTypes(condition: Condition, say: Say, declared: Declared = new Map()): void {
  const within = condition.kind === 'exists' ? new Map(declared).set(condition.binder.name, condition.binder.type) : declared;
  if (condition.kind === 'timepoint') expectTimepoint(condition.name, condition.start, declared, say);
  if (condition.kind === 'compare') checkComparison(condition, declared, say);
  for (const term of termsOf(condition)) if (term.kind === 'aggregate') checkTypes(term.body, say, new Map([...declared, ...term.columns.map(({ name, type }) => [name, type] as const)]));
  if (condition.kind !== 'compare') for (const inner of innerOf(condition)) checkTypes(inner, say, within);
}

function expectTimepoint(name: string, start: number, declared: Declared, say: Say): void {
  const type = declared.get(name);
  if (type !== undefined && type !== 'Timepoint') say(start, `\`tp(${name})\` binds a point in time: declare \`${name}: Timepoint\``);
}

function checkComparison({ start, operator, left, right }: Condition & { readonly kind: 'compare' }, declared: Declared, say: Say): void {
  const [first, second] = [typeOf(left, declared), typeOf(right, declared)];
  if (orders.has(operator)) {
    for (const type of [first, second]) if (type !== undefined && !isNumeric(type)) say(start, `\`${operator}\` compares numbers, got a ${type}`);
  } else if (first !== undefined && second !== undefined && first !== second && !(left.kind === 'aggregate' || right.kind === 'aggregate')) say(start, `\`${operator}\` compares a ${first} with a ${second}, which are never equal`);
}

function typeOf(term: Term, declared: Declared): string | undefined {
  switch (term.kind) {
    case 'variable':
      return declared.get(term.name);
    case 'aggregate':
      return 'Long';
    case 'entity':
      return undefined;
    case 'literal': {
      const { value } = term;
      if (typeof value === 'string') return 'String';
      if (typeof value === 'boolean') return 'Bool';
      if (value instanceof Decimal) return 'decimal';
      return value instanceof EntityUid ? value.type : 'Long';
    }
    case 'context':
    case 'anything':
      return undefined;
  }
}
