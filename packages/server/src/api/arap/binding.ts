import { type Decision, type Entry, type FlyballError, isObject, type JsonObject, type Principal } from '@flyball/protocol';
import { isTimeId } from '../../lib/ids.js';
import { type AskedEvaluation, readEvaluation } from '../authzen/read-request.js';
import { type Bound, boundOf, isSame } from './asked.js';
import type { Known } from './denial.js';
import { problem } from './problem.js';
import type { SubmittedItem } from './read-submission.js';
import { templateOf } from './request-schema.js';
import type { Signed } from './signed.js';

/** What is needed to see whether a submission is of a denial that was given. */
export interface BindingTerms {
  readonly signed: Signed;
  readonly known: Known;
  readonly nowMs: number;
  /** How long a denial can be asked about. */
  readonly denialMs: number;
  find(id: string): Promise<Entry | undefined>;
  /** What belongs to an entry and can be erased; nothing when it was. */
  content(id: string): Promise<string | undefined>;
  /** Names of the context's members that decide about an action. */
  membersOf(action: string): readonly string[];
}

/** A denial that was given to this caller for exactly what is submitted, and can still be asked about. */
export interface BoundDenial {
  readonly evaluation: string;
  readonly bound: Bound;
  readonly members: readonly string[];
  readonly template: string;
}

/** A denial as it was given to somebody. */
export interface Denied {
  readonly evaluation: string;
  readonly bound: Bound;
  readonly members: readonly string[];
  readonly template: string;
  readonly identity: string;
  readonly expiresAtMs: number;
}

/**
 * Verifies the denial that a submission is bound to (sections Binding Token Integrity and Access Request Service Processing
 * Rules): by its token where it has one, and then by nothing else; by the record where it has its id alone. Throws the
 * profile's problems.
 */
export async function verifyBinding(item: SubmittedItem, { identity }: Principal, terms: BindingTerms): Promise<BoundDenial> {
  const { denial, asked } = item;
  const denied = denial.binding_token === undefined ? await deniedInRecord(denial.evaluation_id ?? '', terms) : await byToken(item, terms);
  if (denied.identity !== identity.id || !isSame(boundOf(asked, denied.members), denied.bound)) throw unbound('this is not what was denied');
  if (denied.expiresAtMs <= terms.nowMs) throw problem('expired_denial', 'the time to ask about this denial is over; evaluate again');
  const { evaluation, bound, members, template } = denied;
  return { evaluation, bound, members, template };
}

async function byToken({ denial }: SubmittedItem, { signed, known }: BindingTerms): Promise<Denied> {
  const claims = await signed.verify('flyball-denial+jwt', denial.binding_token, known.endpoint, known.base);
  const { exp, jti, client_id: identity, evaluation_id: evaluation, binding_context_members: members, template, subject, resource, action, context } = claims ?? {};
  const isWhole = typeof exp === 'number' && typeof jti === 'string' && typeof identity === 'string' && typeof evaluation === 'string' && typeof template === 'string' && Array.isArray(members) && [subject, resource, action, context].every(isObject);
  if (!claims || !isWhole) throw unbound('expected a `binding_token` that was given here');
  if (denial.evaluation_id !== undefined && denial.evaluation_id !== evaluation) throw unbound('expected the `evaluation_id` that belongs to the `binding_token`');
  verifyEcho(denial.expires_at, claims);
  const bound = { subject, resource, action, context } as unknown as Bound;
  return { evaluation, bound, members: members as readonly string[], template, identity, expiresAtMs: Math.min(exp * 1_000, Date.parse(denial.expires_at)) };
}

/** The echoed time has to be the protected one; where none is protected, the token must end no later than the echo says. */
function verifyEcho(echoed: string, { denial_expires_at: protectedAt, exp }: JsonObject): void {
  const fits = protectedAt === undefined ? (exp as number) * 1_000 <= Date.parse(echoed) : protectedAt === echoed;
  if (!fits) throw unbound('expected `denial.expires_at` as the denial had it');
}

/** What the record has of a refusal that could be asked about. */
interface RefusalBody {
  readonly identity?: string;
  readonly method?: string;
  readonly action?: string;
  readonly decision?: Pick<Decision, 'outcome' | 'approvals'>;
  readonly error?: { readonly code?: string };
}

/** A denial that can be asked about, with all that was asked, by the id of its evaluation. Throws the profile's problems. */
export async function deniedInRecord(id: string, { find, content, membersOf, denialMs }: BindingTerms): Promise<Denied & { readonly asked: AskedEvaluation }> {
  const entry = isTimeId(id) ? await find(id) : undefined;
  const body: RefusalBody = entry && isObject(entry.body) ? (entry.body as RefusalBody) : {};
  const isEvaluation = body.method === 'evaluation' && ['refusal', 'evaluation', 'intent'].includes(entry?.kind ?? '');
  if (!entry || !isEvaluation || body.identity === undefined) throw unbound('no evaluation of yours has this id');
  if (entry.kind !== 'refusal' || body.error?.code !== 'held' || !body.decision) throw problem('not_requestable', 'this evaluation was no denial that can be asked about');
  const asked = askedIn(await content(id));
  const members = membersOf(asked.action.name);
  return { evaluation: id, asked, bound: boundOf(asked, members), members, template: templateOf(body.decision), identity: body.identity, expiresAtMs: entry.at + denialMs };
}

function askedIn(content: string | undefined): AskedEvaluation {
  const kept: unknown = content === undefined ? undefined : JSON.parse(content);
  if (!isObject(kept) || !isObject(kept['asked'])) throw unbound('what was asked was erased; evaluate again');
  return readEvaluation(kept['asked']);
}

const unbound = (message: string): FlyballError => problem('invalid_denial_binding', message);
