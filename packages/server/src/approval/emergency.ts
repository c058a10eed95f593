import { type Entry, FlyballError } from '@flyball/protocol';
import type { Means } from '../action/seal.js';
import type { Decided } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { matchesGlob } from '../lib/glob.js';
import { randomSalt } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { People } from './people.js';
import type { ApprovalRecord } from './record.js';

/** Who may declare an emergency of a name, for how long, and who reviews it. */
export interface EmergencyTerms {
  readonly groups: readonly string[];
  readonly reviewers: string;
  readonly longestMs: number;
  readonly second: boolean;
}

/** An emergency from its declaration to its review. */
export interface Emergency {
  readonly id: string;
  readonly name: string;
  /** References of who declared and who confirmed it. */
  readonly declaredBy: string;
  readonly confirmedBy?: string;
  readonly identity: string;
  readonly action: string;
  readonly needsSecond: boolean;
  readonly openedAtMs: number;
  readonly untilMs: number;
  readonly ended: boolean;
  /** Actions that it let through. */
  readonly uses: number;
}

/** What was declared under one name and is not reviewed yet. */
export type EmergencyState = Readonly<Record<string, Emergency>>;

export const emergencyStream = (name: string): string => `emergency:${name}`;

interface OpenedBody {
  readonly name: string;
  readonly person: string;
  readonly identity: string;
  readonly action: string;
  readonly second: boolean;
}

export function foldEmergency(state: EmergencyState | undefined, entry: Entry): EmergencyState {
  const known = state ?? {};
  const change = (id: string, next: (emergency: Emergency) => Partial<Emergency>): EmergencyState => {
    const emergency = Object.hasOwn(known, id) ? known[id] : undefined;
    return emergency ? { ...known, [id]: { ...emergency, ...next(emergency) } } : known;
  };
  switch (entry.kind) {
    case 'emergency.opened': {
      const { name, person, identity, action, second } = entry.body as OpenedBody;
      return { ...known, [entry.id]: { id: entry.id, name, declaredBy: person, identity, action, needsSecond: second, openedAtMs: entry.at, untilMs: entry.deadline ?? 0, ended: false, uses: 0 } };
    }
    case 'emergency.confirmed': {
      const { emergency, person } = entry.body as { readonly emergency: string; readonly person: string };
      return change(emergency, () => ({ confirmedBy: person }));
    }
    case 'emergency.ended':
      return change(entry.settles ?? '', () => ({ ended: true }));
    case 'emergency.reviewed': {
      const { [(entry.body as { readonly emergency: string }).emergency]: _reviewed, ...left } = known;
      return left;
    }
    case 'intent':
      return ((entry.body as { readonly means?: readonly { readonly id: string }[] }).means ?? []).reduce<EmergencyState>((state, { id }) => (Object.hasOwn(state, id) ? change(id, ({ uses }) => ({ uses: uses + 1 })) : state), known);
    default:
      return known;
  }
}

/** What an emergency is held against: terms and people as they are now. */
export interface OpeningTerms {
  readonly terms: EmergencyTerms;
  readonly people: People;
  nameOf(ref: string): string | undefined;
  readonly nowMs: number;
}

/** The emergency that is open now and about this attempt. */
export function opens(state: EmergencyState | undefined, { principal, action }: Decided, now: OpeningTerms): Emergency | undefined {
  return Object.values(state ?? {}).find((emergency) => isOpen(emergency, now) && matchesGlob(emergency.identity, principal.identity.id) && matchesGlob(emergency.action, action.name));
}

function isOpen({ ended, openedAtMs, untilMs, needsSecond, declaredBy, confirmedBy }: Emergency, { terms, people, nameOf, nowMs }: OpeningTerms): boolean {
  const isNamed = (ref: string): boolean => {
    const name = nameOf(ref);
    return name !== undefined && terms.groups.some((group) => people.isMember(name, group));
  };
  if (ended || Math.min(untilMs, openedAtMs + terms.longestMs) <= nowMs || !isNamed(declaredBy)) return false;
  return confirmedBy === undefined ? !needsSecond && !terms.second : isNamed(confirmedBy);
}

