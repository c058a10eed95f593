import { type Decision, type Entry, FlyballError } from '@flyball/protocol';
import type { SessionState } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { isTimeId, randomSalt } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import { isSameName, type People } from './approve.js';

/** What holds need of the record. */
export interface HoldRecord {
  find(id: string): Promise<Entry | undefined>;
  read(stream: string): Promise<{ readonly version: number; readonly state: SessionState | undefined }>;
  append(draft: {
    readonly kind: 'approval' | 'hold.settled';
    readonly streams: readonly { readonly stream: string; readonly expected?: number }[];
    readonly body: unknown;
    readonly settles?: string;
    readonly payload?: { readonly salt: string; readonly content: string };
  }): Promise<Entry | undefined>;
  /** The reference of a person, by which entries name them, and the name behind one. */
  refOf(person: string): Promise<string>;
  nameOf(ref: string): Promise<string>;
}

export interface HoldBody {
  readonly session: string;
  readonly digest: string;
  readonly identity: string;
  readonly on_behalf_of?: string;
  readonly chain: readonly string[];
  readonly action: string;
  readonly decision: Decision;
}

export interface Answer {
  readonly hold: string;
  readonly person: string;
  readonly agrees: boolean;
  readonly reason: string;
}

/** People's answers to holds. Every answer is an entry; the last one that counts is found by folding them. */
export class Holds {
  constructor(
    private readonly record: HoldRecord,
    private readonly people: () => People,
    private readonly clock: Clock,
  ) {}

  async answer(answer: Answer): Promise<Entry> {
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const written = await this.#tryAnswer(answer);
      if (written) return written;
    }
    throw new FlyballError('conflict', 'the answer could not be recorded now; nothing was changed, try again');
  }

  async #tryAnswer({ hold: id, person, agrees, reason }: Answer): Promise<Entry | undefined> {
    const entry = isTimeId(id) ? await this.record.find(id) : undefined;
    if (entry?.kind !== 'hold') throw new FlyballError('not_found', 'no such hold; `flyball holds` lists those that wait');
    const body = entry.body as HoldBody;
    const stream = `session:${body.session}`;
    const { version, state } = await this.record.read(stream);
    const hold = state?.holds[body.digest];
    if (hold?.id !== id || hold.status !== 'pending' || hold.deadlineMs <= this.clock.now()) throw refused('this hold is settled or has expired');
    await this.#verifyMayAnswer(body, person);
    const ref = await this.record.refOf(person);
    if (hold.agreed.some((earlier) => earlier.person === ref) && agrees) throw refused('this person has agreed already');
    const place = [{ stream, expected: version }];
    const answered = { session: body.session, digest: body.digest, person: ref };
    const payload = { salt: randomSalt(), content: JSON.stringify({ reason: reason.slice(0, 2_000) }) };
    if (agrees) return this.record.append({ kind: 'approval', streams: place, body: { ...answered, hold: id }, payload });
    return this.record.append({ kind: 'hold.settled', streams: place, settles: id, body: { ...answered, status: 'refused' }, payload });
  }

  async #verifyMayAnswer(body: HoldBody, person: string): Promise<void> {
    const requester = body.on_behalf_of === undefined ? undefined : await this.record.nameOf(body.on_behalf_of);
    if (requester !== undefined && requester === body.on_behalf_of) throw refused('the person whom this is for was erased, so nobody can tell who may answer');
    if ([body.identity, requester, ...body.chain].some((name) => name !== undefined && isSameName(name, person))) throw refused('nobody answers what they asked for themselves');
    const groups = body.decision.approvals.map((rule) => rule.approvers);
    if (!groups.some((group) => this.people().isMember(person, group))) throw refused(`expected a member of ${groups.map((group) => `\`${group}\``).join(' or ') || 'no group: this waits for facts'}`);
  }
}

const refused = (message: string) => new FlyballError('approval_refused', message);
