import { extensionError } from '../errors.js';
import { add, type Long, toLong } from './long.js';
import { shown } from './quote.js';

const pattern = /^(-?)([0-9]+)\.([0-9]+)$/;
const digits = 4;

/** A number of four decimal digits: a 64-bit integer of ten-thousandths. */
export class Decimal {
  readonly kind = 'decimal';

  private constructor(readonly tenThousandths: Long) {}

  /** `12.5`: digits on both sides, at most four behind the point. Throws an evaluation error. */
  static parse(text: string): Decimal {
    const [, sign, whole, fraction] = pattern.exec(text) ?? [];
    if (whole === undefined || fraction === undefined) throw extensionError('decimal', `\`${shown(text)}\` is not a well-formed decimal value`);
    if (fraction.length > digits) throw extensionError('decimal', `too many digits after the decimal in \`${shown(text)}\`: at most ${digits}`);
    // Leading zeros are many or few; what is too long for 64 bits is not worth reading.
    const magnitude = whole.replace(/^0+/, '').length > 19 ? 2n ** 64n : BigInt(whole + fraction.padEnd(digits, '0'));
    const value = toLong(sign === '-' ? -magnitude : magnitude);
    if (value === undefined) throw extensionError('decimal', `overflow when converting \`${shown(text)}\` to decimal`);
    return new Decimal(value);
  }

  /** Some ten-thousandths more, or less. Throws an evaluation error beyond 64 bits. */
  moved(tenThousandths: number): Decimal {
    return new Decimal(add(this.tenThousandths, tenThousandths));
  }

  /** A number of so many ten-thousandths, beyond 64 bits, too: a sum of decimals. */
  static ofTenThousandths(sum: bigint): Decimal {
    return new Decimal(toLong(sum) ?? sum);
  }

  get identity(): string {
    return `decimal ${this.tenThousandths}`;
  }

  toString(): string {
    const value = BigInt(this.tenThousandths);
    const text = String(value < 0n ? -value : value).padStart(digits + 1, '0');
    const fraction = text.slice(-digits).replace(/0+$/, '');
    return `${value < 0n ? '-' : ''}${text.slice(0, -digits)}.${fraction === '' ? '0' : fraction}`;
  }
}
