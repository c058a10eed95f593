import { type Entry, FlyballError, type Identity, type Principal } from '@flyball/protocol';
import type { Identified, SessionSnapshot, SessionState, Situated } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { matchesGlob } from '../lib/glob.js';
import { isTimeId, randomSalt, timeId } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import { type IdentityState, type Opening, openingContent, type SessionOpened } from './fold.js';

/** What sessions need of the record. */
export interface SessionRecord {
  append(draft: {
    readonly kind: 'session.opened' | 'session.ended';
    readonly streams: readonly { readonly stream: string; readonly expected?: number }[];
    readonly body: unknown;
    readonly deadline?: number;
    readonly settles?: string;
    readonly payload?: Opening;
  }): Promise<Entry | undefined>;
  read<S>(stream: string): Promise<{ readonly version: number; readonly state: S | undefined }>;
  /** The reference of a person, by which entries name them. */
  refOf(person: string): Promise<string>;
}

export interface SessionWish {
  readonly purpose?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly ttlMs?: number | undefined;
}

/** Whose sessions: an identity's, for one person. */
interface Owner {
  readonly stream: string;
  /** The person, by reference. */
  readonly person: string | undefined;
}

/** The second question: for what task, and what has it seen, done and spent so far? */
export class Sessions {
  constructor(
    private readonly record: SessionRecord,
    private readonly clock: Clock,
  ) {}

  async situate(identified: Identified): Promise<Situated> {
    const { principal, sessionHandle } = identified;
    const owner = await this.#ownerOf(principal);
    const session = sessionHandle === undefined ? await this.#ownSession(principal, owner) : await this.#namedSession(sessionHandle, principal, owner);
    return { ...identified, session: await this.#knowing(session, owner) };
  }

  /** Opens a session for a task. It can do no more than its identity may, and knows what its identity's open sessions know. */
  async open(principal: Principal, wish: SessionWish): Promise<SessionState> {
    const capabilities = narrowed(principal.identity, wish.capabilities);
    const purpose = wish.purpose ?? principal.identity.purpose;
    const owner = await this.#ownerOf(principal);
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const opened = await this.#tryOpen(principal, owner, { purpose, capabilities, implicit: false }, wish.ttlMs ?? limits.sessionMs);
      if (opened) return opened.state;
    }
    throw new FlyballError('conflict', 'the session could not be opened now; try again');
  }

  async end(id: string, principal: Principal): Promise<void> {
    const owner = await this.#ownerOf(principal);
    const { stream, state } = await this.#namedSession(id, principal, owner);
    const known = await this.record.read<IdentityState>(owner.stream);
    const opening = known.state?.sessions.find((session) => session.id === state.id && !session.ended);
    if (!opening) throw unknownSession();
    await this.record.append({ kind: 'session.ended', streams: [{ stream }, { stream: owner.stream }], settles: opening.entry, body: { session: id, reason: 'ended by its identity' } });
  }

  /** What an identity learnt in one session it knows in every other: of a task only the labels can be kept apart, not the memory. */
  async #knowing({ stream, version, state }: SessionSnapshot, owner: Owner): Promise<SessionSnapshot> {
    const known = await this.record.read<IdentityState>(owner.stream);
    const labels = await this.#labelsOf(known.state, this.clock.now(), state);
    const learnt = labels.every((label) => state.labels.includes(label)) ? state : { ...state, labels: [...new Set([...state.labels, ...labels])].sort() };
    return { stream, version, state: learnt, others: () => this.#othersOf(known.state, stream) };
  }

