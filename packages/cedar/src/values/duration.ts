import { extensionError } from '../errors.js';
import { type Long, toLong } from './long.js';
import { shown } from './quote.js';

const pattern = /^(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;
export const units = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
const unitNames = ['d', 'h', 'm', 's', 'ms'] as const;
const digitsMax = 19;

/** A span of time in milliseconds, of 64 bits, perhaps negative. */
export class Duration {
  readonly kind = 'duration';

  constructor(readonly ms: Long) {}

  /** `1d2h3m4s5ms`: units in this order, each at most once, at least one. Throws an evaluation error. */
  static parse(text: string): Duration {
    const [, sign, ...amounts] = pattern.exec(text) ?? [];
    if (sign === undefined || amounts.every((amount) => amount === undefined)) throw extensionError('duration', `\`${shown(text)}\` is not a well-formed duration`);
    // Leading zeros are many or few; what is too long for 64 bits is not worth reading.
    const digits = amounts.map((amount) => amount?.replace(/^0+/, '') ?? '');
    const fits = digits.every(({ length }) => length <= digitsMax);
    const sum = digits.reduce((total, amount, index) => total + BigInt(fits ? amount : 0) * BigInt(units[index] ?? 1), 0n);
    const ms = fits ? toLong(sign === '-' ? -sum : sum) : undefined;
    if (ms === undefined) throw extensionError('duration', `overflow when converting \`${shown(text)}\` to duration`);
    return new Duration(ms);
  }

  get identity(): string {
    return `duration ${this.ms}`;
  }

  toString(): string {
    let rest = BigInt(this.ms) < 0n ? -BigInt(this.ms) : BigInt(this.ms);
    let text = '';
    units.forEach((unit, index) => {
      const amount = rest / BigInt(unit);
      rest %= BigInt(unit);
      if (amount > 0n) text += `${amount}${unitNames[index]}`;
    });
    return `${BigInt(this.ms) < 0n ? '-' : ''}${text === '' ? '0ms' : text}`;
  }
}
