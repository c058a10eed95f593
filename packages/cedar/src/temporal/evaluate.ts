import { identityOf, equals, type Value } from '../values/value.js';
import type { Aggregate, Comparator, Condition, Pattern, Term } from './condition.js';
import { entityValue, type Present, valueAt } from './event.js';
import type { History } from './history.js';
import { difference, fromTenThousandths, tenThousandthsOf } from './numbers.js';
import type { Plan } from './plan.js';
import type { Series } from './series.js';
import { isGround } from './shapes.js';

/** A point in time as a value: equal to itself only. */
export class Timepoint {
  constructor(readonly index: number) {}
}

type Bound = Value | Timepoint;
/** Variables with their values. */
type Row = ReadonlyMap<string, Bound>;

const emptyRow: Row = new Map();

/** Asks whether a condition holds at the last event of a history. Two-valued: what cannot be resolved makes its part false. */
export function holdsNow(plan: Plan, history: History, present: Present): boolean {
  return new Evaluation(plan, history, present).holds(plan.condition, history.length - 1, emptyRow);
}

class Evaluation {
  constructor(
    private readonly plan: Plan,
    private readonly history: History,
    private readonly present: Present,
  ) {}

  holds(condition: Condition, point: number, row: Row): boolean {
    switch (condition.kind) {
      case 'not':
        return !this.holds(condition.body, point, row);
      case 'formerly':
        if (condition.body.kind === 'pattern' && this.plan.isSettled(condition.body)) return this.#anySettled(condition.body, point, condition.windowMs);
        break;
      case 'since':
        return this.#holdsSince(condition, point, row);
      default:
    }
    return !this.#rows(condition, point, row).next().done;
  }

  /** Every way in which a condition holds at a point in time, as a row with its variables. */
  *#rows(condition: Condition, point: number, row: Row): Generator<Row> {
    switch (condition.kind) {
      case 'pattern': {
        const matched = this.#match(condition, point, row);
        if (matched) yield matched;
        return;
      }
      case 'and':
        for (const left of this.#rows(condition.left, point, row)) yield* this.#rows(condition.right, point, left);
        return;
      case 'formerly':
        for (const earlier of this.#candidates(condition.body, point, condition.windowMs)) yield* this.#rows(condition.body, earlier, row);
        return;
      case 'previous':
        if (point > this.history.first && this.#inWindow(point - 1, point, condition.windowMs)) yield* this.#rows(condition.body, point - 1, row);
        return;
      case 'since':
        for (const anchor of this.#candidates(condition.right, point, condition.windowMs)) {
          for (const found of this.#rows(condition.right, anchor, row)) if (this.#everSince(condition.left, anchor, point, found)) yield found;
        }
        return;
      case 'exists':
        yield* this.#rowsOfExists(condition, point, row);
        return;
      case 'timepoint': {
        const known = row.get(condition.name);
        if (known === undefined) yield extended(row, condition.name, new Timepoint(point));
        else if (known instanceof Timepoint && known.index === point) yield row;
        return;
      }
      case 'compare':
        yield* this.#rowsOfComparison(condition.operator, condition.left, condition.right, point, row);
        return;
      case 'not':
        if (!this.holds(condition.body, point, row)) yield row;
    }
  }

  #inWindow(earlier: number, point: number, windowMs: number): boolean {
    return this.history.atMs(point) - this.history.atMs(earlier) <= windowMs;
  }

  #match({ action, event: kind, fields }: Pattern, point: number, row: Row): Row | undefined {
    const event = this.history.event(point);
    if (!event || event.event !== kind || event.action.key !== action) return undefined;
    let matched = row;
    for (const { path, term } of fields) {
      const value = valueAt(event.record, path);
      if (value === undefined) return undefined;
      if (term.kind === 'anything') continue;
      const wanted = term.kind === 'variable' ? matched.get(term.name) : this.#value(term, point, matched);
      if (wanted === undefined && term.kind === 'variable') matched = extended(matched, term.name, value);
      else if (wanted === undefined || wanted instanceof Timepoint || !equals(value, wanted)) return undefined;
    }
    return matched;
  }

  /** Points in time at which a condition could hold, the latest first: those of its anchor's series, or all in the window. */
  *#candidates(condition: Condition, point: number, windowMs: number): Generator<number> {
    const fromMs = this.history.atMs(point) - windowMs;
    const anchor = this.plan.anchor(condition);
    if (!anchor) {
      for (let earlier = point; earlier >= Math.max(this.history.first, this.history.pointFrom(fromMs)); earlier--) yield earlier;
      return;
    }
    const series = this.#seriesOf(anchor);
    if (!series) return;
    const [first, end] = series.range(fromMs, point);
    for (let index = end - 1; index >= first; index--) yield series.pointAt(index);
  }