  async #namedSession(id: string, principal: Principal, owner: Owner): Promise<SessionSnapshot> {
    const snapshot = isTimeId(id) ? await this.#snapshot(id) : undefined;
    const own = snapshot?.state.identity === principal.identity.id && snapshot.state.onBehalfOf === owner.person;
    // The same answer for a session that never was and for somebody else's: a handle can be guessed at for ever.
    if (!snapshot || !own) throw unknownSession();
    if (snapshot.state.ended || snapshot.state.deadlineMs <= this.clock.now()) throw new FlyballError('session_refused', 'this session has ended; open another one');
    return snapshot;
  }

  /**
   * The session of calls that come without one. It is the identity's, not the connection's: connecting again
   * or leaving the handle away does not reset what was seen and done.
   */
  async #ownSession(principal: Principal, owner: Owner): Promise<SessionSnapshot> {
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const known = await this.record.read<IdentityState>(owner.stream);
      const now = this.clock.now();
      const current = known.state?.sessions.findLast((session) => session.implicit && !session.ended && session.deadlineMs > now);
      const snapshot = current ? await this.#snapshot(current.id) : undefined;
      if (snapshot && !snapshot.state.ended) return snapshot;
      const { purpose, capabilities } = principal.identity;
      const opened = await this.#tryOpen(principal, owner, { purpose, capabilities, implicit: true }, limits.sessionMs);
      if (opened) return opened;
    }
    throw new FlyballError('conflict', 'the session could not be opened now; try again');
  }

  async #tryOpen(principal: Principal, owner: Owner, { purpose, ...terms }: Pick<SessionOpened, 'capabilities' | 'implicit'> & { readonly purpose: string }, ttlMs: number): Promise<SessionSnapshot | undefined> {
    const known = await this.record.read<IdentityState>(owner.stream);
    const now = this.clock.now();
    const id = timeId(now);
    const body: SessionOpened = {
      session: id,
      identity: principal.identity.id,
      ...(owner.person !== undefined && { on_behalf_of: owner.person }),
      ...terms,
      inherited: await this.#labelsOf(known.state, now),
    };
    if ((known.state?.sessions ?? []).filter((session) => session.rememberedUntilMs > now).length >= limits.sessionsOpenMax) throw new FlyballError('overloaded', `this identity has opened ${limits.sessionsOpenMax} sessions in a short time; use one of them, or wait`);
    if (!Number.isFinite(ttlMs)) throw new FlyballError('session_refused', 'expected a time to live');
    const deadline = now + Math.min(Math.max(1_000, ttlMs), limits.sessionMs);
    const streams = [{ stream: sessionStream(id), expected: 0 }, { stream: owner.stream, expected: known.version }];
    const payload = { salt: randomSalt(), content: openingContent(purpose) };
    const entry = await this.record.append({ kind: 'session.opened', streams, deadline, body, payload });
    return entry && this.#snapshot(id);
  }

  /** Labels of an identity's sessions that are remembered; of one of them the state is known already. */
  async #labelsOf(state: IdentityState | undefined, now: number, known?: SessionState): Promise<readonly string[]> {
    const recent = (state?.sessions ?? []).filter((session) => session.rememberedUntilMs > now && session.id !== known?.id);
    if (recent.length === 0) return [];
    const snapshots = await Promise.all(recent.map((session) => this.#snapshot(session.id)));
    return [...new Set(snapshots.flatMap((snapshot) => snapshot?.state.labels ?? []))].sort();
  }

  /** Streams of the other sessions that temporal clauses can still see something of. */
  async #othersOf(state: IdentityState | undefined, own: string): ReturnType<NonNullable<SessionSnapshot['others']>> {
    const streams = (state?.sessions ?? []).map(({ id }) => sessionStream(id)).filter((stream) => stream !== own);
    return Promise.all(streams.map(async (stream) => ({ stream, version: (await this.record.read(stream)).version })));
  }

  /** The stream of an identity's sessions for one person, who is in it by reference. */
  async #ownerOf({ identity, onBehalfOf }: Principal): Promise<Owner> {
    const person = onBehalfOf === undefined ? undefined : await this.record.refOf(onBehalfOf);
    return { stream: `identity:${JSON.stringify([identity.id, person ?? null])}`, person };
  }

  async #snapshot(id: string): Promise<SessionSnapshot | undefined> {
    const stream = sessionStream(id);
    const { version, state } = await this.record.read<SessionState>(stream);
    return state && { stream, version, state };
  }
}

export const sessionStream = (id: string): string => `session:${id}`;

/** Wished capabilities, each of which the identity must already have: a session narrows, it never widens. */
function narrowed(identity: Identity, wished: readonly string[] | undefined): readonly string[] {
  if (!wished) return identity.capabilities;
  const beyond = wished.find((pattern) => !identity.capabilities.some((own) => covers(own, pattern)));
  if (beyond !== undefined) throw new FlyballError('session_refused', `the capability \`${beyond.slice(0, 128)}\` is not one that this identity has`);
  return wished;
}

/** True when everything that `inner` matches is matched by `outer`: `*` in `inner` is a character like any other here. */
const covers = (outer: string, inner: string): boolean => matchesGlob(outer, inner);

/** True when the session's task includes an action. */
export function permitsAction(state: SessionState, action: string): boolean {
  return state.capabilities.some((pattern) => matchesGlob(pattern, action));
}

const unknownSession = () => new FlyballError('session_refused', 'no such session; open one or leave the header away');
