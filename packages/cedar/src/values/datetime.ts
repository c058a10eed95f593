import { extensionError } from '../errors.js';
import { add, type Long, modulo, subtract } from './long.js';
import { Duration, units } from './duration.js';
import { shown } from './quote.js';

const pattern = /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?$/;
const [dayMs, hourMs, minuteMs, secondMs] = units;

/** A point in time: milliseconds since 1970-01-01T00:00:00Z, of 64 bits. */
export class Datetime {
  readonly kind = 'datetime';

  constructor(readonly epochMs: Long) {}

  /** `2026-11-22`, or with `T12:30:00`, perhaps `.250`, and `Z` or `+0100`. Throws an evaluation error. */
  static parse(text: string): Datetime {
    const match = pattern.exec(text);
    if (!match) throw extensionError('datetime', `\`${shown(text)}\` is not a well-formed datetime`);
    const part = (index: number) => Number(match[index] ?? 0);
    const [year, month, day] = [part(1), part(2), part(3)];
    const [hour, minute, second] = [part(4), part(5), part(6)];
    const [offsetHours, offsetMinutes] = [part(9), part(10)];
    if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) throw extensionError('datetime', `\`${text}\` has a time or an offset out of range`);
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw extensionError('datetime', `\`${text}\` has a date that does not exist`);
    const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHours * hourMs + offsetMinutes * minuteMs);
    return new Datetime(date.getTime() + hour * hourMs + minute * minuteMs + second * secondMs + part(7) - offsetMs);
  }

  plus(duration: Duration): Datetime {
    return new Datetime(add(this.epochMs, duration.ms));
  }

  since(other: Datetime): Duration {
    return new Duration(subtract(this.epochMs, other.epochMs));
  }

  /** The midnight before it, in UTC. */
  toDate(): Datetime {
    return new Datetime(subtract(this.epochMs, modulo(this.epochMs, dayMs)));
  }

  /** The time since that midnight. */
  toTime(): Duration {
    return new Duration(modulo(this.epochMs, dayMs));
  }

  get identity(): string {
    return `datetime ${this.epochMs}`;
  }
}
