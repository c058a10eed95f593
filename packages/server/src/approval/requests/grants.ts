import { type Entry, FlyballError, type Identity } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { isTimeId } from '../../lib/ids.js';
import { limits } from '../../lib/limits.js';
import { owns, type People } from '../people.js';
import type { ApprovalRecord } from '../record.js';
import { activeAt, type GrantBody, type GrantsState, grantStream, type OpenGrant, toGrant } from './grant.js';
import type { GrantTerms } from './wish.js';

export interface GrantsParts {
  readonly record: ApprovalRecord;
  /** A stream's state as this node knows it; what another node wrote may be missing for a second. */
  readonly known: <S>(stream: string) => Promise<{ readonly state: S | undefined }>;
  readonly unsettled: (after: string | undefined, most: number) => Promise<readonly Entry[]>;
  readonly people: () => People;
  readonly identity: (id: string) => Identity | undefined;
  readonly declared: () => ReadonlyMap<string, GrantTerms>;
  readonly clock: Clock;
}

export interface GrantHolder {
  readonly identity: string;
  readonly onBehalfOf?: string | undefined;
}

export interface GrantPerson {
  readonly person: string;
  /** Administrators see and end every grant; auditors see them. */
  readonly seesAll: boolean;
  readonly administers: boolean;
}

/** A grant with its words, which can be erased. */
export interface ShownGrant extends OpenGrant {
  readonly why: string;
  readonly rollback?: string;
  /** Who owns what it opens; nothing where no bundle declares it any more. */
  readonly owner?: string;
}

/** Grants from their opening to their end: who holds which, and who may end one. */
export class Grants {
  constructor(private readonly parts: GrantsParts) {}

  /** Those that count for an identity while it acts for somebody, or for nobody. One in bad standing has none. */
  async heldBy(id: string, onBehalfOf: string | undefined, now: boolean): Promise<readonly OpenGrant[]> {
    const { identity, record, known, clock } = this.parts;
    const registered = identity(id);
    const at = clock.now();
    if (registered?.status !== 'active' || (registered.expiresAtMs ?? Infinity) <= at) return [];
    const { state } = now ? await record.read<GrantsState>(grantStream(id)) : await known<GrantsState>(grantStream(id));
    const active = activeAt(state, at);
    if (!active.some((grant) => grant.onBehalfOf !== undefined)) return active;
    const person = onBehalfOf === undefined ? undefined : await record.refOf(onBehalfOf);
    return active.filter((grant) => grant.onBehalfOf === undefined || grant.onBehalfOf === person);
  }

  async ofIdentity({ identity, onBehalfOf }: GrantHolder): Promise<readonly ShownGrant[]> {
    return Promise.all((await this.heldBy(identity, onBehalfOf, true)).map((grant) => this.#shown(grant)));
  }

  /** Those that a person may end, or see. */
  async visibleTo(asking: GrantPerson): Promise<readonly ShownGrant[]> {
    const found: OpenGrant[] = [];
    const now = this.parts.clock.now();
    for (let after: string | undefined; found.length < limits.listRowsMax; ) {
      const page = await this.parts.unsettled(after, limits.listRowsMax);
      const grants = page.map((entry) => toGrant(entry as Entry<GrantBody>)).filter(({ untilMs }) => untilMs > now);
      found.push(...grants.filter((grant) => asking.seesAll || this.#answersFor(asking.person, grant)));
      after = page.at(-1)?.id;
      if (page.length < limits.listRowsMax) break;
    }
    return Promise.all(found.slice(0, limits.listRowsMax).map((grant) => this.#shown(grant)));
  }

  /** An identity gives back what it holds. Somebody else's and one that never was are the same to it. */
  async return(id: string, { identity, onBehalfOf }: GrantHolder): Promise<Entry> {
    const grant = await this.#find(id);
    const person = onBehalfOf === undefined ? undefined : await this.parts.record.refOf(onBehalfOf);
    if (grant?.identity !== identity || (grant.onBehalfOf !== undefined && grant.onBehalfOf !== person)) throw noSuchGrant();
    return this.#end(grant, { status: 'returned', identity });
  }

  /** Whoever owns what it opens, whoever owns the identity, and administrators end a grant before its time. */
  async end(id: string, { person, administers }: Omit<GrantPerson, 'seesAll'>, status: 'returned' | 'revoked'): Promise<Entry> {
    const grant = await this.#find(id);
    if (!grant || !(administers || this.#answersFor(person, grant))) throw noSuchGrant();
    return this.#end(grant, { status, identity: grant.identity, person: await this.parts.record.refOf(this.parts.people().canonical(person)) });
  }

  #answersFor(person: string, { identity: id, name }: OpenGrant): boolean {
    const people = this.parts.people();
    const identity = this.parts.identity(id);
    const owner = this.parts.declared().get(name)?.owner;
    const ownsIdentity = identity !== undefined && owns(person, { identity }, people);
    return ownsIdentity || (owner !== undefined && (people.canonical(owner) === people.canonical(person) || people.isMember(person, owner)));
  }

  async #find(id: string): Promise<OpenGrant | undefined> {
    const entry = isTimeId(id) ? await this.parts.record.find(id) : undefined;
    return entry?.kind === 'grant.opened' ? toGrant(entry as Entry<GrantBody>) : undefined;
  }

  /** Throws `already_settled` when it has ended. */
  async #end(grant: OpenGrant, body: { readonly status: 'returned' | 'revoked'; readonly identity: string; readonly person?: string }): Promise<Entry> {
    if (grant.untilMs <= this.parts.clock.now()) throw new FlyballError('already_settled', 'this grant is over; nothing was changed');
    const ended = await this.parts.record.append({ kind: 'grant.ended', streams: [{ stream: grantStream(grant.identity) }], settles: grant.id, body: { grant: grant.name, session: grant.session, ...body } });
    if (!ended) throw new FlyballError('conflict', 'this could not be recorded now; nothing was changed, try again');
    return ended;
  }

  async #shown(grant: OpenGrant): Promise<ShownGrant> {
    const { why = '', rollback } = JSON.parse((await this.parts.record.content(grant.id)) ?? '{}') as { readonly why?: string; readonly rollback?: string };
    const owner = this.parts.declared().get(grant.name)?.owner;
    return { ...grant, why, ...(rollback !== undefined && { rollback }), ...(owner !== undefined && { owner }) };
  }
}

const noSuchGrant = () => new FlyballError('not_found', 'no such grant of yours; `flyball grants list` lists them');
