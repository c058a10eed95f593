import { EvaluationError } from '../errors.js';
import { EntityUid } from '../values/entity-uid.js';
import { Decimal } from '../values/decimal.js';
import { toLong } from '../values/long.js';
import type { Aggregate, Binder, Comparator, Condition, Field, Pattern, Term } from './condition.js';
import { TokenReader } from './token-reader.js';
import { tokensOf, unquoted, wrongAt } from './tokens.js';

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const comparators = new Set(['==', '!=', '<', '<=', '>', '>=']);
const reservedBinders = new Set(['principal', 'action', 'resource', 'context']);
/** How deep conditions may be inside each other. */
const nestingMax = 32;

/**
 * The condition in a `temporal { … }` block: Dogwood's temporal language (guide, chapter 4; formal
 * specification, chapter 8) with its four macros built in. Throws {@link TemporalError} with the place.
 */
export function parseTemporal(text: string): Condition {
  return new Parser(tokensOf(text)).whole();
}

class Parser extends TokenReader {
  #depth = 0;
  #fresh = 0;

  whole(): Condition {
    const condition = this.#condition();
    if (this.next.kind !== 'end') throw this.expected('the end');
    return condition;
  }

  #condition(): Condition {
    if (++this.#depth > nestingMax) throw wrongAt(this.next.start, `expected conditions at most ${nestingMax} deep`);
    let left = this.#since();
    while (this.skip('&&')) left = { kind: 'and', start: left.start, left, right: this.#since() };
    this.#depth--;
    return left;
  }

  #since(): Condition {
    const left = this.#negated();
    if (!this.skip('since')) return left;
    const windowMs = this.#window();
    const since: Condition = { kind: 'since', start: left.start, windowMs, left, right: this.#atom() };
    if (this.is('since')) throw wrongAt(this.next.start, 'expected parentheses around one `since` before another');
    return since;
  }

  #negated(): Condition {
    const { start } = this.next;
    if (!this.skip('!')) return this.#conjunct();
    if (++this.#depth > nestingMax) throw wrongAt(start, `expected conditions at most ${nestingMax} deep`);
    const body = this.#negated();
    this.#depth--;
    return { kind: 'not', start, body };
  }

  #conjunct(): Condition {
    const { start } = this.next;
    if (this.is('formerly') || this.is('previous')) {
      const kind = this.skip('formerly') ? 'formerly' : (this.take('previous'), 'previous');
      return { kind, start, windowMs: this.#window(), body: this.#atom() };
    }
    if (this.is('exists') && this.is('(', 1)) {
      this.advance(1);
      const binder = this.#binder();
      this.take('.');
      return { kind: 'exists', start, binder, body: this.#condition() };
    }
    return this.#atom();
  }

  /** What may follow a window without parentheses. */
  #atom(): Condition {
    const { start } = this.next;
    if (this.is('tp') && this.is('(', 1)) {
      this.advance(2);
      const name = this.#name('a variable');
      this.take(')');
      return { kind: 'timepoint', start, name };
    }
    if (this.is('bind') && this.is('(', 1)) return this.#bindMacro();
    if (this.is('(') && !this.#isAggregate(1)) {
      this.advance(1);
      const inner = this.#condition();
      this.take(')');
      return inner;
    }
    return this.#patternAhead() ? this.#pattern() : this.#comparison();
  }

  #window(): number {
    this.take('within');
    return this.#duration();
  }

