import type { Identity } from '@flyball/protocol';
import { comparable } from '../lib/names.js';

/** What the active bundle says of a person. */
export interface PersonTerms {
  readonly groups: readonly string[];
  readonly also: readonly string[];
  readonly email?: string | undefined;
  readonly peerReview: boolean;
}

/** Who may speak for somebody who is away. */
export interface Delegation {
  readonly id: string;
  /** Names of people. */
  readonly from: string;
  readonly to: string;
  readonly groups: readonly string[];
  readonly untilMs: number;
}

/** The people of the active bundle, by any of their names. One human is one person, whatever the account. */
export class People {
  readonly #ids: ReadonlyMap<string, string>;

  constructor(private readonly persons: ReadonlyMap<string, PersonTerms>) {
    const named = [...persons].flatMap(([id, { also }]) => [id, ...also].map((name) => [comparable(name), id] as const));
    this.#ids = new Map([...addresses(persons), ...named]);
  }

  /** The one id of a person, whichever of their names is given; a stranger's name stays what it is, in comparable form. */
  canonical(name: string): string {
    const known = comparable(name);
    // Whom an enforcement point asks about stands as `type:id`: `user:ann` is ann.
    return this.#ids.get(known) ?? this.#ids.get(known.slice(known.indexOf(':') + 1)) ?? known;
  }

  isKnown(name: string): boolean {
    return this.#ids.has(comparable(name));
  }

  groupsOf(name: string): readonly string[] {
    return this.persons.get(this.canonical(name))?.groups ?? [];
  }

  isMember(name: string, group: string): boolean {
    return this.groupsOf(name).includes(group);
  }

  needsPeer(name: string): boolean {
    return this.persons.get(this.canonical(name))?.peerReview ?? false;
  }
}

/** E-mail addresses name people as well, but for a mailbox that several share. */
function addresses(persons: ReadonlyMap<string, PersonTerms>): readonly (readonly [string, string])[] {
  const all = [...persons].flatMap(([id, { email }]) => (email === undefined ? [] : [[comparable(email), id] as const]));
  const count = new Map<string, number>();
  for (const [email] of all) count.set(email, (count.get(email) ?? 0) + 1);
  return all.filter(([email]) => count.get(email) === 1);
}

/** Who asks: the identity, the people and services that it acts for, and who owns it. */
export interface Requester {
  readonly identity: Pick<Identity, 'id' | 'owner'>;
  /** Name of the person whom it is for. */
  readonly person: string | undefined;
  readonly chain: readonly string[];
}

export function isRequester(name: string, { identity, person, chain }: Requester, people: People): boolean {
  const own = people.canonical(name);
  return [identity.id, person, ...chain].some((asking) => asking !== undefined && people.canonical(asking) === own);
}

/** True for who is kept apart from what they would answer by one of a rule's words: `owner`, `team`, `group:NAME`. */
export function isKeptApart(name: string, apart: readonly string[], requester: Requester, people: People): boolean {
  return apart.some((word) => {
    if (word === 'owner') return owns(name, requester, people);
    if (word === 'team') return isInTeam(name, requester, people);
    return people.isMember(name, word.slice('group:'.length));
  });
}

/** An owner is a person or a group of people. */
export const owns = (name: string, { identity }: Pick<Requester, 'identity'>, people: People): boolean => people.canonical(identity.owner) === people.canonical(name) || people.isMember(name, identity.owner);

/** Who shares a group with the person that it is for, or with the identity's owner where it is for nobody. */
function isInTeam(name: string, { identity, person }: Requester, people: People): boolean {
  const team = people.groupsOf(person ?? identity.owner);
  return people.groupsOf(name).some((group) => team.includes(group) || group === identity.owner);
}
