import { type Entry, FlyballError, type JsonObject } from '@flyball/protocol';
import { type ApprovalRoom, type Emergency, type EmergencyWish, isByItself, type OpenHold, type RecommendationCounts, termsInWords } from '../approval/index.js';
import { isTimeId } from '../lib/ids.js';
import type { AnswerWish, ApproverDesk, InboxPage, InboxRow, Question } from './people/approver-desk.js';

export interface DelegationRow {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly groups: readonly string[];
  readonly until: string;
}

export interface StandingRow {
  readonly id: string;
  readonly policy: string;
  readonly identity: string;
  readonly action: string;
  readonly used: string;
  readonly spent: string;
  readonly until: string;
  readonly agreed: readonly string[];
}

export interface EmergencyRow {
  readonly id: string;
  readonly name: string;
  readonly identity: string;
  readonly action: string;
  readonly state: 'declared' | 'open' | 'to review';
  readonly declared_by: string;
  readonly confirmed_by: string;
  readonly until: string;
  readonly uses: number;
}

/** What became of an action's recommendations. */
export interface RecommendationRow {
  readonly action: string;
  readonly made: number;
  readonly taken_up: number;
  readonly refused: number;
  readonly ignored: number;
  readonly withdrawn: number;
  readonly dropped: number;
}

/** What people see and do about what waits, whether they ask over HTTP or on the store itself. */
export interface WaitingDesk extends ApproverDesk {
  answerAll(wish: Pick<AnswerWish, 'person' | 'agrees' | 'reason' | 'evidence'> & { readonly holds: readonly string[]; readonly seen?: Readonly<Record<string, string>> | undefined }): Promise<JsonObject>;
  cancel(hold: string, person: string): Promise<JsonObject>;
  recommendations(): Promise<readonly RecommendationRow[]>;
  /** Everything for who may see all; else what somebody's own groups agreed to. */
  standing(person: string, seesAll: boolean): Promise<readonly StandingRow[]>;
  endStanding(id: string, person: string, administers: boolean): Promise<JsonObject>;
  /** Everything for who may see all; else those that somebody is part of. */
  delegations(person: string, seesAll: boolean): Promise<readonly DelegationRow[]>;
  delegate(wish: { readonly person: string; readonly to: string; readonly groups: readonly string[]; readonly until: string }): Promise<JsonObject>;
  endDelegation(id: string, person: string): Promise<JsonObject>;
  emergencies(): Promise<readonly EmergencyRow[]>;
  declareEmergency(wish: EmergencyWish): Promise<JsonObject>;
  confirmEmergency(name: string, id: string, person: string): Promise<JsonObject>;
  endEmergency(name: string, id: string, person: string): Promise<JsonObject>;
  reviewEmergency(name: string, id: string, person: string, finding: string): Promise<JsonObject>;
}

export interface WaitingParts {
  readonly approval: ApprovalRoom;
  /** Names of the actions that are only recommended. */
  readonly recommended: () => readonly string[];
  countsOf(action: string): Promise<RecommendationCounts | undefined>;
  /** Names of the emergencies that the active bundle declares. */
  readonly emergencies: () => readonly string[];
  nameOf(ref: string): Promise<string>;
  now(): number;
}

const pageMost = 50;

export class LocalWaitingDesk implements WaitingDesk {
  constructor(private readonly parts: WaitingParts) {}

