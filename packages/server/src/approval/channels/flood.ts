import type { Happening } from './events.js';

/** Messages about one identity that are told by themselves within one window; what is more becomes one message. */
export const floodMost = 5;
export const floodMs = 60_000;
/** Identities that are counted apart at one time; those beyond are counted together. */
const countedMost = 1_000;
const groupsMost = 50;

/** What was told of one identity in this window, and what was only counted. */
export interface Flood {
  readonly sinceMs: number;
  readonly told: number;
  readonly more?: Batch;
}

/** Many happenings in one message. */
export interface Batch {
  readonly count: number;
  /** The first of them. */
  readonly entry: string;
  readonly atMs: number;
  /** Places in the log that they are between; empty where they have none. */
  readonly first: string;
  readonly last: string;
  readonly groups: readonly string[];
}

/** By event, identity and target: one machine's flood hides nobody else's questions. */
export type Floods = Map<string, Flood>;

/** True when a happening is told by itself; otherwise it is counted, and told of with the others when the window ends. */
export function isToldAlone(floods: Floods, happening: Happening, target: string, index: string, nowMs: number): boolean {
  // Nobody is to miss an emergency, however many there are.
  if (happening.event === 'emergency') return true;
  const own = floodKey(happening.event, happening.identity, target);
  const key = floods.has(own) || floods.size < countedMost ? own : floodKey(happening.event, '', target);
  const flood = floods.get(key) ?? { sinceMs: nowMs, told: 0 };
  const alone = flood.told < floodMost && !flood.more;
  floods.set(key, alone ? { ...flood, told: flood.told + 1 } : { ...flood, more: add(flood.more, happening, index) });
  return alone;
}

function add(more: Batch | undefined, { entry, atMs, groups }: Happening, index: string): Batch {
  if (!more) return { count: 1, entry, atMs, first: index, last: index, groups };
  return { ...more, count: more.count + 1, last: index, groups: [...new Set([...more.groups, ...groups])].slice(0, groupsMost) };
}

export interface RipeBatch extends Batch {
  readonly event: Happening['event'];
  readonly identity: string;
  readonly target: string;
}

/** Ends the windows whose time is over; returns what was counted in them. Who goes on flooding is told of once a window. */
export function ripeBatches(floods: Floods, windowMs: number, nowMs: number): readonly RipeBatch[] {
  return [...floods].flatMap(([key, { sinceMs, more }]) => {
    // A window from the future is a clock's mistake.
    if (nowMs - sinceMs < windowMs && sinceMs <= nowMs + windowMs) return [];
    if (!more) {
      floods.delete(key);
      return [];
    }
    floods.set(key, { sinceMs: nowMs, told: floodMost });
    const [event, identity, target] = JSON.parse(key) as [Happening['event'], string, string];
    return [{ ...more, event, identity, target }];
  });
}

const floodKey = (event: string, identity: string, target: string): string => JSON.stringify([event, identity, target]);