  #duration(): number {
    const { text, start } = this.takeKind('integer', 'a window such as `1h`');
    const unit = unitsMs[this.next.text];
    if (unit === undefined) throw this.expected('a unit of time: `s`, `m`, `h` or `d`');
    this.advance(1);
    const windowMs = Number(text) * unit;
    if (windowMs === 0) throw wrongAt(start, 'expected a window of more than nothing: an empty one matches no events');
    if (!Number.isSafeInteger(windowMs)) throw wrongAt(start, 'expected a window that fits into 64 bits');
    return windowMs;
  }

  #binder(): Binder {
    this.take('(');
    const { start } = this.next;
    const name = this.#name('a variable');
    if (reservedBinders.has(name)) throw wrongAt(start, `\`${name}\` is a reserved word and cannot name a variable`);
    this.take(':');
    const type = this.#path();
    this.take(')');
    return { name, type };
  }

  #name(what: string): string {
    return this.takeKind('name', what).text;
  }

  #path(): string {
    let path = this.#name('a name');
    while (this.is('::') && this.peek(1).kind === 'name') {
      this.advance(1);
      path += `::${this.#name('a name')}`;
    }
    return path;
  }

  /** Whether a pattern begins here: an action's uid with the kind of event behind it. */
  #patternAhead(): boolean {
    let ahead = 0;
    while (this.peek(ahead).kind === 'name' && this.is('::', ahead + 1)) ahead += 2;
    return ahead > 0 && this.peek(ahead).kind === 'string' && (this.is('::', ahead + 1) || this.is('{', ahead + 1));
  }

  #pattern(): Pattern {
    const { start } = this.next;
    const uid = this.#uid();
    this.take('::');
    const event = this.#name('the kind of event: `request`, `response` or `error`');
    const fields: Field[] = [];
    if (!this.is('{')) throw this.expected('`{`');
    while (this.skip('{')) fields.push(...this.#fields());
    return { kind: 'pattern', start, action: uid.key, event, fields };
  }

  #uid(): EntityUid {
    const type = this.#path();
    this.take('::');
    return new EntityUid(type, unquoted(this.takeKind('string', 'an id in quotes')));
  }

  #fields(): readonly Field[] {
    const fields: Field[] = [];
    if (this.skip('}')) return fields;
    do {
      const path = [this.#name('the name of a field')];
      while (this.skip('.')) path.push(this.#name('the name of a field'));
      this.take(':');
      const { start } = this.next;
      const term = this.#term();
      if (term.kind === 'aggregate') throw wrongAt(start, 'an aggregate stands beside a comparison only');
      fields.push({ path, term });
    } while (this.skip(','));
    this.take('}');
    return fields;
  }

  #comparison(): Condition {
    const { start } = this.next;
    const left = this.#term();
    const operator = this.next.text;
    if (!comparators.has(operator)) throw this.expected('a comparison');
    this.advance(1);
    const right = this.#term();
    if ([left, right].some(({ kind }) => kind === 'anything')) throw wrongAt(start, '`*` stands in the fields of a pattern only');
    return { kind: 'compare', start, operator: operator as Comparator, left, right };
  }

  #term(): Term {
    const { kind, start, text } = this.next;
    if (kind === 'string') return this.#literal(unquoted(this.takeKind('string', 'a text')));
    if (kind === 'integer' || this.is('-')) return this.#integer();
    if (this.skip('*') || this.skip('_')) return { kind: 'anything' };
    if (this.is('[')) throw wrongAt(start, 'a list cannot be compared with; name its members, or a path of the context');
    if (this.is('(')) {
      this.advance(1);
      const inner = this.#term();
      this.take(')');
      return inner;
    }
    if (this.#isAggregate(0)) return this.#aggregate();
    if (kind !== 'name') throw this.expected('a value');
    if (this.is('::', 1)) return this.#literal(this.#uid());
    this.advance(1);
    return this.#namedTerm(text, start);
  }

  #namedTerm(name: string, start: number): Term {
    switch (name) {
      case 'true':
      case 'false':
        return this.#literal(name === 'true');
      case 'decimal':
        return this.#decimal(start);
      case 'context':
        return { kind: 'context', path: this.#members(start) };
      case 'principal':
      case 'resource':
        return { kind: 'entity', of: name, path: this.#members() };
      case 'action':
        throw wrongAt(start, 'the action of a request is in its pattern, not a value');
      default:
        return { kind: 'variable', name };
    }
  }

  #members(needed?: number): readonly string[] {
    const path: string[] = [];
    while (this.skip('.')) path.push(this.#name('the name of an attribute'));
    if (needed !== undefined && path.length === 0) throw wrongAt(needed, 'expected an attribute of the context');
    return path;
  }

  #literal(value: string | boolean | EntityUid): Term {
    return { kind: 'literal', value };
  }

  #integer(): Term {
    const { start } = this.next;
    const sign = this.skip('-') ? -1n : 1n;
    const value = toLong(sign * BigInt(this.takeKind('integer', 'a number').text));
    if (value === undefined) throw wrongAt(start, 'expected an integer of 64 bits');
    return { kind: 'literal', value };
  }

  #decimal(start: number): Term {
    this.take('(');
    const text = unquoted(this.takeKind('string', 'a decimal number in quotes'));
    this.take(')');
    try {
      return { kind: 'literal', value: Decimal.parse(text) };
    } catch (error) {
      if (error instanceof EvaluationError) throw wrongAt(start, error.message);
      throw error;
    }
  }

  #isAggregate(ahead: number): boolean {
    if (this.is('count', ahead)) return this.is('for', ahead + 1);
    if (this.is('sum', ahead)) return this.is('for', ahead + 2);
    return ['count_within', 'sum_within', 'count_distinct_within'].some((name) => this.is(name, ahead)) && this.is('(', ahead + 1);
  }

  #aggregate(): Aggregate {
    const macro = ['count_within', 'sum_within', 'count_distinct_within'].find((name) => this.is(name));
    if (macro !== undefined) return this.#aggregateMacro(macro);
    const sum = this.skip('count') ? undefined : (this.take('sum'), this.#name('the column to add up'));
    this.take('for');
    const columns = [this.#binder()];
    while (this.skip(',')) columns.push(this.#binder());
    this.take('.');
    this.take('where');
    return { kind: 'aggregate', sum, columns, body: this.#condition() };
  }

  /** The macros of Dogwood's default library, each with a variable of its own that no text can name. */
  #aggregateMacro(name: string): Aggregate {
    this.advance(2);
    const column = name === 'count_within' ? undefined : this.#name('a variable');
    if (column !== undefined) this.take(',');
    const { start } = this.next;
    const windowMs = this.#duration();
    this.take(',');
    const inner = this.#condition();
    this.take(')');
    const point = `$t${this.#fresh++}`;
    const body: Condition = name === 'count_distinct_within' ? inner : { kind: 'and', start, left: inner, right: { kind: 'timepoint', start, name: point } };
    const columns = [...(column === undefined ? [] : [{ name: column, type: name === 'sum_within' ? 'Long' : 'String' }]), ...(name === 'count_distinct_within' ? [] : [{ name: point, type: 'Timepoint' }])];
    return { kind: 'aggregate', sum: name === 'sum_within' ? column : undefined, columns, body: { kind: 'formerly', start, windowMs, body } };
  }

  /** `bind(n, aggregate, condition)`: a name for a number that is asked about more than once. */
  #bindMacro(): Condition {
    const { start } = this.next;
    this.advance(2);
    const name = this.#name('a variable');
    this.take(',');
    const value = this.#term();
    this.take(',');
    const inner = this.#condition();
    this.take(')');
    const equality: Condition = { kind: 'compare', start, operator: '==', left: value, right: { kind: 'variable', name } };
    return { kind: 'exists', start, binder: { name, type: 'Long' }, body: { kind: 'and', start, left: equality, right: inner } };
  }
}
