import { type Aggregate, type Condition, freeOf, innerOf, type Term, termsOf } from './condition.js';
import { type TemporalError, wrongAt } from './tokens.js';
import { checkTypes, isNumeric } from './types.js';

/** Faults that the language itself finds: variables that nothing binds, and conditions that no event can change. */
export function faultsOf(condition: Condition, windowMaxMs: number): readonly TemporalError[] {
  const faults: TemporalError[] = [];
  const say = (start: number, message: string) => faults.push(wrongAt(start, message));
  for (const name of freeOf(condition)) say(placeOf(condition, name), `variable \`${name}\` is free: bind it with \`exists (${name}: Type). (…)\`, or write \`*\``);
  checkBindings(condition, [], say);
  checkOrder(condition, new Set(), say);
  checkVaries(condition, harvested(condition), say);
  checkWindows(condition, windowMaxMs, say);
  checkTypes(condition, say);
  checkFields(condition, say);
  return faults;
}

type Say = (start: number, message: string) => void;

/** Variables that every row of a condition has a value for (formal specification, range restriction). */
export function restricted(condition: Condition): ReadonlySet<string> {
  switch (condition.kind) {
    case 'pattern':
      return new Set(condition.fields.flatMap(({ term }) => (term.kind === 'variable' ? [term.name] : [])));
    case 'timepoint':
      return new Set([condition.name]);
    case 'and':
      return new Set([...restricted(condition.left), ...restricted(condition.right)]);
    case 'formerly':
    case 'previous':
      return restricted(condition.body);
    case 'since':
      return restricted(condition.right);
    case 'exists': {
      const { name } = condition.binder;
      return new Set([...restricted(condition.body)].filter((other) => other !== name));
    }
    case 'compare': {
      const bound = boundBy(condition);
      return new Set(bound === undefined ? [] : [bound]);
    }
    case 'not':
      return new Set();
  }
}

/** The variable that an equality gives a value to: exactly one of its sides is one. */
function boundBy({ operator, left, right }: Condition & { readonly kind: 'compare' }): string | undefined {
  if (operator !== '==') return undefined;
  if (left.kind === 'variable' && right.kind !== 'variable') return left.name;
  return right.kind === 'variable' && left.kind !== 'variable' ? right.name : undefined;
}

function checkBindings(condition: Condition, outer: readonly string[], say: Say): void {
  const within = condition.kind === 'exists' ? [...outer, condition.binder.name] : outer;
  if (condition.kind === 'exists' && !restricted(condition.body).has(condition.binder.name)) say(condition.start, `nothing in \`exists\` gives \`${condition.binder.name}\` a value: bind it with a field of a pattern, \`tp(${condition.binder.name})\` or an equality`);
  for (const term of termsOf(condition)) if (term.kind === 'aggregate') checkAggregate(term, condition.start, outer, say);
  if (condition.kind !== 'compare') for (const inner of innerOf(condition)) checkBindings(inner, within, say);
}

function checkAggregate({ sum, columns, body }: Aggregate, start: number, outer: readonly string[], say: Say): void {
  const names = columns.map(({ name }) => name);
  const [free, bound] = [freeOf(body), restricted(body)];
  if (sum !== undefined && !names.includes(sum)) say(start, `\`sum ${sum}\` adds up a column that \`for\` does not have`);
  const summand = columns.find(({ name }) => name === sum);
  if (summand && !isNumeric(summand.type)) say(start, `cannot sum \`${summand.name}\`: expected a Long or a decimal, got a ${summand.type}`);
  for (const name of free) if (!names.includes(name) && !outer.includes(name)) say(start, `variable \`${name}\` of an aggregate is neither one of its columns nor bound around it`);
  for (const name of names) {
    if (!free.has(name)) say(start, `column \`${name}\` does not occur in what is aggregated`);
    else if (!bound.has(name)) say(start, `nothing gives column \`${name}\` a value`);
  }
  checkBindings(body, [...outer, ...names], say);
}

/** Walks conjunctions from left to right: what only filters needs its variables bound before. */
function checkOrder(condition: Condition, before: ReadonlySet<string>, say: Say): ReadonlySet<string> {
  const demand = (names: Iterable<string>, known: ReadonlySet<string>, why: string) => {
    for (const name of names) if (!known.has(name)) say(condition.start, `variable \`${name}\` is used ${why} before anything binds it: put what binds it first`);
  };
  switch (condition.kind) {
    case 'and': {
      const left = checkOrder(condition.left, before, say);
      return checkOrder(condition.right, left, say);
    }
    case 'not':
      demand(freeOf(condition), before, 'in a negation');
      checkOrder(condition.body, new Set([...before, ...restricted(condition.body)]), say);
      return before;
    case 'since': {
      const right = checkOrder(condition.right, before, say);
      demand(freeOf(condition.left), right, 'on the left of `since`');
      checkOrder(condition.left, right, say);
      return right;
    }
    case 'exists':
      checkOrder(condition.body, new Set([...before].filter((name) => name !== condition.binder.name)), say);
      break;
    case 'formerly':
    case 'previous':
      checkOrder(condition.body, before, say);
      break;
    case 'compare':
      checkComparison(condition, before, demand, say);
      break;
    case 'pattern':
    case 'timepoint':
  }
  return new Set([...before, ...restricted(condition)]);
}

