import { createHash } from 'node:crypto';
import { FlyballError } from '@flyball/protocol';
import { inTime } from '../rego/time-limit.js';
import type { CalendarAnswer } from './windows.js';
import { verifyZone } from './zones.js';

const computeMs = 500;
const textMost = 512 * 1024;

/** Change windows of an iCalendar document (RFC 5545). What it cannot say for certain is an error: a window that is guessed opens a door. */
export class Calendar {
  /** A document that took too long once; it would every time. */
  #tooMuch: string | undefined;

  /** @param zone of whole days and of times without a zone; without it they are refused. Throws `config_invalid` for an unknown one. */
  constructor(private readonly zone: string | undefined) {
    if (zone === undefined) return;
    try {
      verifyZone(zone);
    } catch (cause) {
      throw new FlyballError('config_invalid', `expected \`time_zone\` with a name of the time zone database, got \`${zone}\``, { cause });
    }
  }

  /** Throws `internal`. */
  async at(text: string, nowMs: number): Promise<CalendarAnswer> {
    const digest = createHash('sha256').update(text).digest('hex');
    if (text.length > textMost || digest === this.#tooMuch) throw tooMuch();
    const { windowsOf, answerOf } = await import('./windows.js');
    try {
      // A rule that no day fulfils is searched for without end; nothing but time gets out of that.
      return inTime(computeMs, () => answerOf(windowsOf(text, this.zone, nowMs), nowMs));
    } catch (cause) {
      if (cause instanceof FlyballError) throw cause;
      const late = cause instanceof Error && cause.message.startsWith('expected an answer within');
      if (late) this.#tooMuch = digest;
      throw late ? tooMuch() : new FlyballError('internal', 'expected an iCalendar document', { cause });
    }
  }
}

const tooMuch = () => new FlyballError('internal', `expected a calendar of at most ${textMost} characters that can be read within ${computeMs} ms`);
