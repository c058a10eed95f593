import { type Effect, FlyballError, type Identity, isObject, type ReasonKind } from '@flyball/protocol';
import { type Ending, run } from '../../action/run.js';
import { Vouched } from '../../action/seal.js';
import type { Stages } from '../../action/stages.js';
import type { Call, Presented, Received } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import type { Asking } from '../asking.js';
import { owns, type People } from '../people.js';
import type { Question } from '../question.js';
import type { Questions } from '../questions.js';
import type { ApprovalRecord } from '../record.js';
import { flowOfAgreed, flowOfRequests } from './flow.js';
import { openGrant } from './open-grant.js';
import { type Foreseen, foreseen } from './simulate.js';
import { accessMethod, type AccessWish, callOf, type GrantTerms, type Wish } from './wish.js';

export interface AccessRequestParts {
  readonly stages: Stages;
  readonly record: ApprovalRecord;
  readonly questions: Questions;
  readonly asking: Asking;
  readonly people: () => People;
  readonly identity: (id: string) => Identity | undefined;
  readonly declared: () => ReadonlyMap<string, GrantTerms>;
  readonly tenant: string;
  newId(): string;
}

/** Who asks, as they showed it, and from where. */
export interface Asker {
  readonly presented: Presented;
  readonly sessionHandle?: string;
  readonly address: string;
}

/** A person who asks for an identity, once somebody has made sure that it is them. */
export interface AskingPerson {
  readonly person: string;
  readonly administers: boolean;
  readonly address: string;
}

/** An enforcement point that asks for an identity, once somebody has made sure that it is it, and that it may. */
export interface AskingPoint {
  readonly identity: string;
  readonly address: string;
}

/** What would be decided about a wish, and the attempt that would ask for it. */
export interface Looked extends Foreseen {
  readonly call: Call;
  readonly session: string;
  /** Names what is asked for, as people agree to it; nothing for what nobody declares. */
  readonly digest?: string;
  /** Somebody refused exactly this before. */
  readonly isRefused: boolean;
}

export type AccessAnswer =
  | { readonly kind: 'granted'; readonly id: string; readonly grant: string; readonly until: string; readonly request: string }
  | { readonly kind: 'waiting'; readonly hold: string; readonly outcome: 'step_up' | 'defer'; readonly deadlineMs: number; readonly reasons: readonly string[] }
  | { readonly kind: 'refused'; readonly request: string; readonly error: FlyballError; readonly reason?: ReasonKind }
  | { readonly kind: 'broken'; readonly request: string; readonly effect: Effect; readonly error: FlyballError };

/** What came of looking again at a question that may have been agreed to. */
export type Resumed = 'done' | 'waits' | 'stuck';

const gateway = 'access';
/** What is wrong with the house at a moment, not with the request. */
const passing: ReadonlySet<string> = new Set(['store_unavailable', 'conflict', 'overloaded', 'internal']);

/** Requests for grants: each is an attempt like any other, decided by policy, by people where policy says so, and recorded. */
export class AccessRequests {
  readonly #stages: Stages;

  constructor(private readonly parts: AccessRequestParts) {
    this.#stages = flowOfRequests(parts.stages, parts.declared);
  }

  /** A machine asks for itself. */
  async ask(asker: Asker, wish: Wish): Promise<AccessAnswer> {
    return this.#attempt(this.#received(asker, { ...wish, byPerson: false }), this.#stages);
  }

  /** A person asks for an identity that they own, or administer. Throws `not_found` for whoever may not. */
  async askFor(identity: string, asker: AskingPerson, wish: Wish): Promise<AccessAnswer> {
    return this.#attempt(this.#received(this.#vouch(identity, asker), { ...wish, byPerson: true }), this.#stages);
  }

  /**
   * An enforcement point asks for an identity what was looked at before. It stands in the chain, so it is seen through whom
   * this came.
   *
   * @param id names the attempt, whatever it ends as, so that who asks can write it down beforehand
   */
  async askThrough(id: string, identity: string, point: AskingPoint, { call }: Pick<Looked, 'call'>): Promise<AccessAnswer> {
    return this.#attempt({ ...this.#attemptOf(throughPoint(identity, point), call), id }, this.#stages);
  }