/** Its uses take places in its stream as they were decided on: none comes after its end. */
export const emergencyMeans = ({ id }: Emergency, name: string, version: number): Means => ({ kind: 'emergency', id, stream: emergencyStream(name), expected: version });

export interface EmergencyWish {
  readonly name: string;
  readonly person: string;
  readonly incident: string;
  readonly reason: string;
  /** Patterns of the identities and actions that it is for. */
  readonly identity: string;
  readonly action: string;
  readonly forMs?: number;
}

/** Break-glass: short, before everybody's eyes, and closed to who used it until somebody else has reviewed it. */
export class Emergencies {
  constructor(
    private readonly record: ApprovalRecord,
    private readonly terms: (name: string) => EmergencyTerms | undefined,
    private readonly people: () => People,
    private readonly clock: Clock,
  ) {}

  async declare(wish: EmergencyWish): Promise<Entry> {
    const terms = this.#termsOf(wish.name);
    this.#verifyNamed(wish.person, terms);
    if (wish.incident.trim() === '' || wish.reason.trim() === '') throw new FlyballError('request_malformed', 'expected an incident and a reason: an emergency is explained before it opens anything');
    // Patterns are recorded for ever, so they are names and nothing else.
    if (![wish.identity, wish.action].every((pattern) => /^[A-Za-z0-9._/*-]{1,256}$/.test(pattern))) throw new FlyballError('request_malformed', 'expected patterns of names of identities and actions, such as `deploy-*`');
    const forMs = Math.min(wish.forMs ?? terms.longestMs, terms.longestMs);
    if (!(forMs >= 1_000)) throw new FlyballError('request_malformed', 'expected a time of at least a second');
    const person = await this.record.refOf(this.people().canonical(wish.person));
    return this.#write(wish.name, async (state) => {
      await this.#verifyReviewed(state, wish.person);
      const body: OpenedBody = { name: wish.name, person, identity: wish.identity, action: wish.action, second: terms.second };
      return { kind: 'emergency.opened', deadline: this.clock.now() + forMs, body, payload: { salt: randomSalt(), content: JSON.stringify({ incident: wish.incident.slice(0, 200), reason: wish.reason.slice(0, 2_000) }) } };
    });
  }

  /** A second person, named for it as well, confirms; only then anything opens. */
  async confirm(name: string, id: string, person: string): Promise<Entry> {
    this.#verifyNamed(person, this.#termsOf(name));
    const ref = await this.record.refOf(this.people().canonical(person));
    return this.#write(name, async (state) => {
      const emergency = await this.#open(state, id);
      if (emergency.confirmedBy !== undefined || !emergency.needsSecond) throw new FlyballError('already_settled', 'this emergency is confirmed already');
      if (await this.#isSame(emergency.declaredBy, person)) throw refused('a second person confirms an emergency, not who declared it');
      // One that never opened anything keeps nobody from confirming: two people may declare the same trouble at once.
      await this.#verifyReviewed(Object.fromEntries(Object.entries(state).filter(([other, { confirmedBy, needsSecond }]) => other !== id && (confirmedBy !== undefined || !needsSecond))), person);
      return { kind: 'emergency.confirmed', body: { name, emergency: id, person: ref } };
    });
  }

  /** Who declared it, who confirmed it or a reviewer ends it early. */
  async end(name: string, id: string, person: string): Promise<Entry> {
    const { groups, reviewers } = this.#termsOf(name);
    if (![...groups, reviewers].some((group) => this.people().isMember(person, group))) throw refused('expected somebody who may declare or review this emergency');
    const ref = await this.record.refOf(this.people().canonical(person));
    return this.#write(name, async (state) => {
      await this.#open(state, id);
      return { kind: 'emergency.ended', settles: id, body: { name, emergency: id, person: ref, status: 'ended' } };
    });
  }

  /** Closes the review. Nobody reviews what they declared or confirmed. */
  async review(name: string, id: string, person: string, finding: string): Promise<Entry> {
    const { reviewers } = this.#termsOf(name);
    if (!this.people().isMember(person, reviewers)) throw refused(`expected a member of \`${reviewers}\``);
    if (finding.trim() === '') throw new FlyballError('request_malformed', 'expected what the review found');
    const ref = await this.record.refOf(this.people().canonical(person));
    return this.#write(name, async (state) => {
      const emergency = Object.hasOwn(state, id) ? state[id] : undefined;
      if (!emergency) throw notFound();
      if (!emergency.ended && emergency.untilMs > this.clock.now()) throw new FlyballError('conflict', 'this emergency is still open; end it first');
      for (const who of [emergency.declaredBy, emergency.confirmedBy]) if (who !== undefined && (await this.#isSame(who, person))) throw refused('somebody else reviews an emergency than who declared or confirmed it');
      return { kind: 'emergency.reviewed', body: { name, emergency: id, person: ref, uses: emergency.uses }, payload: { salt: randomSalt(), content: JSON.stringify({ finding: finding.slice(0, 4_000) }) } };
    });
  }

  /** What is open or waits for its review, under every one of these names. */
  async list(names: readonly string[]): Promise<readonly Emergency[]> {
    const states = await Promise.all(names.map((name) => this.record.read<EmergencyState>(emergencyStream(name))));
    return states.flatMap(({ state }) => Object.values(state ?? {}));
  }

  async #verifyReviewed(state: EmergencyState, person: string): Promise<void> {
    for (const emergency of Object.values(state)) {
      const own = [emergency.declaredBy, ...(emergency.confirmedBy === undefined ? [] : [emergency.confirmedBy])];
      for (const who of own) if (await this.#isSame(who, person)) throw refused(`the emergency ${emergency.id} of this name waits for its review; until somebody else has closed it, the same person neither declares nor confirms another one`);
    }
  }

  async #open(state: EmergencyState, id: string): Promise<Emergency> {
    const emergency = Object.hasOwn(state, id) ? state[id] : undefined;
    if (!emergency) throw notFound();
    if (emergency.ended || emergency.untilMs <= this.clock.now()) throw new FlyballError('already_settled', 'this emergency is over');
    return Promise.resolve(emergency);
  }

