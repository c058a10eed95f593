import { extensionError } from '../errors.js';
import { type Long, toLong } from './long.js';

const pattern = /^(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;
export const units = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
const unitNames = ['d', 'h', 'm', 's', 'ms'] as const;
const textMax = 100;

/** A span of time in milliseconds, of 64 bits, perhaps negative. */
export class Duration {
  readonly kind = 'duration';

  constructor(readonly ms: Long) {}

  /** `1d2h3m4s5ms`: units in this order, each at most once, at least one. Throws an evaluation error. */
  static parse(text: string): Duration {
    const [, sign, ...amounts] = (text.length <= textMax && pattern.exec(text)) || [];
    if (sign === undefined || amounts.every((amount) => amount === undefined)) throw extensionError('duration', `\`${text}\` is not a well-formed duration`);
    const sum = amounts.reduce((total, amount, index) => total + BigInt(amount ?? 0) * BigInt(units[index] ?? 1), 0n);
    const ms = toLong(sign === '-' ? -sum : sum);
    if (ms === undefined) throw extensionError('duration', `overflow when converting \`${text}\` to duration`);
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