  #seriesOf(pattern: Pattern, summed?: readonly string[]): Series | undefined {
    const values: Value[] = [];
    for (const { term } of pattern.fields) {
      if (!isGround(term)) continue;
      const value = this.#value(term, 0, emptyRow);
      if (value === undefined || value instanceof Timepoint) return undefined;
      values.push(value);
    }
    return this.history.series(this.plan.shape(pattern, summed), values);
  }

  #anySettled(pattern: Pattern, point: number, windowMs: number): boolean {
    const series = this.#seriesOf(pattern);
    if (!series) return false;
    const [first, end] = series.range(this.history.atMs(point) - windowMs, point);
    return end > first;
  }

  /** Anchors from the latest back: what failed for a later one fails for every earlier one, unless it depends on the anchor's row. */
  #holdsSince({ left, right, windowMs }: Condition & { readonly kind: 'since' }, point: number, row: Row): boolean {
    for (const anchor of this.#candidates(right, point, windowMs)) {
      for (const found of this.#rows(right, anchor, row)) {
        if (this.#everSince(left, anchor, point, found)) return true;
        if (found === row) return false;
      }
    }
    return false;
  }

  #everSince(left: Condition, anchor: number, point: number, row: Row): boolean {
    if (left.kind === 'not' && left.body.kind === 'pattern' && this.plan.isSettled(left.body)) {
      const series = this.#seriesOf(left.body);
      if (!series) return true;
      const [, end] = series.range(0, point);
      return end === 0 || series.pointAt(end - 1) <= anchor;
    }
    for (let later = point; later > anchor; later--) if (!this.holds(left, later, row)) return false;
    return true;
  }

  *#rowsOfExists({ binder, body }: Condition & { readonly kind: 'exists' }, point: number, row: Row): Generator<Row> {
    const outer = row.get(binder.name);
    const seen = new Set<string>();
    for (const found of this.#rows(body, point, without(row, binder.name))) {
      const projected = outer === undefined ? without(found, binder.name) : extended(found, binder.name, outer);
      const key = rowKey(projected);
      if (seen.has(key)) continue;
      seen.add(key);
      yield projected;
    }
  }

  *#rowsOfComparison(operator: Comparator, left: Term, right: Term, point: number, row: Row): Generator<Row> {
    const [first, second] = [this.#value(left, point, row), this.#value(right, point, row)];
    if (operator === '==' && first === undefined && left.kind === 'variable' && second !== undefined) yield extended(row, left.name, second);
    else if (operator === '==' && second === undefined && right.kind === 'variable' && first !== undefined) yield extended(row, right.name, first);
    else if (first !== undefined && second !== undefined && compare(operator, first, second)) yield row;
  }

  #value(term: Term, point: number, row: Row): Bound | undefined {
    switch (term.kind) {
      case 'literal':
        return term.value;
      case 'variable':
        return row.get(term.name);
      case 'context':
        return valueAt(this.present.context, term.path);
      case 'entity':
        return entityValue(this.present[term.of], term.path, this.present);
      case 'aggregate':
        return this.#aggregate(term, point, row);
      case 'anything':
        return undefined;
    }
  }

  /** A count or a sum. */
  #aggregate(term: Aggregate, point: number, row: Row): Value {
    const tally = this.plan.tally(term);
    if (tally) {
      const series = this.#seriesOf(tally.pattern, tally.summed);
      if (!series) return 0;
      const range = series.range(this.history.atMs(point) - tally.windowMs, point);
      return tally.summed === undefined ? Math.max(0, range[1] - range[0]) : fromTenThousandths(series.sumOf(range));
    }
    const names = term.columns.map(({ name }) => name);
    const inside = new Map([...row].filter(([name]) => !names.includes(name)));
    const rows = new Map<string, Row>();
    for (const found of this.#rows(term.body, point, inside)) {
      const projected = new Map(names.flatMap((name) => (found.has(name) ? [[name, found.get(name) as Bound] as const] : [])));
      rows.set(rowKey(projected), projected);
    }
    if (term.sum === undefined) return rows.size;
    let sum = 0n;
    for (const each of rows.values()) {
      const value = each.get(term.sum);
      sum += (value instanceof Timepoint ? undefined : tenThousandthsOf(value)) ?? 0n;
    }
    return fromTenThousandths(sum);
  }
}

function extended(row: Row, name: string, value: Bound): Row {
  return new Map(row).set(name, value);
}

function without(row: Row, name: string): Row {
  if (!row.has(name)) return row;
  const less = new Map(row);
  less.delete(name);
  return less;
}

const rowKey = (row: Row): string => [...row].map(([name, value]) => `${name}=${value instanceof Timepoint ? `@${value.index}` : identityOf(value)}`).sort().join('\n');

function compare(operator: Comparator, left: Bound, right: Bound): boolean {
  const same = left instanceof Timepoint || right instanceof Timepoint ? left instanceof Timepoint && right instanceof Timepoint && left.index === right.index : equals(left, right);
  if (operator === '==') return same;
  if (operator === '!=') return !same;
  // Only numbers have an order here.
  const by = left instanceof Timepoint || right instanceof Timepoint ? undefined : difference(left, right);
  if (by === undefined) return false;
  return operator === '<' ? by < 0 : operator === '<=' ? by <= 0 : operator === '>' ? by > 0 : by >= 0;
}