  async #isSame(ref: string, person: string): Promise<boolean> {
    const name = await this.record.nameOf(ref);
    // A name that was erased could be anybody's, so it is taken for this one.
    return name === ref || this.people().canonical(name) === this.people().canonical(person);
  }

  #termsOf(name: string): EmergencyTerms {
    const terms = this.terms(name);
    if (!terms) throw new FlyballError('not_found', `people.yaml declares no emergency \`${name.slice(0, 128)}\``);
    return terms;
  }

  #verifyNamed(person: string, { groups }: EmergencyTerms): void {
    if (!groups.some((group) => this.people().isMember(person, group))) throw refused(`expected a member of ${groups.map((group) => `\`${group}\``).join(' or ')}`);
  }

  /** One after the other: each is written on the state that it was decided on. */
  async #write(name: string, draft: (state: EmergencyState) => Promise<Omit<Parameters<ApprovalRecord['append']>[0], 'streams'>>): Promise<Entry> {
    const stream = emergencyStream(name);
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const { version, state } = await this.record.read<EmergencyState>(stream);
      const written = await this.record.append({ ...(await draft(state ?? {})), streams: [{ stream, expected: version }] });
      if (written) return written;
    }
    throw new FlyballError('conflict', 'this could not be recorded now; nothing was changed, try again');
  }
}

const refused = (message: string) => new FlyballError('approval_refused', message);
const notFound = () => new FlyballError('not_found', 'no such emergency; `flyball emergency list` lists them');
