import { EvaluationError } from '../errors.js';
import { Decimal } from '../values/decimal.js';
import { EntityUid } from '../values/entity-uid.js';
import { type Long, toLong } from '../values/long.js';
import { TokenReader } from './token-reader.js';
import { unquoted, wrongAt } from './tokens.js';

const unitsMs: ReadonlyMap<string, number> = new Map([['s', 1_000], ['m', 60_000], ['h', 3_600_000], ['d', 86_400_000]]);
const reservedNames = new Set(['principal', 'action', 'resource', 'context']);

/** Reads names, values and windows. */
export class LiteralReader extends TokenReader {
  protected name(what: string): string {
    return this.takeKind('name', what).text;
  }

  /** The name of a variable where it comes into being. */
  protected variable(what: string): string {
    const { start } = this.next;
    const name = this.name(what);
    if (reservedNames.has(name)) throw wrongAt(start, `\`${name}\` is a reserved word and cannot name a variable`);
    return name;
  }

  protected path(): string {
    let path = this.name('a name');
    while (this.is('::') && this.peek(1).kind === 'name') {
      this.advance(1);
      path += `::${this.name('a name')}`;
    }
    return path;
  }

  protected uid(): EntityUid {
    const type = this.path();
    this.take('::');
    return new EntityUid(type, unquoted(this.takeKind('string', 'an id in quotes')));
  }

  /** Milliseconds. */
  protected duration(): number {
    const { text, start } = this.takeKind('integer', 'a window such as `1h`');
    const unit = unitsMs.get(this.next.text);
    if (unit === undefined) throw this.expected('a unit of time: `s`, `m`, `h` or `d`');
    this.advance(1);
    const windowMs = Number(text) * unit;
    if (windowMs === 0) throw wrongAt(start, 'expected a window of more than nothing: an empty one matches no events');
    if (!Number.isSafeInteger(windowMs)) throw wrongAt(start, 'expected a window that fits into 64 bits');
    return windowMs;
  }

  protected integer(): Long {
    const { start } = this.next;
    const sign = this.skip('-') ? -1n : 1n;
    const value = toLong(sign * BigInt(this.takeKind('integer', 'a number').text));
    if (value === undefined) throw wrongAt(start, 'expected an integer of 64 bits');
    return value;
  }

  /** What is behind the word `decimal`, which is at `start`. */
  protected decimal(start: number): Decimal {
    this.take('(');
    const text = unquoted(this.takeKind('string', 'a decimal number in quotes'));
    this.take(')');
    try {
      return Decimal.parse(text);
    } catch (error) {
      if (error instanceof EvaluationError) throw wrongAt(start, error.message);
      throw error;
    }
  }
}
