import { createHash } from 'node:crypto';
import type { Proven } from '../../identity/index.js';
import { BoundedMap } from '../../lib/bounded-map.js';
import type { Clock } from '../../lib/clock.js';
import { randomHandle } from '../../lib/ids.js';
import { Secret } from '../../lib/secret.js';

export const visitMs = 8 * 60 * 60_000;
export const idleMs = 30 * 60_000;
/** For so long after somebody proved who they are they may change how they prove it. */
export const freshMs = 5 * 60_000;
const perPersonMost = 20;
const allMost = 10_000;

/** A person who is signed in, in one browser. */
export interface Visit {
  readonly person: string;
  /** What the provider said: who left people.yaml since, or is somebody else there, is out at once. */
  readonly proven: Proven;
  /** Every request that changes something shows it in a header, which no other site's page can set. */
  readonly formToken: Secret;
  readonly untilMs: number;
  readonly freshUntilMs: number;
  readonly seenMs: number;
}

/** Who is signed in on this node. Only digests of handles are kept; none outlives the process. */
export class Visits {
  readonly #visits: BoundedMap<Visit>;

  constructor(private readonly clock: Clock) {
    this.#visits = new BoundedMap(clock, { perOwnerMost: perPersonMost, allMost, ownerOf: ({ person }) => person, endsAtMs: ({ untilMs, seenMs }) => Math.min(untilMs, seenMs + idleMs) });
  }

  /** A new handle each time: one that a stranger planted beforehand is never given a person. */
  open(person: string, proven: Proven): string {
    const handle = `${randomHandle()}${randomHandle()}`;
    const now = this.clock.now();
    const freshUntilMs = proven.authenticatedAtMs === undefined ? 0 : Math.min(proven.authenticatedAtMs, now) + freshMs;
    this.#visits.add(digest(handle), { person, proven, formToken: new Secret(randomHandle()), untilMs: now + visitMs, freshUntilMs, seenMs: now });
    return handle;
  }

  /**
   * The visit of a handle, unless it is over.
   *
   * @param byItself a page that looks for news is no sign of a person: it does not keep a visit alive
   */
  find(handle: string, byItself = false): Visit | undefined {
    const key = digest(handle);
    const visit = this.#visits.find(key);
    if (!visit || byItself) return visit;
    const seen = { ...visit, seenMs: this.clock.now() };
    this.#visits.replace(key, seen);
    return seen;
  }

  end(handle: string): void {
    this.#visits.delete(digest(handle));
  }
}

const digest = (handle: string): string => createHash('sha256').update(handle).digest('base64');
