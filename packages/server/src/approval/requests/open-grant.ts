import { FlyballError } from '@flyball/protocol';
import type { Issued, Result, SessionState } from '../../action/states.js';
import type { Clock } from '../../lib/clock.js';
import { randomSalt } from '../../lib/ids.js';
import { limits } from '../../lib/limits.js';
import type { ApprovalRecord } from '../record.js';
import { activeAt, type GrantBody, type GrantsState, grantStream } from './grant.js';
import { endOf, type GrantTerms } from './wish.js';

export interface OpeningParts {
  readonly record: Pick<ApprovalRecord, 'read' | 'append'>;
  readonly declared: () => ReadonlyMap<string, GrantTerms>;
  readonly clock: Clock;
}

/**
 * Carries out an approved request: the grant's entry takes the place in the session that comes after the state in which
 * its intent is open and has opened nothing. So an intent opens one grant at most, and none once its outcome is written.
 */
export async function openGrant(issued: Issued, { record, declared, clock }: OpeningParts): Promise<Result> {
  const { principal, intent, effectiveArgs, call } = issued;
  const terms = declared().get(call.name);
  if (!terms) throw failed('no grant of this name is declared any more');
  const { body, payload } = contentOf(issued);
  for (let round = 0; round < limits.decideRoundsMax; round++) {
    const { version, state } = await record.read<SessionState>(intent.stream);
    const open = state && Object.hasOwn(state.open, intent.id) ? state.open[intent.id] : undefined;
    if (!open || open.grant !== undefined) throw failed('this request is over already');
    const stream = grantStream(principal.identity.id);
    const held = await record.read<GrantsState>(stream);
    const now = clock.now();
    if (activeAt(held.state, now).length >= limits.grantsPerIdentityMax) throw failed(`this identity holds ${limits.grantsPerIdentityMax} grants already`);
    const deadline = endOf(effectiveArgs, terms, now);
    if (deadline <= now) throw failed('the time that was asked for is over');
    const streams = [{ stream, expected: held.version }, { stream: intent.stream, expected: version }];
    const written = await record.append({ kind: 'grant.opened', streams, deadline, body, payload });
    if (written) return { kind: 'result', value: { id: written.id, grant: call.name, until: new Date(deadline).toISOString() } };
  }
  throw failed('the session changed faster than a grant could be opened');
}

/** What a person asked for an identity counts whomever it acts for; what an identity asked while it acts for somebody is for them. */
function contentOf({ principal, session, intent, effectiveArgs, call }: Issued): { readonly body: GrantBody; readonly payload: { readonly salt: string; readonly content: string } } {
  const person = session.state.onBehalfOf;
  const { why, rollback } = effectiveArgs;
  const whose = person === undefined ? {} : call.args['by_person'] === true ? { asked_by: person } : { on_behalf_of: person };
  return { body: { grant: call.name, identity: principal.identity.id, ...whose, intent: intent.id, session: session.state.id }, payload: { salt: randomSalt(), content: JSON.stringify({ why, rollback }) } };
}

const failed = (why: string) => new FlyballError('performed_failed', `${why}; nothing was granted`);
