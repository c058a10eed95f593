import { FlyballError, type Identity } from '@flyball/protocol';

/** The registered identities of one bundle, found by id or by what authenticates as them. */
export class Registry {
  readonly #byId: ReadonlyMap<string, Identity>;
  readonly #bySubject: ReadonlyMap<string, Identity>;

  constructor(readonly identities: readonly Identity[]) {
    this.#byId = new Map(identities.map((identity) => [identity.id, identity]));
    this.#bySubject = new Map(identities.flatMap((identity) => identity.subjects.map((subject) => [subject, identity] as const)));
  }

  byId(id: string): Identity | undefined {
    return this.#byId.get(id);
  }

  /** @param subject `issuer|subject` of a token, or a SPIFFE id */
  bySubject(subject: string): Identity | undefined {
    return this.#bySubject.get(subject);
  }
}

/** Refuses an identity that is unknown, suspended, retired or expired; the caller learns only that it was refused. */
export function verifyStanding(identity: Identity | undefined, who: string, nowMs: number): Identity {
  if (!identity) throw refused(`\`${who.slice(0, 200)}\` is not registered`);
  if (identity.status !== 'active') throw refused(`\`${identity.id}\` is ${identity.status}`);
  if (identity.expiresAtMs !== undefined && identity.expiresAtMs <= nowMs) throw refused(`\`${identity.id}\` has expired`);
  return identity;
}

const refused = (detail: string) => new FlyballError('identity_refused', 'this identity may not act here', { detail });
