import type { JsonObject } from '@flyball/protocol';
import type { Question } from '../temporal.js';
import type { Happened } from './event-log.js';
import type { Asked } from './read-decisions.js';
import { isSame } from './same.js';

const triesMost = 32;

/**
 * Whether clauses can have been answered as they were, given that events of the same moment may or may not have been
 * seen: those of other sessions, and for a refusal those of its own as well. Asked when everything near was read.
 */
export function tellsApart({ track, row, nowMs, bundle }: Asked, question: Question, seen: JsonObject, nearMs: number): () => boolean {
  const { version } = track;
  return () => {
    const { monitor } = bundle.temporal;
    const events = track.owner.events.since(nowMs - monitor.horizonMs).filter(({ event }) => event.atMs <= row.entry.at + nearMs);
    const isOwn = ({ stream }: Happened) => stream === track.stream;
    const isNear = (happened: Happened) => happened.event.atMs >= nowMs - nearMs && (!isOwn(happened) || row.entry.kind === 'refusal');
    const sure = events.filter((happened) => !isNear(happened) && (!isOwn(happened) || happened.version <= version));
    const near = events.filter((happened) => isNear(happened) && (!isOwn(happened) || happened.version <= version));
    for (let known = 0; known <= Math.min(near.length, triesMost); known++) {
      const history = monitor.newHistory();
      const chosen = [...sure, ...near.slice(0, known)].sort((left, right) => left.event.atMs - right.event.atMs);
      for (const { event } of chosen) history.add(event);
      if (isSame(seen, Object.fromEntries(monitor.ask(history, question.event, question.present)))) return true;
    }
    return false;
  };
}
