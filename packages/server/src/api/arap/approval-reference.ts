import { type Decision, isObject, type Json, type Principal } from '@flyball/protocol';
import { isTimeId } from '../../lib/ids.js';
import type { AskedEvaluation } from '../authzen/read-request.js';
import { type Bound, boundOf, isSame } from './asked.js';
import type { BindingTerms } from './binding.js';
import type { ReevaluationReason } from './draft.js';
import type { OpenedBody, SettledBody } from './task-state.js';
import type { TaskQuestions } from './tasks.js';

/** An approval that counts for what is asked, or why it does not. One that stands for a grant has no question that it uses up: policy sees the grant itself. */
export type Reference = { readonly ok: true; readonly id: string; readonly hold: string | undefined; readonly untilMs: number } | { readonly ok: false; readonly why: ReevaluationReason };

export interface ReferenceTerms extends BindingTerms {
  readonly questions: Pick<TaskQuestions, 'status'>;
  /** Grants that count for an identity as the record has it now, whomever it acts for. */
  grantsOf(identity: string): Promise<readonly { readonly id: string; readonly untilMs: number }[]>;
}

const no = (why: ReevaluationReason): Reference => ({ ok: false, why });

/**
 * Looks at the approval that an evaluation brings (section Completion Semantics). It is no bearer's: it counts for the
 * caller who submitted, for exactly what was denied, until its end, while the question that it answers was neither taken
 * back nor used, or the grant that it stands for is active. What is signed and what the record has must agree.
 */
export async function verifyReference(shown: Json, asked: AskedEvaluation, { identity }: Pick<Principal, 'identity'>, terms: ReferenceTerms): Promise<Reference> {
  const id = isObject(shown) ? shown['id'] : undefined;
  if (!isObject(shown) || typeof id !== 'string' || !isTimeId(id)) return no('approval_unverifiable');
  if (shown['state'] !== undefined && !(await isStateOf(shown['state'], id, identity.id, terms))) return no('approval_unverifiable');
  const settled = await terms.find(id);
  const opened = settled?.kind === 'request.settled' && settled.settles !== undefined ? await terms.find(settled.settles) : undefined;
  const { profile, identity: submitter, hold, task, asks } = (opened?.body ?? {}) as Partial<OpenedBody>;
  const { status, until, grant } = (settled?.body ?? {}) as Partial<SettledBody>;
  if (!opened || profile !== 'arap' || status !== 'approved' || hold === undefined || task === undefined || submitter !== identity.id) return no('approval_unverifiable');
  const kept: unknown = JSON.parse((await terms.content(opened.id)) ?? 'null');
  if (!isObject(kept) || !isObject(kept['bound']) || !Array.isArray(kept['members'])) return no('approval_unverifiable');
  const untilMs = Math.min(until ?? 0, asks ? await endOfGrant(asks.subject, grant, terms) : await endOfQuestion(hold, terms));
  if (untilMs <= terms.nowMs) return no('approval_expired');
  if (!isSame(boundOf(asked, kept['members'] as readonly string[]), kept['bound'] as unknown as Bound)) return no('out_of_scope');
  return { ok: true, id, hold: asks ? undefined : hold, untilMs };
}

/** In milliseconds since 1970; 0 for what does not count any more. */
async function endOfQuestion(hold: string, { questions }: ReferenceTerms): Promise<number> {
  const { state, deadlineMs } = await questions.status(hold);
  return state === 'approved' ? deadlineMs : 0;
}

async function endOfGrant(subject: string, grant: string | undefined, { grantsOf }: ReferenceTerms): Promise<number> {
  return (await grantsOf(subject)).find(({ id }) => id === grant)?.untilMs ?? 0;
}

async function isStateOf(state: Json | undefined, id: string, identity: string, { signed, known }: BindingTerms): Promise<boolean> {
  const claims = await signed.verify('flyball-approval+jwt', state, known.base, known.base);
  return claims !== undefined && claims['approval_id'] === id && claims['client_id'] === identity;
}

/** True where nothing runs without somebody's consent. */
export const isGuarded = ({ outcome }: Pick<Decision, 'outcome'>): boolean => outcome === 'step_up';