function checkComparison(condition: Condition & { readonly kind: 'compare' }, before: ReadonlySet<string>, demand: (names: Iterable<string>, known: ReadonlySet<string>, why: string) => void, say: Say): void {
  const bound = boundBy(condition);
  const free = (term: Term): readonly string[] => (term.kind === 'variable' ? [term.name] : term.kind === 'aggregate' ? [...freeOf(term.body)].filter((name) => !term.columns.some((column) => column.name === name)) : []);
  for (const term of [condition.left, condition.right]) {
    if (term.kind !== 'variable' || term.name !== bound) demand(free(term), before, bound === undefined ? 'in a comparison' : 'in the value of an equality');
    if (term.kind === 'aggregate') checkOrder(term.body, new Set([...before].filter((name) => !term.columns.some((column) => column.name === name))), say);
  }
}

/** Variables that some pattern reads from an event, or that stand for one: they vary with the point in time. */
function harvested(condition: Condition): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (inner: Condition): void => {
    if (inner.kind === 'pattern') for (const { term } of inner.fields) if (term.kind === 'variable') found.add(term.name);
    if (inner.kind === 'exists') found.add(inner.binder.name);
    for (const term of termsOf(inner)) if (term.kind === 'aggregate' && term.sum !== undefined) found.add(term.sum);
    innerOf(inner).forEach(visit);
  };
  visit(condition);
  return found;
}

function varies(condition: Condition, variables: ReadonlySet<string>): boolean {
  switch (condition.kind) {
    case 'pattern':
    case 'timepoint':
      return true;
    case 'and':
      return varies(condition.left, variables) || varies(condition.right, variables);
    case 'compare':
      return [condition.left, condition.right].some((term) => term.kind === 'aggregate' || (term.kind === 'variable' && variables.has(term.name)));
    case 'not':
    case 'formerly':
    case 'previous':
    case 'exists':
      return varies(condition.body, variables);
    case 'since':
      return varies(condition.left, variables) || varies(condition.right, variables);
  }
}

/** A condition that no event can change monitors nothing; it belongs into a plain Cedar clause. */
function checkVaries(condition: Condition, variables: ReadonlySet<string>, say: Say): void {
  const parts: (readonly [Condition, string])[] = conjuncts(condition).map((part) => [part, 'this condition'] as const);
  const visit = (inner: Condition): void => {
    if (inner.kind === 'formerly' || inner.kind === 'previous' || inner.kind === 'exists') parts.push([inner.body, `the body of \`${inner.kind}\``]);
    if (inner.kind === 'since') parts.push([inner.left, 'the left side of `since`'], [inner.right, 'the right side of `since`']);
    for (const term of termsOf(inner)) if (term.kind === 'aggregate') parts.push([term.body, 'what is aggregated']);
    innerOf(inner).forEach(visit);
  };
  visit(condition);
  for (const [part, what] of parts) if (!varies(part, variables)) say(part.start, `${what} does not vary with time; it belongs into a clause without \`temporal\``);
}

const conjuncts = (condition: Condition): readonly Condition[] => (condition.kind === 'and' ? [...conjuncts(condition.left), ...conjuncts(condition.right)] : [condition]);

function checkWindows(condition: Condition, mostMs: number, say: Say): void {
  if ('windowMs' in condition && condition.windowMs > mostMs) say(condition.start, `expected a window of at most ${mostMs / 3_600_000} hours`);
  for (const inner of innerOf(condition)) checkWindows(inner, mostMs, say);
}

/** `input` and `output` are groups of fields, and only a response has an output: a pattern that says otherwise matches nothing. */
function checkFields(condition: Condition, say: Say): void {
  if (condition.kind === 'pattern') {
    for (const { path } of condition.fields) {
      const [group = ''] = path;
      if (group === 'output' && condition.event === 'request') say(condition.start, 'a request has no `output` yet: name the `response`');
      else if (path.length === 1 && (group === 'input' || group === 'output')) say(condition.start, `\`${group}\` is a group of fields: name one in it, such as \`${group}.amount\``);
    }
  }
  for (const inner of innerOf(condition)) checkFields(inner, say);
}

/** Where a free variable is used first. */
function placeOf(condition: Condition, name: string): number {
  const inner = condition.kind === 'compare' ? undefined : innerOf(condition).find((each) => freeOf(each).has(name));
  return inner ? placeOf(inner, name) : condition.start;
}
