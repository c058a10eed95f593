import { FlyballError, type JsonObject } from '@flyball/protocol';
import type { Call } from '../../action/states.js';
import { limits } from '../../lib/limits.js';

/** What the catalogue says of a grant. */
export interface GrantTerms {
  readonly description: string;
  readonly owner: string;
  readonly longestMs: number;
}

/** What is asked for: which grant, why, for how long and until when at the latest, and how to go back. */
export interface AccessWish {
  readonly grant: string;
  readonly why: string;
  readonly minutes?: number | undefined;
  /** RFC 3339. */
  readonly until?: string | undefined;
  readonly rollback?: string | undefined;
  /** Asked by a person for an identity, not by the identity itself. */
  readonly byPerson: boolean;
  /** The enforcement point that asks for the identity; policies and people see through whom it was asked. */
  readonly enforcementPoint?: string | undefined;
}

/** What is asked for, whoever asks. */
export type Wish = Omit<AccessWish, 'byPerson' | 'enforcementPoint'>;

const minuteMs = 60_000;
export const accessMethod = 'access/request';

/**
 * The request as an attempt. Where only an end is given, the length is what is left until then, in whole minutes.
 * Throws `request_malformed`.
 */
export function callOf({ grant, why, minutes, until, rollback, byPerson, enforcementPoint }: AccessWish, nowMs: number): Call {
  const untilMs = until === undefined ? undefined : Date.parse(until);
  if (untilMs === undefined && minutes === undefined) throw malformed('`until` or `minutes`: no grant is for ever');
  if (untilMs !== undefined && !(untilMs > nowMs)) throw malformed('`until` to be a time in the future');
  const length = minutes ?? Math.ceil(((untilMs ?? nowMs) - nowMs) / minuteMs);
  if (!Number.isSafeInteger(length) || length < 1 || length * minuteMs > limits.grantMsMax) throw malformed(`\`minutes\` from 1 to ${limits.grantMsMax / minuteMs}`);
  const args: JsonObject = { minutes: length, why, by_person: byPerson, ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }), ...(rollback !== undefined && { rollback }), ...(enforcementPoint !== undefined && { enforcement_point: enforcementPoint }) };
  return { upstream: 'flyball', method: accessMethod, name: grant, params: { name: grant, arguments: args }, args };
}

/** When a grant ends that is opened now: what was asked for, agreed to and declared, whichever is first. */
export function endOf(args: JsonObject, { longestMs }: GrantTerms, nowMs: number): number {
  const { minutes, until } = args;
  const lengthMs = typeof minutes === 'number' && minutes > 0 ? Math.floor(minutes * minuteMs) : 0;
  const untilMs = typeof until === 'string' ? Date.parse(until) : Infinity;
  const ends = Math.min(nowMs + lengthMs, nowMs + longestMs, untilMs);
  return Number.isFinite(ends) ? ends : nowMs;
}

/** What is wrong with a request that policy would not deny. Nobody is asked about it then. */
export function faultOf({ args, name }: Call, { longestMs }: GrantTerms, nowMs: number): FlyballError | undefined {
  if (Number(args['minutes']) * minuteMs > longestMs) return malformed(`at most ${longestMs / minuteMs} minutes: the catalogue gives \`${name}\` no longer`);
  return typeof args['until'] === 'string' && !(Date.parse(args['until']) > nowMs) ? malformed('`until` to be a time in the future: the time that was asked for is over') : undefined;
}

const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}; nothing was granted`);