  async inbox(person: string, after: string | undefined): Promise<InboxPage> {
    const { board, questions } = this.parts.approval;
    if (after !== undefined && !isTimeId(after)) throw new FlyballError('request_malformed', 'expected `after` to be the `next` of the page before');
    await board.load();
    const { rows, next } = board.page(await questions.groupsOf(person), after, pageMost);
    const answerable = await questions.answerable(rows.map(({ hold }) => hold), person);
    const shown = await Promise.all(rows.filter(({ hold }) => answerable.has(hold.id)).map(({ hold, like, ids }) => this.#row(hold, like, ids)));
    return { rows: shown, ...(next !== undefined && { next }) };
  }

  async #row(hold: OpenHold, like: number, ids: readonly string[]): Promise<InboxRow> {
    const { id, identity, onBehalfOf, action, atMs, deadlineMs, outcome, approvals, facts } = hold;
    const reason = [...new Set([...approvals, ...facts].map((rule) => rule.reason))].join('; ');
    return { hold: id, identity, ...(onBehalfOf !== undefined && { onBehalfOf: await this.parts.nameOf(onBehalfOf) }), action, reason, atMs, deadlineMs, like, ids, together: ids.length > 1 && approvals.length > 0 && !approvals.some(isByItself), outcome };
  }

  async question(id: string, person: string, seesAll: boolean): Promise<Question> {
    const { questions } = this.parts.approval;
    const question = await questions.find(id);
    const { body, entry, hold, asked } = question;
    if (!seesAll) await this.#verifyMaySee(id, person);
    const status = await questions.status(id);
    const preview = await questions.preview(question);
    const sets = body.decision.modification?.sets ?? {};
    return {
      hold: id,
      digest: body.digest,
      identity: body.identity,
      ...(body.on_behalf_of !== undefined && { onBehalfOf: await this.parts.nameOf(body.on_behalf_of) }),
      action: body.action,
      tier: body.tier,
      reasons: [...new Set([...body.decision.approvals, ...body.decision.facts].map(({ reason }) => reason))],
      preview,
      approvals: body.decision.approvals.map(({ policy, approvers, quorum, evidence, signature, standing }) => {
        const missing = status.missing.find((each) => each.policy === policy && each.group === approvers)?.needed ?? 0;
        const isOver = status.state !== 'pending' && status.state !== 'approved';
        return { policy, approvers, quorum, have: isOver ? Math.min(quorum, status.agreed.length) : Math.max(0, quorum - missing), evidence, ...(signature && { signature }), ...(standing && { standing: { ...standing } }) };
      }),
      facts: body.decision.facts.flatMap(({ needs }) => needs),
      agreed: await Promise.all(status.agreed.map(async ({ person: ref, atMs, ...terms }) => ({ person: await this.parts.nameOf(ref), atMs, terms: termsInWords(terms) }))),
      evidence: await Promise.all((hold?.evidence ?? []).map(async ({ kind, person: ref, source }) => ({ kind, by: ref === undefined ? body.identity : await this.parts.nameOf(ref), verified: source !== undefined }))),
      atMs: entry.at,
      deadlineMs: status.deadlineMs,
      state: status.state,
      narrowable: Object.entries(asked?.args ?? {}).flatMap(([name, value]) => (typeof value === 'number' && !Object.hasOwn(sets, name) ? [{ name, most: value }] : [])),
    };
  }

  /** Who could not answer it learns no more than that there is no such question for them. */
  async #verifyMaySee(id: string, person: string): Promise<void> {
    const { questions } = this.parts.approval;
    const question = await questions.find(id);
    const refs = question.hold?.agreed.map((vote) => vote.person) ?? [];
    const names = await Promise.all(refs.map((ref) => this.parts.nameOf(ref)));
    const people = this.parts.approval.people();
    if (names.some((name) => people.canonical(name) === people.canonical(person))) return;
    try {
      await questions.authorityFor(question, person);
    } catch (error) {
      if (error instanceof FlyballError && error.code === 'approval_refused') throw new FlyballError('not_found', 'no such question that you may answer; `flyball inbox` lists those');
      throw error;
    }
  }

  async answer({ narrow, ...wish }: AnswerWish): Promise<JsonObject> {
    const narrowing = narrow && { ...(narrow.caps && { caps: narrow.caps }), ...(narrow.untilMs !== undefined && { untilMs: narrow.untilMs }) };
    const entry = await this.parts.approval.holds.answer({ ...wish, narrow: narrowing });
    return this.#answered(wish, entry, wish.agrees ? termsInWords({ narrow: narrowing, standing: wish.standing }) : []);
  }

  async answerAll({ holds, seen = {}, ...wish }: Parameters<WaitingDesk['answerAll']>[0]): Promise<JsonObject> {
    const entries = await this.parts.approval.holds.answerAll(holds, wish, new Map(Object.entries(seen)));
    return { person: wish.person, answer: wish.agrees ? 'agreed' : 'refused', holds, entries: entries.map(({ id }) => id) };
  }

