import type { Aggregate, Binder, Comparator, Condition, Field, Pattern, Term } from './condition.js';
import { LiteralReader } from './literal-reader.js';
import { tokensOf, unquoted, wrongAt } from './tokens.js';

const comparators = new Set(['==', '!=', '<', '<=', '>', '>=']);
/** How deep conditions may be inside each other. */
const nestingMax = 32;
/** How many conditions a clause may be made of. */
const conditionsMax = 500;

/**
 * The condition in a `temporal { … }` block: Dogwood's temporal language (guide, chapter 4; formal
 * specification, chapter 8) with its four macros built in. Throws {@link TemporalError} with the place.
 */
export function parseTemporal(text: string): Condition {
  return new Parser(tokensOf(text)).whole();
}

class Parser extends LiteralReader {
  #depth = 0;
  #conditions = 0;
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
    if (++this.#conditions > conditionsMax) throw wrongAt(this.next.start, `expected a clause of at most ${conditionsMax} conditions`);
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
      const name = this.name('a variable');
      this.take(')');
      return { kind: 'timepoint', start, name };
    }
    if (this.is('bind') && this.is('(', 1)) return this.#bindMacro();
    if (this.is('!') || (this.is('exists') && this.is('(', 1)) || ((this.is('formerly') || this.is('previous')) && this.is('within', 1))) throw wrongAt(start, `expected parentheses around \`${this.next.text}\` behind a window`);
    // `(count …) > 3` is a number in parentheses, `(count … > 3)` a condition: the word behind them tells.
    if (this.is('(') && !comparators.has(this.behindParentheses().text)) return this.#parenthesised();
    return this.#patternAhead() ? this.#pattern() : this.#comparison();
  }

  #parenthesised(): Condition {
    this.take('(');
    const inner = this.#condition();
    this.take(')');
    return inner;
  }

  #window(): number {
    this.take('within');
    return this.duration();
  }

  #binder(): Binder {
    this.take('(');
    const name = this.variable('a variable');
    this.take(':');
    const type = this.path();
    this.take(')');
    return { name, type };
  }

  /** Whether a pattern begins here: an action's uid with the kind of event behind it. */
  #patternAhead(): boolean {
    let ahead = 0;
    while (this.peek(ahead).kind === 'name' && this.is('::', ahead + 1)) ahead += 2;
    return ahead > 0 && this.peek(ahead).kind === 'string' && (this.is('::', ahead + 1) || this.is('{', ahead + 1));
  }

  #pattern(): Pattern {
    const { start } = this.next;
    const uid = this.uid();
    this.take('::');
    const event = this.name('the kind of event: `request`, `response` or `error`');
    const fields: Field[] = [];
    if (!this.is('{')) throw this.expected('`{`');
    while (this.skip('{')) fields.push(...this.#fields());
    return { kind: 'pattern', start, action: uid.key, event, fields };
  }

  #fields(): readonly Field[] {
    const fields: Field[] = [];
    if (this.skip('}')) return fields;
    do {
      const path = [this.name('the name of a field')];
      while (this.skip('.')) path.push(this.name('the name of a field'));
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
    if (left.kind === 'variable' && left.name === 'let') throw wrongAt(start, 'there is no `let`: write `exists (n: Long). ((count …) == n && …)`');
    if (!comparators.has(operator)) throw this.expected('a comparison');
    this.advance(1);
    const right = this.#term();
    if ([left, right].some(({ kind }) => kind === 'anything')) throw wrongAt(start, '`*` stands in the fields of a pattern only');
    return { kind: 'compare', start, operator: operator as Comparator, left, right };
  }

  #term(): Term {
    const { kind, start, text } = this.next;
    if (kind === 'string') return { kind: 'literal', value: unquoted(this.takeKind('string', 'a text')) };
    if (kind === 'integer' || this.is('-')) return { kind: 'literal', value: this.integer() };
    if (this.skip('*') || this.skip('_')) return { kind: 'anything' };
    if (this.is('[')) throw wrongAt(start, 'a list cannot be compared with; name its members, or a path of the context');
    if (this.skip('(')) {
      if (!this.#isAggregate(0)) throw this.expected('a count or a sum: no other value stands in parentheses');
      const inner = this.#aggregate();
      this.take(')');
      return inner;
    }
    if (this.#isAggregate(0)) return this.#aggregate();
    if (kind !== 'name') throw this.expected('a value');
    if (this.is('::', 1)) return { kind: 'literal', value: this.uid() };
    this.advance(1);
    return this.#namedTerm(text, start);
  }

  #namedTerm(name: string, start: number): Term {
    switch (name) {
      case 'true':
      case 'false':
        return { kind: 'literal', value: name === 'true' };
      case 'decimal':
        return { kind: 'literal', value: this.decimal(start) };
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
    while (this.skip('.')) path.push(this.name('the name of an attribute'));
    if (needed !== undefined && path.length === 0) throw wrongAt(needed, 'expected an attribute of the context');
    return path;
  }

  #isAggregate(ahead: number): boolean {
    if (this.is('count', ahead)) return this.is('for', ahead + 1);
    if (this.is('sum', ahead)) return this.is('for', ahead + 2);
    return ['count_within', 'sum_within', 'count_distinct_within'].some((name) => this.is(name, ahead)) && this.is('(', ahead + 1);
  }

  #aggregate(): Aggregate {
    const macro = ['count_within', 'sum_within', 'count_distinct_within'].find((name) => this.is(name));
    if (macro !== undefined) return this.#aggregateMacro(macro);
    const sum = this.skip('count') ? undefined : (this.take('sum'), this.variable('the column to add up'));
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
    const column = name === 'count_within' ? undefined : this.variable('a variable');
    if (column !== undefined) this.take(',');
    const { start } = this.next;
    const windowMs = this.duration();
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
    const name = this.variable('a variable');
    this.take(',');
    const value = this.#term();
    this.take(',');
    const inner = this.#condition();
    this.take(')');
    const equality: Condition = { kind: 'compare', start, operator: '==', left: value, right: { kind: 'variable', name } };
    return { kind: 'exists', start, binder: { name, type: 'Long' }, body: { kind: 'and', start, left: equality, right: inner } };
  }
}
