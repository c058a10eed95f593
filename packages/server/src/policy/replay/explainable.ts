import type { JsonObject } from '@flyball/protocol';
import type { Question } from '../temporal.js';
import type { Happened } from './event-log.js';
import type { Asked } from './read-decisions.js';
import { isSame } from './same.js';

const nearMost = 32;
const sessionsMost = 8;

/**
 * Whether clauses can have been answered as they were, given what the record does not tell: which events of the same
 * moment had been seen, those of other sessions and for a refusal those of its own as well, and in which order two
 * sessions did what they did in one millisecond. Asked when everything near was read.
 */
export function tellsApart({ track, row, nowMs, bundle }: Asked, question: Question, seen: JsonObject, nearMs: number): () => boolean {
  const { version } = track;
  const isRefusal = row.entry.kind === 'refusal';
  return () => {
    const { monitor } = bundle.temporal;
    const isOwn = ({ stream }: Happened) => stream === track.stream;
    const isNear = (happened: Happened) => happened.event.atMs >= nowMs - nearMs && (!isOwn(happened) || isRefusal);
    const events = track.owner.events.since(nowMs - monitor.horizonMs).filter((happened) => happened.event.atMs <= row.entry.at + nearMs && (!isOwn(happened) || happened.version <= version));
    const sure = events.filter((happened) => !isNear(happened));
    const near = events.filter(isNear);
    const orders = ordersOf(events);
    const comesOut = (chosen: readonly Happened[]) => {
      const history = monitor.newHistory();
      for (const { event } of chosen) history.add(event);
      return isSame(seen, Object.fromEntries(monitor.ask(history, question.event, question.present)));
    };
    for (let known = Math.min(near.length, nearMost); known >= 0; known--) {
      const chosen = [...sure, ...near.slice(0, known)];
      if (orders.some((order) => comesOut([...chosen].sort(order)))) return true;
    }
    return false;
  };
}

type Order = (left: Happened, right: Happened) => number;

/** Orders by time; what two sessions did in one millisecond can have come in either order. */
function ordersOf(events: readonly Happened[]): readonly Order[] {
  const byTime: Order = (left, right) => left.event.atMs - right.event.atMs;
  const at = new Map<number, Set<string>>();
  for (const { event, stream } of events) at.set(event.atMs, (at.get(event.atMs) ?? new Set()).add(stream));
  const tied = [...at.values()].filter(({ size }) => size > 1).flatMap((streams) => [...streams]);
  const sessions = [...new Set(tied)].slice(0, sessionsMost);
  const preferring = (session: string, sign: 1 | -1): Order => (left, right) => byTime(left, right) || sign * (Number(left.stream === session) - Number(right.stream === session));
  return [byTime, ...sessions.flatMap((session) => [preferring(session, 1), preferring(session, -1)])];
}
