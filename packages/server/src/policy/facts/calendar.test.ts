import { describe, expect, test } from 'vitest';
import { Calendar } from './calendar.js';

const event = (...lines: readonly string[]) => ['BEGIN:VEVENT', 'UID:window', 'SUMMARY:Change window', ...lines, 'END:VEVENT'];
const calendar = (...events: readonly (readonly string[])[]) => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//test//EN', ...events.flat(), 'END:VCALENDAR'].join('\r\n');
const berlin = ['BEGIN:VTIMEZONE', 'TZID:Here', 'BEGIN:DAYLIGHT', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'DTSTART:19700329T020000', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3', 'END:DAYLIGHT', 'BEGIN:STANDARD', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'DTSTART:19701025T030000', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10', 'END:STANDARD', 'END:VTIMEZONE'];

async function say(text: string, now: string, zone?: string): Promise<string> {
  try {
    const { open, untilMs } = await new Calendar(zone).at(text, Date.parse(now));
    return `${open ? 'open' : 'closed'} until ${new Date(untilMs).toISOString().slice(0, 16)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const weekly = event('DTSTART;TZID=Europe/Berlin:20260105T200000', 'DTEND;TZID=Europe/Berlin:20260105T220000', 'RRULE:FREQ=WEEKLY;BYDAY=MO,WE', 'EXDATE;TZID=Europe/Berlin:20261123T200000');

describe('windows', () => {
  test.each<[string, readonly (readonly string[])[], string, string]>([
    ['one window, before', [event('DTSTART:20261122T100000Z', 'DTEND:20261122T120000Z')], '2026-11-22T09:59:59.999Z', 'closed until 2026-11-22T10:00'],
    ['one window, at its first moment', [event('DTSTART:20261122T100000Z', 'DTEND:20261122T120000Z')], '2026-11-22T10:00:00Z', 'open until 2026-11-22T12:00'],
    ['one window, at its last moment', [event('DTSTART:20261122T100000Z', 'DTEND:20261122T120000Z')], '2026-11-22T11:59:59.999Z', 'open until 2026-11-22T12:00'],
    ['one window, when it has ended', [event('DTSTART:20261122T100000Z', 'DTEND:20261122T120000Z')], '2026-11-22T12:00:00Z', 'closed until 2026-12-24T12:00'],
    ['a length instead of an end', [event('DTSTART:20261122T100000Z', 'DURATION:PT90M')], '2026-11-22T11:29:00Z', 'open until 2026-11-22T11:30'],
    ['neither: no time at all', [event('DTSTART:20261122T100000Z')], '2026-11-22T10:00:00Z', 'closed until 2026-12-24T10:00'],
    ['two that touch are one', [event('DTSTART:20261122T100000Z', 'DURATION:PT1H'), event('DTSTART:20261122T110000Z', 'DURATION:PT1H')], '2026-11-22T10:30:00Z', 'open until 2026-11-22T12:00'],
    ['every week, in summer time', [weekly], '2026-07-06T18:00:00Z', 'open until 2026-07-06T20:00'],
    ['every week, in winter time', [weekly], '2026-11-18T18:30:00Z', 'closed until 2026-11-18T19:00'],
    ['every week, in winter time, open', [weekly], '2026-11-18T20:59:00Z', 'open until 2026-11-18T21:00'],
    ['the week that is left out', [weekly], '2026-11-23T19:30:00Z', 'closed until 2026-11-25T19:00'],
    ['a zone that the file defines', [berlin, event('DTSTART;TZID=Here:20260105T200000', 'DURATION:PT2H', 'RRULE:FREQ=WEEKLY;BYDAY=MO,WE')], '2026-07-06T18:00:00Z', 'open until 2026-07-06T20:00'],
    ['a day added', [event('DTSTART:20260101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=YEARLY;COUNT=2', 'RDATE:20261122T100000Z')], '2026-11-22T10:30:00Z', 'open until 2026-11-22T11:00'],
    ['a rule with an end', [event('DTSTART:20261101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;UNTIL=20261121T100000Z')], '2026-11-22T10:30:00Z', 'closed until 2026-12-24T10:30'],
    ['a window that was cancelled', [event('DTSTART:20261122T100000Z', 'DURATION:PT1H', 'STATUS:CANCELLED')], '2026-11-22T10:30:00Z', 'closed until 2026-12-24T10:30'],
    ['one of a series is elsewhere: then', [event('DTSTART:20261101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY'), event('RECURRENCE-ID:20261122T100000Z', 'DTSTART:20261122T150000Z', 'DURATION:PT1H')], '2026-11-22T10:30:00Z', 'closed until 2026-11-22T15:00'],
    ['one of a series is elsewhere: there', [event('DTSTART:20261101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY'), event('RECURRENCE-ID:20261122T100000Z', 'DTSTART:20261122T150000Z', 'DURATION:PT1H')], '2026-11-22T15:30:00Z', 'open until 2026-11-22T16:00'],
    ['one of a series is cancelled', [event('DTSTART:20261101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY'), event('RECURRENCE-ID:20261122T100000Z', 'DTSTART:20261122T100000Z', 'DURATION:PT1H', 'STATUS:CANCELLED')], '2026-11-22T10:30:00Z', 'closed until 2026-11-23T10:00'],
    ['hours over the end of summer time are exact', [event('DTSTART;TZID=Europe/Berlin:20261025T010000', 'DURATION:PT4H')], '2026-10-25T02:59:00Z', 'open until 2026-10-25T03:00'],
    ['a day over the end of summer time is a day', [event('DTSTART;TZID=Europe/Berlin:20261024T120000', 'DURATION:P1D')], '2026-10-25T10:59:00Z', 'open until 2026-10-25T11:00'],
    ['no event at all', [], '2026-11-22T10:30:00Z', 'closed until 2026-12-24T10:30'],
  ])('story: %s', async (_name, events, now, expected) => {
    expect(await say(calendar(...events), now)).toBe(expected);
  });

  test('story: whole days and times without a zone are where the configuration says', async () => {
    const day = calendar(event('DTSTART;VALUE=DATE:20261122', 'DTEND;VALUE=DATE:20261123'));
    expect(await say(day, '2026-11-21T23:00:00Z', 'Europe/Berlin')).toBe('open until 2026-11-22T23:00');
    expect(await say(day, '2026-11-21T23:00:00Z', 'America/New_York')).toBe('closed until 2026-11-22T05:00');
    expect(await say(calendar(event('DTSTART:20261122T100000', 'DURATION:PT1H')), '2026-11-22T09:00:00Z', 'Europe/Berlin')).toBe('open until 2026-11-22T10:00');
  });
});

describe('what would have to be guessed', () => {
  test.each<[string, string, RegExp]>([
    ['a whole day and no zone', calendar(event('DTSTART;VALUE=DATE:20261122')), /time_zone/],
    ['a time without a zone', calendar(event('DTSTART:20261122T100000', 'DURATION:PT1H')), /time_zone/],
    ['a zone that nobody knows', calendar(event('DTSTART;TZID=Middle/Earth:20261122T100000', 'DURATION:PT1H')), /a time zone that is defined or known/],
    ['a day that excludes a time', calendar(event('DTSTART:20261101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY', 'EXDATE;VALUE=DATE:20261122')), /EXDATE of the type of DTSTART/],
    ['an excluding rule', calendar(event('DTSTART:20261101T100000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY', 'EXRULE:FREQ=WEEKLY')), /no EXRULE/],
    ['a change of this and all that follow', calendar(event('DTSTART:20261101T100000Z', 'RRULE:FREQ=DAILY', 'DURATION:PT1H'), event('RECURRENCE-ID;RANGE=THISANDFUTURE:20261122T100000Z', 'DTSTART:20261122T150000Z')), /RECURRENCE-ID without RANGE/],
    ['no start', calendar(event('DURATION:PT1H')), /DTSTART/],
    ['an end before the start', calendar(event('DTSTART:20261122T100000Z', 'DURATION:-PT1H')), /negative/],
    ['no calendar', 'hello', /iCalendar/],
    ['a page of HTML', '<html><body>log in</body></html>', /iCalendar/],
    ['nothing', '', /calendar|iCalendar/],
  ])('attack: %s is no answer', async (_name, text, expected) => {
    expect(await say(text, '2026-11-22T10:30:00Z')).toMatch(expected);
  });

  test('attack: every second since 1970 is not counted', async () => {
    expect(await say(calendar(event('DTSTART:19700101T000000Z', 'DURATION:PT1S', 'RRULE:FREQ=SECONDLY')), '2026-11-22T10:30:00Z')).toMatch(/at most 20000 occurrences|can be read within/);
  });

  test('attack: a rule that no day fulfils is given up, and not tried a second time', async () => {
    const text = calendar(event('DTSTART:20260101T000000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30'));
    const calendars = new Calendar(undefined);
    await expect(calendars.at(text, Date.parse('2026-11-22T10:30:00Z'))).rejects.toThrow(/can be read within/);
    const from = performance.now();
    await expect(calendars.at(text, Date.parse('2026-11-22T10:30:00Z'))).rejects.toThrow(/can be read within/);
    expect(performance.now() - from).toBeLessThan(400);
  });
});