  async #answered({ hold, person, agrees }: Omit<AnswerWish, 'narrow'>, entry: Entry, terms: readonly string[]): Promise<JsonObject> {
    const { state, missing } = await this.parts.approval.questions.status(hold);
    return { hold, person, answer: agrees ? 'agreed' : 'refused', ...(terms.length > 0 && { terms }), entry: entry.id, state, missing: missing.map(({ group, needed }) => ({ group, needed })) };
  }

  async cancel(hold: string, person: string): Promise<JsonObject> {
    return { hold, cancelled: (await this.parts.approval.holds.cancel(hold, { person })).id };
  }

  recommendations(): Promise<readonly RecommendationRow[]> {
    const row = async (action: string) => {
      const { made = 0, takenUp = 0, refused = 0, ignored = 0, withdrawn = 0, dropped = 0 } = (await this.parts.countsOf(action)) ?? {};
      return { action, made, taken_up: takenUp, refused, ignored, withdrawn, dropped };
    };
    return Promise.all(this.parts.recommended().map(row));
  }

  async standing(person: string, seesAll: boolean): Promise<readonly StandingRow[]> {
    const { standing, questions } = this.parts.approval;
    const groups = await questions.groupsOf(person);
    const all = await standing.list((named) => seesAll || named.some((group) => groups.has(group)));
    return Promise.all(
      all.map(async ({ id, policy, identity, action, used, count, spent, sum, untilMs, votes }) => ({
        id,
        policy,
        identity,
        action,
        used: `${used} of ${count}`,
        spent: sum ? `${spent / 10_000} of ${sum.most} (${sum.argument})` : '',
        until: iso(untilMs),
        agreed: await Promise.all(votes.map(({ person }) => this.parts.nameOf(person))),
      })),
    );
  }

  async endStanding(id: string, person: string, administers: boolean): Promise<JsonObject> {
    return { standing: id, ended: (await this.parts.approval.standing.end(id, person, administers)).id };
  }

  async delegations(person: string, seesAll: boolean): Promise<readonly DelegationRow[]> {
    const all = await this.parts.approval.delegations.list();
    const people = this.parts.approval.people();
    const rows = await Promise.all(all.map(async ({ id, from, to, groups, untilMs }) => ({ id, from: await this.parts.nameOf(from), to: await this.parts.nameOf(to), groups, until: iso(untilMs) })));
    return seesAll ? rows : rows.filter(({ from, to }) => [from, to].some((name) => people.canonical(name) === people.canonical(person)));
  }

  async delegate({ person, to, groups, until }: Parameters<WaitingDesk['delegate']>[0]): Promise<JsonObject> {
    return { delegation: (await this.parts.approval.delegations.give({ from: person, to, groups, untilMs: Date.parse(until) })).id };
  }

  async endDelegation(id: string, person: string): Promise<JsonObject> {
    return { delegation: id, ended: (await this.parts.approval.delegations.end(id, person)).id };
  }

  async emergencies(): Promise<readonly EmergencyRow[]> {
    const all = await this.parts.approval.emergencies.list(this.parts.emergencies());
    return Promise.all(all.map((emergency) => this.#emergencyRow(emergency)));
  }

  async #emergencyRow({ id, name, identity, action, declaredBy, confirmedBy, needsSecond, ended, untilMs, uses }: Emergency): Promise<EmergencyRow> {
    const over = ended || untilMs <= this.parts.now();
    const state = over ? 'to review' : needsSecond && confirmedBy === undefined ? 'declared' : 'open';
    return { id, name, identity, action, state, declared_by: await this.parts.nameOf(declaredBy), confirmed_by: confirmedBy === undefined ? '' : await this.parts.nameOf(confirmedBy), until: iso(untilMs), uses };
  }

  async declareEmergency(wish: EmergencyWish): Promise<JsonObject> {
    const { id, deadline } = await this.parts.approval.emergencies.declare(wish);
    return { emergency: id, name: wish.name, until: iso(deadline ?? 0) };
  }

  async confirmEmergency(name: string, id: string, person: string): Promise<JsonObject> {
    return { emergency: id, confirmed: (await this.parts.approval.emergencies.confirm(name, id, person)).id };
  }

  async endEmergency(name: string, id: string, person: string): Promise<JsonObject> {
    return { emergency: id, ended: (await this.parts.approval.emergencies.end(name, id, person)).id };
  }

  async reviewEmergency(name: string, id: string, person: string, finding: string): Promise<JsonObject> {
    return { emergency: id, reviewed: (await this.parts.approval.emergencies.review(name, id, person, finding)).id };
  }
}

const iso = (ms: number) => new Date(ms).toISOString();
