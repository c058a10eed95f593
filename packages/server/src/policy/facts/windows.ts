import { FlyballError } from '@flyball/protocol';
import ICAL from 'ical.js';
import { verifyZone, wallOffset, type WallTime } from './zones.js';

type Component = InstanceType<typeof ICAL.Component>;
type Property = InstanceType<typeof ICAL.Property>;
type Time = InstanceType<typeof ICAL.Time>;

/** What a calendar says of a moment. */
export interface CalendarAnswer {
  /** Whether one of its events is going on. */
  readonly open: boolean;
  /** It stays so until then at least; a month is looked ahead. */
  readonly untilMs: number;
  /** Of what goes on, or of what comes next. */
  readonly summary: string;
}

interface Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly summary: string;
}

const dayMs = 86_400_000;
/** How far ahead is looked. */
const aheadMs = 32 * dayMs;
/** What a clock on a wall can differ from UTC, with some to spare. */
const slackMs = 2 * dayMs;
const eventsMax = 2_000;
const occurrencesMax = 20_000;
const summaryMost = 500;

/** A zone of the time zone database, for a calendar that names one and does not define it. */
class KnownZone extends ICAL.Timezone {
  constructor(private readonly zoneName: string) {
    super({ tzid: zoneName });
  }

  override utcOffset(time: Time): number {
    return wallOffset(time as unknown as WallTime, this.zoneName) / 1_000;
  }
}

/** Every window that is open now or opens within a month, by a calendar's text. Throws for whatever would have to be guessed. */
export function windowsOf(text: string, zone: string | undefined, nowMs: number): readonly Window[] {
  const parsed = ICAL.parse(text) as unknown[];
  const roots = (Array.isArray(parsed[0]) ? parsed : [parsed]).map((jcal) => new ICAL.Component(jcal as unknown as ConstructorParameters<typeof ICAL.Component>[0]));
  if (roots.some((root) => root.name !== 'vcalendar')) throw expected('VCALENDAR');
  const reader = new Reader(zone, nowMs);
  const events = roots.flatMap((root) => root.getAllSubcomponents('vevent'));
  if (events.length > eventsMax) throw expected(`at most ${eventsMax} events`);
  const moved = new Map<string, Set<number>>();
  for (const event of events.filter((each) => each.hasProperty('recurrence-id'))) {
    const ids = moved.get(uidOf(event)) ?? new Set();
    moved.set(uidOf(event), ids.add(reader.movedFrom(event)));
  }
  return events.flatMap((event) => reader.windows(event, moved.get(uidOf(event)) ?? new Set()));
}

/** Windows that overlap or touch are one. */
export function answerOf(windows: readonly Window[], nowMs: number): CalendarAnswer {
  const sorted = [...windows].sort((left, right) => left.startMs - right.startMs || left.endMs - right.endMs || (left.summary < right.summary ? -1 : 1));
  const current = sorted.filter(({ startMs, endMs }) => startMs <= nowMs && nowMs < endMs);
  const next = sorted.find(({ startMs }) => startMs > nowMs);
  if (current.length === 0) return { open: false, untilMs: Math.min(next?.startMs ?? Infinity, nowMs + aheadMs), summary: next?.summary ?? '' };
  const untilMs = sorted.reduce((end, window) => (window.startMs <= end ? Math.max(end, window.endMs) : end), nowMs);
  return { open: true, untilMs: Math.min(untilMs, nowMs + aheadMs), summary: current[0]?.summary ?? '' };
}

class Reader {
  #occurrences = 0;

  constructor(
    private readonly zone: string | undefined,
    private readonly nowMs: number,
  ) {}

