import { FlyballError, type Identity } from '@flyball/protocol';
import type { HoldState } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { isTimeId } from '../lib/ids.js';
import type { OpenHold } from './board.js';
import type { Authority, Delegations } from './delegations.js';
import type { People, Requester } from './people.js';
import { type Preview, previewOf } from './preview.js';
import { type HoldBody, type Question, readQuestion } from './question.js';
import type { ApprovalRecord } from './record.js';
import type { AgreedTerms } from './terms.js';
import { mayAnswer, type Missing, tally, type Tally, type TallyTerms } from './tally.js';

export interface QuestionParts {
  readonly record: ApprovalRecord;
  readonly people: () => People;
  /** The name behind a reference, as far as it is known on this node. */
  readonly nameOf: (ref: string) => string | undefined;
  /** The registered identity, for who owns it; nothing when it is not registered any more. */
  readonly identity: (id: string) => Pick<Identity, 'id' | 'owner'> | undefined;
  readonly delegations: Pick<Delegations, 'authoritiesOf'>;
  readonly clock: Clock;
}

export type HoldStateName = 'pending' | 'approved' | 'refused' | 'expired' | 'cancelled' | 'superseded' | 'used';

export interface HoldStatus {
  readonly id: string;
  readonly state: HoldStateName;
  readonly outcome: 'step_up' | 'defer';
  readonly deadlineMs: number;
  /** People who agreed, by reference, and when. */
  readonly agreed: readonly ({ readonly person: string; readonly atMs: number } & AgreedTerms)[];
  readonly missing: readonly Missing[];
  /** The facts that it waited for are there, and nobody's answer is missing: it is time to ask again. */
  readonly arrived: boolean;
}

/** What is asked, how it stands, and who may answer it. Looks and writes nothing. */
export class Questions {
  constructor(private readonly parts: QuestionParts) {}

  /** Throws `not_found`. */
  async find(id: string): Promise<Question> {
    const question = isTimeId(id) ? await readQuestion(id, this.parts.record) : undefined;
    if (!question) throw new FlyballError('not_found', 'no such hold; `flyball inbox` lists those that wait');
    return question;
  }

  async status(id: string): Promise<HoldStatus> {
    const question = await this.find(id);
    const { hold, entry, body } = question;
    const state = this.stateOf(question);
    // What is over is not counted any more: who asked may be gone.
    const counted = state === 'pending' ? await this.count(question) : undefined;
    const hasArrived = hold?.arrived ?? false;
    const isApproved = counted?.met === true && (hasArrived || body.decision.facts.length === 0);
    return {
      id,
      state: isApproved ? 'approved' : state,
      outcome: body.decision.outcome === 'defer' ? 'defer' : 'step_up',
      deadlineMs: entry.deadline ?? entry.at,
      agreed: (hold?.agreed ?? []).map(({ person, atMs, narrow, standing }) => ({ person, atMs, ...(narrow && { narrow }), ...(standing && { standing }) })),
      missing: counted?.missing ?? [],
      arrived: hasArrived && counted?.met !== false,
    };
  }

  /** Counts the answers of a question that people can answer. */
  async count(question: Question): Promise<Tally | undefined> {
    const { hold, body } = question;
    return hold && body.decision.approvals.length > 0 ? tally(body.decision.approvals, hold.agreed, await this.termsOf(question)) : undefined;
  }

  stateOf({ hold, entry, ended }: Question): Exclude<HoldStateName, 'approved'> {
    if (!hold) return ended ?? 'expired';
    return hold.status === 'pending' && (entry.deadline ?? 0) <= this.parts.clock.now() ? 'expired' : hold.status;
  }

  /** Throws `already_settled`. */
  pending(question: Question): HoldState {
    const state = this.stateOf(question);
    if (!question.hold || state !== 'pending') throw settled(state);
    return question.hold;
  }

  async preview(question: Question): Promise<Preview> {
    const { on_behalf_of: ref } = question.body;
    return previewOf(question, { onBehalfOf: ref === undefined ? undefined : await this.parts.record.nameOf(ref) });
  }

  /** By whose right somebody may answer; of several the first that nobody has used yet. Throws `approval_refused` with why not. */
  async authorityFor(question: Question, person: string): Promise<Authority> {
    const terms = await this.termsOf(question);
    const authorities = await this.parts.delegations.authoritiesOf(person);
    const rules = question.body.decision.approvals;
    const rights = authorities.filter(({ name, groups }) => rules.some((rule) => mayAnswer(rule, { person: terms.people.canonical(person), authority: name, groups: groups === 'own' ? undefined : groups }, terms)));
    const used = voicesOf(question.hold).map((ref) => terms.nameOf(ref));
    const right = rights.find(({ name }) => !used.includes(name)) ?? rights[0];
    if (right) return right;
    const groups = [...new Set(rules.map((rule) => rule.approvers))].map((group) => `\`${group}\``).join(' or ');
    throw refused(groups === '' ? 'this waits for facts, so nobody can answer it' : `expected a member of ${groups} who did not ask for it and is not kept apart from it`);
  }

  /** Of holds that wait, those that somebody may answer now; a quick look at what the board knows of them. */
  async answerable(holds: readonly OpenHold[], person: string): Promise<ReadonlySet<string>> {
    const authorities = await this.parts.delegations.authoritiesOf(person);
    const { people, clock, nameOf, identity: registered } = this.parts;
    const may = ({ identity: id, onBehalfOf, approvals, atMs }: OpenHold): boolean => {
      const identity = registered(id);
      const requester = onBehalfOf === undefined ? undefined : nameOf(onBehalfOf);
      if (!identity) return false;
      const terms = { people: people(), requester: { identity, person: requester, chain: [] }, askedAtMs: atMs, nowMs: clock.now() };
      return authorities.some(({ name, groups }) => approvals.some((rule) => mayAnswer(rule, { person: terms.people.canonical(person), authority: name, groups: groups === 'own' ? undefined : groups }, terms)));
    };
    return new Set(holds.filter(may).map(({ id }) => id));
  }

  /** Groups in whose name somebody may answer, those of people for whom they speak included. */
  async groupsOf(person: string): Promise<ReadonlySet<string>> {
    const authorities = await this.parts.delegations.authoritiesOf(person);
    return new Set(authorities.flatMap(({ name, groups }) => (groups === 'own' ? this.parts.people().groupsOf(name) : groups)));
  }

  async termsOf({ body, entry, hold }: Question): Promise<TallyTerms> {
    const { people, nameOf, clock } = this.parts;
    return { people: people(), nameOf, requester: await this.#requesterOf(body), askedAtMs: entry.at, nowMs: clock.now(), evidence: new Set(hold?.evidence.map(({ kind }) => kind)) };
  }

  async #requesterOf({ identity, on_behalf_of: ref, chain }: HoldBody): Promise<Requester> {
    const person = ref === undefined ? undefined : await this.parts.record.nameOf(ref);
    if (person !== undefined && person === ref) throw refused('the person whom this is for was erased, so nobody can tell who may answer');
    const registered = this.parts.identity(identity);
    if (!registered) throw refused('the identity that asked is not registered any more');
    return { identity: registered, person, chain };
  }
}

/** Whose voices were heard already: who agreed, and who had somebody agree for them. */
export const voicesOf = (hold: HoldState | undefined): readonly string[] => (hold?.agreed ?? []).flatMap(({ person, authority }) => [person, authority]);

const refused = (message: string) => new FlyballError('approval_refused', message);
export const settled = (state: HoldStateName) => new FlyballError('already_settled', `this hold is ${state === 'used' ? 'used up' : state}; nothing was changed`);