  /** What would be decided now. Nothing is asked of anybody, and nothing granted. */
  async simulate(asker: Asker, wish: Wish): Promise<Foreseen> {
    return this.#foresee(this.#received(asker, { ...wish, byPerson: false }));
  }

  async simulateFor(identity: string, asker: AskingPerson, wish: Wish): Promise<Foreseen> {
    return this.#foresee(this.#received(this.#vouch(identity, asker), { ...wish, byPerson: true }));
  }

  /**
   * What would be decided about one wish after another that an enforcement point has for an identity. Nothing is asked of
   * anybody. How often this may be looked at is for who lets it look. Throws `identity_refused`.
   */
  async lookThrough(identity: string, point: AskingPoint): Promise<(wish: Wish) => Promise<Looked>> {
    const { stages, declared } = this.parts;
    const asker = throughPoint(identity, point);
    const begun = this.#attemptOf(asker, { upstream: '', method: accessMethod, name: '', params: {}, args: {} });
    const situated = await this.#stages.situate(await this.#stages.identify(begun));
    return async (wish) => {
      const now = stages.clock.now();
      const call = callOf({ ...wish, byPerson: false, enforcementPoint: point.identity }, now);
      const common = { call, session: situated.session.state.id };
      if (!declared().has(call.name)) return { ...common, ...undeclared, isRefused: false };
      const decided = await this.#stages.decide({ ...situated, call });
      const hold = Object.hasOwn(situated.session.state.holds, decided.digest) ? situated.session.state.holds[decided.digest] : undefined;
      return { ...common, ...foreseen(decided, declared(), now), digest: decided.digest, isRefused: hold?.status === 'refused' };
    };
  }

  /**
   * Carries out what a question asked for once it was agreed to: from the top, as if the same were asked again. However many
   * try, on however many nodes, its hold is used up once.
   */
  async resume(id: string): Promise<Resumed> {
    const question = await this.parts.questions.find(id);
    if (question.body.method !== accessMethod) return 'stuck';
    const { state, arrived } = await this.parts.questions.status(id);
    if (state === 'pending' && !arrived) return 'waits';
    if (state !== 'pending' && state !== 'approved') return 'done';
    const asked = await this.#askedAgain(question);
    if (!asked) return 'stuck';
    const { stages, moved, free } = flowOfAgreed(this.#stages, id);
    const ending = await this.#run(asked, stages);
    switch (ending.kind) {
      case 'released':
      case 'broken':
        return 'done';
      case 'held':
        return ending.hold.id === id ? 'waits' : 'done';
      case 'refused':
        if (ending.error === moved) return 'done';
        if (ending.error === free) return this.#freely(question, asked);
        return this.#refused(question, ending);
    }
  }

  /** Policy that says no ends the question; who is not let in may be again, under another bundle; the rest may pass. */
  async #refused(question: Question, { error, reached }: Extract<Ending, { readonly kind: 'refused' }>): Promise<Resumed> {
    const kind = reached.decision?.kind;
    if (error.code === 'denied' && kind !== 'guard_broken' && kind !== 'unavailable') {
      await this.#supersede(question);
      return 'done';
    }
    return passing.has(error.code) || error.code === 'denied' ? 'waits' : 'stuck';
  }

  /** The question is over because nobody has to agree any more: whoever ends it asks anew. */
  async #freely(question: Question, asked: Received): Promise<Resumed> {
    const next = this.parts.newId();
    if (await this.#supersede(question, next)) await this.#run({ ...asked, id: next }, this.#stages);
    return 'done';
  }