  windows(event: Component, moved: ReadonlySet<number>): readonly Window[] {
    const start = this.#time(event, 'dtstart');
    if (!start) throw expected('DTSTART in every event');
    if (event.hasProperty('exrule') || event.getAllProperties('rdate').some((rdate) => rdate.type === 'period')) throw expected('no EXRULE and no RDATE with periods');
    for (const name of ['exdate', 'rdate']) for (const property of event.getAllProperties(name)) this.#verifyLike(property, start);
    if (String(event.getFirstPropertyValue('status') ?? '').toUpperCase() === 'CANCELLED') return [];
    const endOf = this.#endOf(event, start);
    const summary = String(event.getFirstPropertyValue('summary') ?? '').slice(0, summaryMost);
    const recurs = !event.hasProperty('recurrence-id') && (event.hasProperty('rrule') || event.hasProperty('rdate'));
    return (recurs ? this.#starts(event, start, { moved, longestMs: endOf(start) - this.#ms(start) }) : [start]).map((time) => ({ startMs: this.#ms(time), endMs: endOf(time), summary }));
  }

  /** Which occurrence of a series an event stands for. */
  movedFrom(event: Component): number {
    const property = event.getFirstProperty('recurrence-id');
    const time = this.#time(event, 'recurrence-id');
    if (!property || !time || property.getFirstParameter('range')) throw expected('RECURRENCE-ID without RANGE');
    return this.#ms(time);
  }

  /** Starts that can matter; the others are passed over without being converted. */
  #starts(event: Component, start: Time, { moved, longestMs }: { readonly moved: ReadonlySet<number>; readonly longestMs: number }): readonly Time[] {
    const expansion = new ICAL.RecurExpansion({ component: event, dtstart: start });
    const starts: Time[] = [];
    for (let next = expansion.next() as Time | null | undefined; next; next = expansion.next() as Time | null | undefined) {
      if (++this.#occurrences > occurrencesMax) throw expected(`at most ${occurrencesMax} occurrences until a month from now`);
      const shown = Date.UTC(next.year, next.month - 1, next.day, next.hour, next.minute, next.second);
      if (shown > this.nowMs + aheadMs + slackMs) break;
      if (shown + longestMs + slackMs >= this.nowMs && !moved.has(this.#ms(next))) starts.push(next);
    }
    return starts;
  }

  /** When an occurrence ends that starts at a time. */
  #endOf(event: Component, start: Time): (from: Time) => number {
    const end = this.#time(event, 'dtend');
    const duration = event.getFirstPropertyValue('duration') as InstanceType<typeof ICAL.Duration> | null;
    if (end && duration) throw expected('DTEND or DURATION, not both');
    if (end && end.isDate !== start.isDate) throw expected('DTSTART and DTEND of one type');
    if (duration?.isNegative) throw expected('no negative DURATION');
    // Days are counted as days, some of which have 23 hours or 25; hours are exact (RFC 5545, sections 3.3.6 and 3.8.5.3).
    const days = duration ? duration.weeks * 7 + duration.days : start.isDate ? (end ? Math.round(end.subtractDate(start).toSeconds() / 86_400) : 1) : 0;
    const exactMs = duration ? ((duration.hours * 60 + duration.minutes) * 60 + duration.seconds) * 1_000 : end && !start.isDate ? this.#ms(end) - this.#ms(start) : 0;
    return (from) => {
      const later = from.clone();
      if (days !== 0) later.addDuration(ICAL.Duration.fromSeconds(days * 86_400));
      return this.#ms(later) + exactMs;
    };
  }

  #time(event: Component, name: string): Time | undefined {
    const property = event.getFirstProperty(name);
    if (!property) return undefined;
    this.#verifyZoned(property);
    const value: unknown = property.getFirstValue();
    if (!(value instanceof ICAL.Time) || Number.isNaN(value.toUnixTime())) throw expected(`a time in ${name.toUpperCase()}`);
    return value;
  }

  /** An EXDATE that is a day excludes no time of that day, whoever wrote it so. */
  #verifyLike(property: Property, start: Time): void {
    this.#verifyZoned(property);
    for (const value of property.getValues() as unknown[]) if (!(value instanceof ICAL.Time) || value.isDate !== start.isDate) throw expected(`${property.name.toUpperCase()} of the type of DTSTART`);
  }

  #verifyZoned(property: Property): void {
    const name: unknown = property.getParameter('tzid');
    if (typeof name !== 'string') return;
    const root = property.parent?.parent as Component | undefined;
    if (root?.getTimeZoneByID(name) || ICAL.TimezoneService.has(name)) return;
    verifyZone(name);
    ICAL.TimezoneService.register(new KnownZone(name), name);
  }

  #ms(time: Time): number {
    if (time.isDate || time.zone === ICAL.Timezone.localTimezone) {
      if (this.zone === undefined) throw expected('`time_zone` in the configuration, for whole days and times without a zone');
      const wall: WallTime = time.isDate ? { year: time.year, month: time.month, day: time.day, hour: 0, minute: 0, second: 0 } : (time as unknown as WallTime);
      return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second) - wallOffset(wall, this.zone);
    }
    return time.toUnixTime() * 1_000;
  }
}

const uidOf = (event: Component): string => String(event.getFirstPropertyValue('uid') ?? '');
const expected = (what: string) => new FlyballError('internal', `expected ${what} in the calendar`);
