import { type ApprovalRule, canonicalText, type Entry, FlyballError, type StandingBounds } from '@flyball/protocol';
import type { Clock } from '../lib/clock.js';
import { randomSalt } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { People } from './people.js';
import type { Question } from './question.js';
import type { Questions } from './questions.js';
import type { ApprovalDraft, ApprovalRecord } from './record.js';
import { boundsOf, scopeOf, type Standing, type StandingBody, type StandingState, standingStream } from './standing.js';
import { tally } from './tally.js';

export interface StandingParts {
  readonly questions: Questions;
  readonly record: ApprovalRecord;
  readonly people: () => People;
  readonly clock: Clock;
  /** Rules of the active bundle that accept standing approvals, with the groups that they name. */
  readonly rules: () => readonly { readonly policy: string; readonly groups: readonly string[] }[];
}

/** Standing approvals from their beginning to their end. */
export class StandingApprovals {
  constructor(private readonly parts: StandingParts) {}

  /**
   * When everybody who was needed agreed to more than this once, the standing approval begins: as of the answer that
   * completed them. Answers beyond those begin no second one.
   */
  async begin(question: Question): Promise<void> {
    const { hold, body, asked } = question;
    if (!hold || !asked || (hold.status !== 'pending' && hold.status !== 'used')) return;
    const terms = await this.parts.questions.termsOf(question);
    for (const policy of new Set(body.decision.approvals.map((rule) => rule.policy))) {
      const rules = body.decision.approvals.filter((rule) => rule.policy === policy);
      const { met, counted } = tally(rules, hold.agreed, terms);
      const [rule] = rules;
      const completing = hold.agreed.findLast((vote) => counted.includes(vote));
      const bounds = met && rule ? boundsOf(rule, counted) : undefined;
      const deadline = (completing?.atMs ?? 0) + (bounds?.withinMs ?? 0);
      if (!bounds || deadline <= this.parts.clock.now()) continue;
      const { identity, on_behalf_of: onBehalfOf, action, upstream, method, tool, chain } = body;
      const free = [...(bounds.free ?? []), ...(bounds.sum ? [bounds.sum.argument] : [])];
      const granted: StandingBody = {
        policy,
        identity,
        ...(onBehalfOf !== undefined && { on_behalf_of: onBehalfOf }),
        action,
        free,
        count: bounds.count,
        ...(bounds.sum && { sum: bounds.sum }),
        votes: counted.map(({ person, authority, groups, entry, signed }) => ({ person, authority, ...(groups && { groups }), entry, signed })),
        evidence: [...terms.evidence].sort(),
        asked_at: terms.askedAtMs,
      };
      const scope = scopeOf({ upstream, method, tool, chain, ...asked, about: asked.about }, free);
      await this.#beginOnce(hold.id, { kind: 'standing.granted', streams: [{ stream: standingStream(policy) }], deadline, body: granted, payload: { salt: randomSalt(), content: JSON.stringify({ scope }) } });
    }
  }

  /** Begins what an answer completed and a crash kept from the record. */
  async resume(hold: string): Promise<void> {
    await this.begin(await this.parts.questions.find(hold));
  }

  /** One question leads to one standing approval of a policy, however often and on however many nodes it is tried. */
  async #beginOnce(hold: string, draft: ApprovalDraft & { readonly body: StandingBody }): Promise<void> {
    const stream = `standing-of:${hold} ${draft.body.policy}`;
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      if ((await this.parts.record.read(stream)).version > 0) return;
      if (await this.parts.record.append({ ...draft, streams: [...draft.streams, { stream, expected: 0 }] })) return;
    }
    throw new FlyballError('conflict', 'a standing approval could not be recorded now');
  }

  /** Those that have not ended, of rules whose groups are wanted. */
  async list(isWanted: (groups: readonly string[]) => boolean = () => true): Promise<readonly Standing[]> {
    const rules = this.parts.rules().filter(({ groups }) => isWanted(groups));
    const states = await Promise.all(rules.map(({ policy }) => this.parts.record.read<StandingState>(standingStream(policy))));
    return states.flatMap(({ state }) => Object.values(state ?? {})).filter(({ untilMs }) => untilMs > this.parts.clock.now());
  }

  /** Whoever may answer such questions takes a standing approval back, and an administrator does. */
  async end(id: string, person: string, administers: boolean): Promise<Entry> {
    const standing = (await this.list()).find((each) => each.id === id);
    if (!standing) throw new FlyballError('not_found', 'no such standing approval; `flyball standing list` lists them');
    const { policy } = standing;
    const groups = this.parts.rules().find((rule) => rule.policy === policy)?.groups ?? [];
    if (!administers && !groups.some((group) => this.parts.people().isMember(person, group))) throw refused(`expected a member of ${groups.map((group) => `\`${group}\``).join(' or ')}, or an administrator`);
    const ref = await this.parts.record.refOf(this.parts.people().canonical(person));
    const written = await this.parts.record.append({ kind: 'standing.ended', streams: [{ stream: standingStream(policy) }], settles: id, body: { policy, person: ref, status: 'revoked' } });
    if (!written) throw new FlyballError('conflict', 'this could not be recorded now; nothing was changed, try again');
    return written;
  }
}

/** Throws for a standing approval that goes further than a rule of the question accepts. */
export function verifyStandingWish(rules: readonly ApprovalRule[], wish: StandingBounds): void {
  if (rules.some((rule) => !rule.standing)) throw refused('a rule of this question accepts no standing approval');
  if (!Number.isInteger(wish.count) || wish.count < 1 || !(wish.withinMs >= 1_000)) throw new FlyballError('request_malformed', 'expected a standing approval with a count and a time');
  const beyond = rules.some(({ standing }) => standing && (wish.count > standing.count || wish.withinMs > standing.withinMs || (standing.sum && (wish.sum?.argument !== standing.sum.argument || wish.sum.most > standing.sum.most))));
  if (beyond) throw refused(`a standing approval goes no further than its rule: ${rules.map(({ standing }) => canonicalText(standing)).join('; ')}`);
}

const refused = (message: string) => new FlyballError('approval_refused', message);
