import { type Entry, FlyballError } from '@flyball/protocol';
import type { Clock } from '../lib/clock.js';
import { limits } from '../lib/limits.js';
import type { People } from './people.js';
import type { ApprovalRecord } from './record.js';

/** Somebody speaks for somebody who is away. People by their references. */
export interface DelegationState {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly groups: readonly string[];
  readonly untilMs: number;
}

export type DelegationsState = Readonly<Record<string, DelegationState>>;

export const delegationsStream = 'delegation:people';

export function foldDelegations(state: DelegationsState | undefined, entry: Entry): DelegationsState {
  const known = state ?? {};
  if (entry.kind === 'delegation.given') {
    const { from, to, groups } = entry.body as Pick<DelegationState, 'from' | 'to' | 'groups'>;
    return { ...known, [entry.id]: { id: entry.id, from, to, groups, untilMs: entry.deadline ?? 0 } };
  }
  if (entry.kind === 'delegation.ended') {
    const { [entry.settles ?? '']: _ended, ...left } = known;
    return left;
  }
  return known;
}

/** By whose right somebody may answer: their own first, then that of each person who lets them, one step and no further. */
export interface Authority {
  /** Name of the person whose right it is. */
  readonly name: string;
  readonly groups: readonly string[] | 'own';
}

export class Delegations {
  constructor(
    private readonly record: ApprovalRecord,
    private readonly people: () => People,
    private readonly clock: Clock,
  ) {}

  /** Lets `to` answer for `from` in some of the groups that `from` is in, until an end. */
  async give({ from, to, groups, untilMs }: { readonly from: string; readonly to: string; readonly groups: readonly string[]; readonly untilMs: number }): Promise<Entry> {
    const people = this.people();
    const now = this.clock.now();
    if (!people.isKnown(to)) throw refused('expected somebody of people.yaml to speak for you');
    if (people.canonical(from) === people.canonical(to)) throw refused('nobody speaks for themselves while they are away');
    const foreign = groups.find((group) => !people.isMember(from, group));
    if (groups.length === 0 || foreign !== undefined) throw refused(foreign === undefined ? 'expected at least one group' : `you are not in \`${foreign}\`, so nobody can answer there for you`);
    if (!(untilMs > now) || untilMs > now + limits.delegationMsMax) throw new FlyballError('request_malformed', 'expected an end within 90 days from now');
    const refs = { from: await this.record.refOf(people.canonical(from)), to: await this.record.refOf(people.canonical(to)) };
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const { version, state } = await this.record.read<DelegationsState>(delegationsStream);
      const active = Object.values(state ?? {}).filter((delegation) => delegation.untilMs > now);
      if (active.filter(({ from: giver }) => giver === refs.from).length >= limits.delegationsPerPersonMax) throw new FlyballError('overloaded', `expected at most ${limits.delegationsPerPersonMax} delegations of one person at a time; end one of them first`);
      if (active.some((delegation) => delegation.from === refs.to && delegation.to === refs.from)) throw refused('that person is away and you speak for them: two people cannot each speak for the other');
      const written = await this.record.append({ kind: 'delegation.given', streams: [{ stream: delegationsStream, expected: version }], deadline: untilMs, body: { ...refs, groups } });
      if (written) return written;
    }
    throw new FlyballError('conflict', 'this could not be recorded now; nothing was changed, try again');
  }

  /** Either of the two ends it. */
  async end(id: string, person: string): Promise<Entry> {
    const delegation = await this.#find(id);
    const ref = await this.record.refOf(this.people().canonical(person));
    if (delegation.from !== ref && delegation.to !== ref) throw refused('expected one of the two people whom this is about');
    const written = await this.record.append({ kind: 'delegation.ended', streams: [{ stream: delegationsStream }], settles: id, body: { from: delegation.from, to: delegation.to, status: 'ended' } });
    if (!written) throw new FlyballError('conflict', 'this could not be recorded now; nothing was changed, try again');
    return written;
  }

  async list(): Promise<readonly DelegationState[]> {
    const { state } = await this.record.read<DelegationsState>(delegationsStream);
    return Object.values(state ?? {}).filter(({ untilMs }) => untilMs > this.clock.now());
  }

  /** By whose right a person may answer now. */
  async authoritiesOf(person: string): Promise<readonly Authority[]> {
    const ref = await this.record.refOf(this.people().canonical(person));
    const lent = (await this.list()).filter(({ to }) => to === ref);
    return [{ name: this.people().canonical(person), groups: 'own' }, ...(await Promise.all(lent.map(async ({ from, groups }) => ({ name: await this.record.nameOf(from), groups }))))];
  }

  async #find(id: string): Promise<DelegationState> {
    const found = (await this.list()).find((delegation) => delegation.id === id);
    if (!found) throw new FlyballError('not_found', 'no such delegation; `flyball delegations list` lists them');
    return found;
  }
}

const refused = (message: string) => new FlyballError('approval_refused', message);
