import { FlyballError } from '@flyball/protocol';

/** Time on a wall: what a clock of some place shows. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const dayMs = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Throws `internal` for a name that the time zone database does not have. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  try {
    const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', era: 'short', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    formats.set(zone, made);
    return made;
  } catch (cause) {
    throw new FlyballError('internal', `expected a time zone that is defined or known, got \`${zone.slice(0, 64)}\``, { cause });
  }
}

export const verifyZone = (zone: string): void => void formatOf(zone);

/** What the zone's clocks are ahead of UTC at a moment, in milliseconds. */
function offsetAt(ms: number, zone: string): number {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

/**
 * What a zone's clocks are ahead of UTC when they show a time, in milliseconds. A time that they show twice is the first
 * of the two, one that they never show is read with the offset from before it (RFC 5545, section 3.3.5).
 */
export function wallOffset({ year, month, day, hour, minute, second }: WallTime, zone: string): number {
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  const before = offsetAt(shown - dayMs, zone);
  const after = offsetAt(shown + dayMs, zone);
  if (before === after || offsetAt(shown - before, zone) === before) return before;
  return offsetAt(shown - after, zone) === after ? after : before;
}
