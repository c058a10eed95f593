import { FlyballError, type JsonObject } from '@flyball/protocol';
import type { Proven } from './provider.js';

/** What people.yaml says of a person, as far as it matters here. */
export interface PersonNames {
  readonly groups: readonly string[];
  /** Other names: accounts as `issuer|subject`, and what a claim may call them. No name is two people's. */
  readonly also: readonly string[];
}

export interface RecogniseSettings {
  /** Claim that names the person beside `issuer|subject`. */
  readonly claim?: string | undefined;
  /** Claim with the groups that the provider knows them in. */
  readonly groupsClaim?: string | undefined;
  /** The provider's names of groups in people.yaml: who is in one here has to be in the other there. */
  readonly groups?: Readonly<Record<string, string>> | undefined;
}

type People = ReadonlyMap<string, PersonNames>;

/**
 * The id of the person whom a provider spoke of. Accounts are compared byte for byte; a claim without regard to the case of
 * ASCII letters and no further, or a letter that merely looks alike would be somebody else's key. Throws `identity_refused`.
 */
export function recognise(people: People, { issuer, subject, claims }: Pick<Proven, 'issuer' | 'subject' | 'claims'>, settings: RecogniseSettings): string {
  const { accounts, names } = indexOf(people);
  const named = claimOf(claims, settings.claim);
  const found = [accounts.get(`${issuer}|${subject}`), named === undefined ? undefined : names.get(asciiLower(named))].filter((id) => id !== undefined);
  const [person] = found;
  if (person === undefined) throw refused('you are signed in there, and nobody in people.yaml is you; ask an administrator to add you');
  if (found.some((id) => id !== person)) throw refused('two people in people.yaml could be you; ask an administrator to correct that');
  verifyGroups(people.get(person)?.groups ?? [], claims, settings);
  return person;
}

/** Where the two disagree on who belongs to a group, nobody is let in: the provider can take away and never give. */
function verifyGroups(groups: readonly string[], claims: JsonObject, { groupsClaim, groups: mapped }: RecogniseSettings): void {
  if (groupsClaim === undefined) return;
  const told = Object.hasOwn(claims, groupsClaim) ? claims[groupsClaim] : undefined;
  const theirs: readonly unknown[] = Array.isArray(told) ? (told as readonly unknown[]) : [];
  const lacking = Object.entries(mapped ?? {}).find(([outside, inside]) => groups.includes(inside) && !theirs.includes(outside));
  if (lacking) throw refused(`people.yaml has you in \`${lacking[1]}\`, and the place where you signed in does not; ask an administrator which of them is right`);
}

/** The claim's value, if it can be trusted to name somebody. An address that nobody verified is anybody's choice. */
function claimOf(claims: JsonObject, claim: string | undefined): string | undefined {
  const value = claim === undefined || !Object.hasOwn(claims, claim) ? undefined : claims[claim];
  if (typeof value !== 'string' || value === '') return undefined;
  return claim === 'email' && claims['email_verified'] !== true ? undefined : value;
}

interface Index {
  readonly accounts: ReadonlyMap<string, string>;
  readonly names: ReadonlyMap<string, string>;
}

/** The people of a bundle are one object as long as it is active. */
const indexes = new WeakMap<People, Index>();

function indexOf(people: People): Index {
  const known = indexes.get(people);
  if (known) return known;
  const all = [...people].flatMap(([id, { also }]) => [id, ...also].map((name) => [name, id] as const));
  // An account is nobody's name: whoever may choose a claim would choose the account of another.
  const isAccount = ([name]: readonly [string, string]) => name.includes('|');
  const index = { accounts: new Map(all.filter(isAccount)), names: new Map(all.filter((pair) => !isAccount(pair)).map(([name, id]) => [asciiLower(name), id])) };
  indexes.set(people, index);
  return index;
}

const asciiLower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const refused = (message: string) => new FlyballError('identity_refused', message);
