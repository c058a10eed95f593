import { FlyballError } from '@flyball/protocol';
import type { AccessRequests, Looked } from '../../approval/index.js';
import type { AskedEvaluation } from '../authzen/read-request.js';
import { grantMembers } from './draft.js';
import { readWish } from './grant-form.js';
import type { GrantOffers } from './grant-offers.js';
import { problem } from './problem.js';
import type { SubmittedItem } from './read-submission.js';
import type { Submitter } from './submitter.js';
import type { AskedGrant } from './task-state.js';

export interface GrantRequestParts {
  readonly offers: Pick<GrantOffers, 'mayAsk' | 'lookIfOffered'>;
  readonly requests: Pick<AccessRequests, 'askThrough'>;
  /** Throws `overloaded` for an enforcement point that asks too much. */
  verifyMayAsk(identity: string, attempt: string): void;
  longestMs(): number;
  newId(): string;
}

/** A request for a grant that policy would not deny, before anything is written or asked. */
export interface PreparedGrant {
  readonly asks: AskedGrant;
  readonly attempt: string;
  readonly looked: Pick<Looked, 'call'>;
}

/** Requests for grants that enforcement points submit: each names one that the catalogue would offer at that moment. */
export class GrantRequests {
  constructor(private readonly parts: GrantRequestParts) {}

  /**
   * Verifies what is asked for; nothing is written, and nobody asked. What is asked for twice in one submission is one
   * attempt. Throws the profile's problems, and `request_malformed` with what would have to differ.
   *
   * @param asked the denied evaluation, with the context that decides and no other
   */
  async prepare({ asked: { context }, requestedAccess }: SubmittedItem, asked: AskedEvaluation, submitter: Submitter, others: readonly PreparedGrant[]): Promise<PreparedGrant> {
    const { offers, longestMs, newId, verifyMayAsk } = this.parts;
    const { identity } = submitter.principal;
    if (!offers.mayAsk(identity.id)) throw problem('not_requestable', 'this enforcement point may not ask for grants; `access_requests.grants_for_subjects_by` names those that may');
    const wish = readWish(context, requestedAccess, longestMs());
    const attempt = newId();
    verifyMayAsk(identity.id, attempt);
    const found = await offers.lookIfOffered(asked, submitter, wish.grant);
    if (!found) throw problem('not_requestable', 'a grant would not lift this denial now; evaluate again');
    if (!found.isOffered) throw new FlyballError('request_malformed', `expected \`${grantMembers.grant}\` in \`requested_access\` to be a value that the catalogue has for this denial now; look at \`request_catalogs_url\` again`);
    const { call, outcome, fault, session, digest, isRefused } = await found.look(wish);
    if (fault) throw fault;
    if (outcome === 'deny' || digest === undefined) throw problem('not_requestable', 'policy does not let this grant be asked for in this way; ask for less, or for another one');
    if (isRefused) throw problem('not_requestable', 'a person refused exactly this; do not look for another way to do it');
    const same = others.find(({ asks }) => asks.digest === digest);
    return same ?? { asks: { grant: wish.grant, subject: asked.subject.id, session, digest }, attempt, looked: { call } };
  }

  /** Asks, once the task is in the record. What comes of it is there as well, so it is looked for there and nowhere else. */
  async carryOut(prepared: readonly PreparedGrant[], submitter: Submitter): Promise<void> {
    const point = { identity: submitter.principal.identity.id, address: submitter.address };
    for (const { attempt, asks, looked } of new Set(prepared)) await this.parts.requests.askThrough(attempt, asks.subject, point, looked);
  }
}
