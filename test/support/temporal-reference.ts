import { type CedarRecord, type Condition, CedarRecord as RecordClass, type Value } from '@flyball/cedar';
import type { Line } from './trace-kit.js';

/**
 * Temporal conditions by their definitions, line by line, on the whole trace: slow, and meant to be read beside
 * the formal specification. What the monitor answers is compared with it.
 */
type Row = Readonly<Record<string, Bound>>;
type Bound = Value | { readonly point: number };
type Term = Extract<Condition, { kind: 'compare' }>['left'];

export function holdsByDefinition(condition: Condition, trace: readonly Line[]): boolean {
  return holds(condition, trace.length - 1, {}, trace);
}

const inWindow = (trace: readonly Line[], j: number, i: number, windowMs: number) => {
  const difference = time(trace, i) - time(trace, j);
  return difference >= 0 && difference <= windowMs;
};

const time = (trace: readonly Line[], i: number) => trace[i]?.atMs ?? 0;
const upTo = (i: number) => Array.from({ length: i + 1 }, (_, j) => j);

function holds(c: Condition, i: number, row: Row, trace: readonly Line[]): boolean {
  switch (c.kind) {
    case 'not':
      return !holds(c.body, i, row, trace);
    case 'formerly':
      return upTo(i).some((j) => inWindow(trace, j, i, c.windowMs) && holds(c.body, j, row, trace));
    case 'previous':
      return i > 0 && inWindow(trace, i - 1, i, c.windowMs) && holds(c.body, i - 1, row, trace);
    default:
      return rows(c, i, row, trace).length > 0;
  }
}

function rows(c: Condition, i: number, row: Row, trace: readonly Line[]): readonly Row[] {
  switch (c.kind) {
    case 'pattern':
      return match(c, i, row, trace);
    case 'and':
      return rows(c.left, i, row, trace).flatMap((left) => rows(c.right, i, left, trace));
    case 'formerly':
      return upTo(i).filter((j) => inWindow(trace, j, i, c.windowMs)).flatMap((j) => rows(c.body, j, row, trace));
    case 'previous':
      return i > 0 && inWindow(trace, i - 1, i, c.windowMs) ? rows(c.body, i - 1, row, trace) : [];
    case 'since':
      return upTo(i).filter((j) => inWindow(trace, j, i, c.windowMs)).flatMap((j) => rows(c.right, j, row, trace).filter((found) => upTo(i).every((k) => k <= j || holds(c.left, k, found, trace))));
    case 'exists': {
      const { [c.binder.name]: outer, ...inner } = row;
      return distinct(rows(c.body, i, inner, trace).map(({ [c.binder.name]: _own, ...rest }) => (outer === undefined ? rest : { ...rest, [c.binder.name]: outer })));
    }
    case 'timepoint': {
      const known = row[c.name];
      if (known === undefined) return [{ ...row, [c.name]: { point: i } }];
      return same(known, { point: i }) ? [row] : [];
    }
    case 'compare': {
      const [left, right] = [value(c.left, i, row, trace), value(c.right, i, row, trace)];
      if (c.operator === '==' && c.left.kind === 'variable' && left === undefined && right !== undefined) return [{ ...row, [c.left.name]: right }];
      if (c.operator === '==' && c.right.kind === 'variable' && right === undefined && left !== undefined) return [{ ...row, [c.right.name]: left }];
      return left !== undefined && right !== undefined && compared(c.operator, left, right) ? [row] : [];
    }
    case 'not':
      return holds(c, i, row, trace) ? [row] : [];
  }
}

function match(c: Condition & { readonly kind: 'pattern' }, i: number, row: Row, trace: readonly Line[]): readonly Row[] {
  const event = trace[i];
  if (!event || event.event !== c.event || event.action.key !== c.action) return [];
  let matched = row;
  for (const { path, term } of c.fields) {
    const logged = read(event.record, path);
    if (logged === undefined) return [];
    if (term.kind === 'anything') continue;
    const wanted = value(term, i, matched, trace);
    if (wanted === undefined && term.kind === 'variable') matched = { ...matched, [term.name]: logged };
    else if (wanted === undefined || !same(logged, wanted)) return [];
  }
  return [matched];
}

function value(term: Term, i: number, row: Row, trace: readonly Line[]): Bound | undefined {
  const present = trace.at(-1)?.present;
  switch (term.kind) {
    case 'literal':
      return term.value;
    case 'variable':
      return row[term.name];
    case 'context':
      return present && read(present.context, term.path);
    case 'entity':
      return term.path.length === 0 ? present?.[term.of] : undefined;
    case 'anything':
      return undefined;
    case 'aggregate': {
      const names = term.columns.map(({ name }) => name);
      const outside = Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
      const found = distinct(rows(term.body, i, outside, trace).map((each) => Object.fromEntries(Object.entries(each).filter(([name]) => names.includes(name)))));
      if (term.sum === undefined) return found.length;
      const name = term.sum;
      // Traces have few and small numbers: a double holds their sums.
      return found.reduce((sum, each) => sum + (amount(each[name]) ?? 0), 0);
    }
  }
}

function read(record: CedarRecord, path: readonly string[]): Value | undefined {
  return path.reduce<Value | undefined>((at, name) => (at instanceof RecordClass ? at.attributes.get(name) : undefined), record);
}

const text = (bound: Bound | undefined): string => (bound === undefined ? 'none' : typeof bound === 'object' ? ('point' in bound ? `@${bound.point}` : 'identity' in bound ? String(bound.identity) : 'key' in bound ? `entity ${bound.key}` : 'record') : `${typeof bound === 'bigint' ? 'number' : typeof bound} ${String(bound)}`);
const same = (left: Bound, right: Bound): boolean => text(left) === text(right);

function distinct(list: readonly Row[]): readonly Row[] {
  return [...new Map(list.map((row) => [Object.keys(row).sort().map((name) => `${name}=${text(row[name])}`).join('|'), row])).values()];
}

function compared(operator: string, left: Bound, right: Bound): boolean {
  if (operator === '==') return same(left, right);
  if (operator === '!=') return !same(left, right);
  const [first, second] = [amount(left), amount(right)];
  if (first === undefined || second === undefined) return false;
  return operator === '<' ? first < second : operator === '<=' ? first <= second : operator === '>' ? first > second : first >= second;
}

function amount(bound: Bound | undefined): number | undefined {
  if (typeof bound === 'number' || typeof bound === 'bigint') return Number(bound);
  return typeof bound === 'object' && 'kind' in bound && bound.kind === 'decimal' ? Number(String(bound)) : undefined;
}