  /**
   * Ends a question that policy has overtaken; false where somebody else ended it first.
   *
   * @param by the attempt that asks the same anew, where one does
   */
  async #supersede({ entry, body, stream }: Question, by?: string): Promise<boolean> {
    try {
      const settled = { kind: 'hold.settled', settles: entry.id, streams: [{ stream }], body: { session: body.session, digest: body.digest, status: 'superseded', ...(by !== undefined && { by }) } } as const;
      return (await this.parts.record.append(settled)) !== undefined;
    } catch (error) {
      if (error instanceof FlyballError && error.code === 'already_settled') return false;
      throw error;
    }
  }

  /** The same attempt again, for the same session and person; nothing where what it was about has been erased. */
  async #askedAgain({ body, entry, asked }: Question): Promise<Received | undefined> {
    const { on_behalf_of: ref, identity, chain, session, upstream, method } = body;
    const person = ref === undefined ? undefined : await this.parts.record.nameOf(ref);
    if (!asked || (person !== undefined && person === ref)) return undefined;
    const call: Call = { upstream, method, name: asked.target, params: { name: asked.target, arguments: asked.args }, args: asked.args };
    return this.#attemptOf({ presented: new Vouched(identity, person, chain), sessionHandle: session, address: await this.#addressOf(entry.id) }, call);
  }

  /** From where it was asked is a part of what policies saw. */
  async #addressOf(hold: string): Promise<string> {
    const kept: unknown = JSON.parse((await this.parts.record.content(hold)) ?? 'null');
    return isObject(kept) && typeof kept['address'] === 'string' ? kept['address'] : '';
  }

  /** The person is who it is asked on behalf of, so whatever keeps a requester from answering keeps them. */
  #vouch(id: string, { person, administers, address }: AskingPerson): Asker {
    const people = this.parts.people();
    const identity = this.parts.identity(id);
    if (!people.isKnown(person)) throw new FlyballError('denied', 'expected somebody of people.yaml: who asks cannot answer, so it has to be known who they are');
    if (!identity || !(administers || owns(person, { identity }, people))) throw new FlyballError('not_found', 'no such identity of yours: its owner asks for it, or an administrator');
    return { presented: new Vouched(id, people.canonical(person)), address };
  }

  #received(asker: Asker, wish: AccessWish): Received {
    return this.#attemptOf(asker, callOf(wish, this.parts.stages.clock.now()));
  }

  #attemptOf({ presented, sessionHandle, address }: Asker, call: Call): Received {
    const now = this.parts.stages.clock.now();
    return { id: this.parts.newId(), tenant: this.parts.tenant, receivedAtMs: now, deadlineMs: now + limits.accessRequestMs, presented, ...(sessionHandle !== undefined && { sessionHandle }), call, origin: { gateway, address } };
  }

  #run(received: Received, stages: Stages): Promise<Ending> {
    const { record, declared } = this.parts;
    return run(received, stages, (issued) => openGrant(issued, { record, declared, clock: stages.clock }));
  }

  async #attempt(received: Received, stages: Stages): Promise<AccessAnswer> {
    return answerOf(received, await this.#run(received, stages));
  }

  async #foresee(received: Received): Promise<Foreseen> {
    const identified = await this.#stages.identify(received);
    // A look costs as much as a question: nobody finds out rules by looking without end.
    this.parts.asking.verify(identified.principal.identity.id, 0, received.id);
    const situated = await this.#stages.situate(identified);
    if (!this.parts.declared().has(situated.call.name)) return undeclared;
    return foreseen(await this.#stages.decide(situated), this.parts.declared(), this.parts.stages.clock.now());
  }
}

/** What is not declared looks like what policy denies. */
const undeclared: Foreseen = { outcome: 'deny', kind: 'no_permit', approvals: [], facts: [], verdicts: [] };

const throughPoint = (identity: string, point: AskingPoint): Asker => ({ presented: new Vouched(identity, undefined, [point.identity]), address: point.address });

function answerOf({ id: request }: Received, ending: Ending): AccessAnswer {
  switch (ending.kind) {
    case 'released': {
      const { id, grant, until } = ending.inspected.result.value;
      return { kind: 'granted', id: String(id), grant: String(grant), until: String(until), request };
    }
    case 'held': {
      const { id, outcome, deadlineMs, reasons } = ending.hold;
      return { kind: 'waiting', hold: id, outcome, deadlineMs, reasons };
    }
    case 'refused':
      // What is not declared looks like what is denied.
      return { kind: 'refused', request, error: ending.error, ...(ending.error.code === 'denied' && { reason: ending.reached.decision?.kind ?? 'no_permit' }) };
    case 'broken':
      return { kind: 'broken', request, effect: ending.effect, error: ending.error };
  }
}
