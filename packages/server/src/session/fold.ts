import type { Entry } from '@flyball/protocol';
import type { HoldState, SessionState, Vote } from '../action/states.js';
import { limits } from '../lib/limits.js';

/** Bodies of the entries that a session's state is made of. */
export interface SessionOpened {
  readonly session: string;
  readonly identity: string;
  readonly on_behalf_of?: string;
  readonly capabilities: readonly string[];
  /** Opened by Flyball for calls that came without a session. */
  readonly implicit: boolean;
  /** Labels of the sessions that the identity already had open: a new session does not make it forget. */
  readonly inherited: readonly string[];
}

/** What can be erased of a session's opening. The purpose may be in a person's own words. */
export interface Opening {
  readonly salt: string;
  readonly content: string;
}

export const openingContent = (purpose: string): string => JSON.stringify({ purpose });

const purposeOf = ({ content }: Opening): string => (JSON.parse(content) as { readonly purpose: string }).purpose;

interface IntentBody {
  readonly action: string;
  readonly labels: readonly string[];
  readonly spends: Readonly<Record<string, number>>;
  readonly digest: string;
}

interface HoldBody {
  readonly digest: string;
  readonly question?: string;
  readonly action: string;
  readonly decision: { readonly outcome: string; readonly approvals?: readonly { readonly policy: string }[]; readonly facts?: readonly { readonly policy: string }[] };
  readonly depth?: number;
  readonly after?: readonly string[];
  readonly confidence?: number;
}

interface ApprovalBody extends Omit<Vote, 'entry' | 'atMs' | 'signed' | 'authority'> {
  readonly hold: string;
  readonly digest: string;
  readonly authority?: string;
  readonly signature?: unknown;
  readonly evidence?: readonly { readonly kind: string; readonly source?: string }[];
}

interface EvidenceBody {
  readonly hold: string;
  readonly digest: string;
  readonly kind: string;
  readonly source?: string;
}

interface SettledBody {
  readonly digest: string;
  readonly status: 'refused' | 'expired' | 'cancelled';
}

/** A session's state after one more of its entries. Pure; what is unknown leaves the state as it is. */
export function foldSession(state: SessionState | undefined, entry: Entry, payload?: Opening): SessionState | undefined {
  if (entry.kind === 'session.opened') return state ?? opened(entry as Entry<SessionOpened>, payload);
  if (!state) return state;
  switch (entry.kind) {
    case 'session.ended':
      return { ...state, ended: true };
    case 'intent':
      return begun(state, entry as Entry<IntentBody>);
    case 'evaluation':
      // A search names no action, and nothing was done.
      return (entry.body as Partial<IntentBody>).action === undefined ? state : counted(state, entry as Entry<IntentBody>);
    case 'outcome':
      return settled(state, entry as Entry<{ readonly effect: string }>);
    case 'refusal':
      return { ...state, refusals: state.refusals + 1 };
    case 'grant.opened':
      return withGrant(state, entry as Entry<{ readonly intent: string }>);
    case 'hold':
      return held(state, entry as Entry<HoldBody>);
    case 'approval':
      return agreed(state, entry as Entry<ApprovalBody>);
    case 'evidence':
      return withEvidence(state, entry as Entry<EvidenceBody>);
    case 'answer.late':
      return withLate(state, entry as Entry<{ readonly hold: string; readonly digest: string; readonly person: string }>);
    case 'facts.arrived':
      return withArrived(state, entry as Entry<{ readonly hold: string; readonly digest: string }>);
    case 'hold.settled':
      return holdStatus(state, (entry.body as SettledBody).digest, entry.settles, (entry.body as SettledBody).status);
    default:
      return state;
  }
}

/** A session whose payload was erased is over: without its salt nothing can be asked in it. */
function opened(entry: Entry<SessionOpened>, payload: Opening | undefined): SessionState {
  const { session, identity, on_behalf_of: onBehalfOf, capabilities, inherited } = entry.body;
  return {
    id: session,
    identity,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    salt: payload?.salt ?? '',
    purpose: payload ? purposeOf(payload) : '',
    capabilities,
    openedAtMs: entry.at,
    deadlineMs: entry.deadline ?? entry.at,
    ended: payload === undefined,
    labels: inherited,
    counts: {},
    refusals: 0,
    spent: {},
    open: {},
    holds: {},
  };
}

/** Labels and budgets count from the intent on: what is under way may already have had its effect. */
function begun(state: SessionState, entry: Entry<IntentBody>): SessionState {
  const { action, spends, digest } = entry.body;
  const next: SessionState = { ...counted(state, entry), open: { ...state.open, [entry.id]: { action, spends } } };
  return entry.settles === undefined ? next : holdStatus(next, digest, entry.settles, 'used');
}

/** What an enforcement point was told it may do counts as done, though nobody will tell its outcome. */
function counted(state: SessionState, { body: { action, labels, spends } }: Entry<IntentBody>): SessionState {
  return {
    ...state,
    labels: union(state.labels, labels),
    counts: { ...state.counts, [action]: own(state.counts, action) + 1 },
    spent: addTo(state.spent, spends, 1),
  };
}

/** What a request for access was about is there; its outcome may still be missing. */
function withGrant(state: SessionState, { id, body }: Entry<{ readonly intent: string }>): SessionState {
  const intent = state.open[body.intent];
  return intent ? { ...state, open: { ...state.open, [body.intent]: { ...intent, grant: id } } } : state;
}

/** What failed for certain gives its budget back; what is unknown may have been spent. */
function settled(state: SessionState, entry: Entry<{ readonly effect: string }>): SessionState {
  const { [entry.settles ?? '']: intent, ...open } = state.open;
  const spent = intent && entry.body.effect === 'failed' ? addTo(state.spent, intent.spends, -1) : state.spent;
  return { ...state, open, spent };
}

/** A question; one that is asked anew ends the one that it replaces. */
function held(state: SessionState, { id, at, deadline, settles, body }: Entry<HoldBody>): SessionState {
  const { digest, question, action, decision, depth, after, confidence } = body;
  const replaced = settles === undefined ? undefined : Object.values(state.holds).find((hold) => hold.id === settles);
  const before = replaced ? holdStatus(state, replaced.digest, settles, 'superseded') : state;
  const asks = [...(decision.approvals ?? []).map(({ policy }) => `people:${policy}`), ...(decision.facts ?? []).map(({ policy }) => `facts:${policy}`)];
  return withHold(before, digest, { id, digest, question: question ?? '', action, outcome: decision.outcome === 'defer' ? 'defer' : 'step_up', asks, status: 'pending', atMs: at, deadlineMs: deadline ?? 0, agreed: [], evidence: [], depth: depth ?? 0, after: after ?? [], late: [], arrived: false, ...(confidence !== undefined && { confidence }) });
}

function agreed(state: SessionState, { id, at, body }: Entry<ApprovalBody>): SessionState {
  const hold = state.holds[body.digest];
  if (!hold || hold.id !== body.hold) return state;
  const { person, authority, groups, signature, narrow, standing, evidence } = body;
  const vote: Vote = { person, authority: authority ?? person, ...(groups && { groups }), entry: id, atMs: at, signed: signature !== undefined, ...(narrow && { narrow }), ...(standing && { standing }) };
  const added = (evidence ?? []).map(({ kind, source }) => ({ kind, entry: id, person, ...(source !== undefined && { source }) }));
  return withHold(state, hold.digest, { ...hold, agreed: [...hold.agreed, vote], evidence: [...hold.evidence, ...added] });
}

function withEvidence(state: SessionState, { id, body }: Entry<EvidenceBody>): SessionState {
  const hold = state.holds[body.digest];
  return hold && hold.id === body.hold ? withHold(state, hold.digest, { ...hold, evidence: [...hold.evidence, { kind: body.kind, entry: id, ...(body.source !== undefined && { source: body.source }) }] }) : state;
}

function withLate(state: SessionState, { body }: Entry<{ readonly hold: string; readonly digest: string; readonly person: string }>): SessionState {
  const hold = state.holds[body.digest];
  return hold && hold.id === body.hold ? withHold(state, hold.digest, { ...hold, late: [...hold.late, body.person] }) : state;
}

function withArrived(state: SessionState, { body }: Entry<{ readonly hold: string; readonly digest: string }>): SessionState {
  const hold = state.holds[body.digest];
  return hold && hold.id === body.hold ? withHold(state, hold.digest, { ...hold, arrived: true }) : state;
}

/** Only the hold that was settled is: a later one of the same digest is another question. */
function holdStatus(state: SessionState, digest: string, settled: string | undefined, status: HoldState['status']): SessionState {
  const hold = state.holds[digest];
  return hold && hold.id === settled ? withHold(state, digest, { ...hold, status }) : state;
}

/** A question of the same digest takes the place of the one before. What changed last stands last. */
function withHold(state: SessionState, digest: string, hold: HoldState): SessionState {
  const { [digest]: before, ...others } = state.holds;
  if (before?.id === hold.id && before.status === hold.status) return { ...state, holds: { ...state.holds, [digest]: hold } };
  const next = { ...state, holds: { ...others, [digest]: hold } };
  return remembered(before && before.id !== hold.id ? withPast(next, before) : next);
}

/**
 * A machine may ask all day, and every entry costs what its session has to remember. Of more questions than that the one
 * that ended first goes, and what was a no the last; what became of it is remembered a while longer, by its id.
 */
function remembered(state: SessionState): SessionState {
  const all = Object.values(state.holds);
  const leaves = all.length <= limits.holdsRememberedMax ? undefined : (all.find((hold) => hold.status !== 'pending' && !isNo(hold)) ?? all.find(isNo));
  if (!leaves) return state;
  const { [leaves.digest]: _forgotten, ...left } = state.holds;
  return withPast({ ...state, holds: left }, leaves);
}

/** What people refused, or what came to nothing because of what it follows: asked again, it is told the same. */
const isNo = ({ status, after }: HoldState): boolean => status === 'refused' || (after.length > 0 && status !== 'pending' && status !== 'used');

/** What waits for something is never left without what became of that. */
function withPast(state: SessionState, { id, status }: HoldState): SessionState {
  const past = { ...state.pastHolds, [id]: status };
  const names = Object.keys(past);
  if (names.length <= limits.holdsRememberedMax) return { ...state, pastHolds: past };
  const awaited = new Set(Object.values(state.holds).flatMap((hold) => (hold.status === 'pending' ? hold.after : [])));
  const leaves = names.find((name) => !awaited.has(name));
  return { ...state, pastHolds: Object.fromEntries(Object.entries(past).filter(([name]) => name !== leaves)) };
}

function union(left: readonly string[], right: readonly string[]): readonly string[] {
  const added = right.filter((label) => !left.includes(label));
  return added.length === 0 ? left : [...left, ...added].sort();
}

function addTo(spent: Readonly<Record<string, number>>, spends: Readonly<Record<string, number>>, sign: 1 | -1): Readonly<Record<string, number>> {
  const units = Object.keys(spends);
  if (units.length === 0) return spent;
  return { ...spent, ...Object.fromEntries(units.map((unit) => [unit, own(spent, unit) + sign * own(spends, unit)])) };
}

const own = (amounts: Readonly<Record<string, number>>, unit: string): number => (Object.hasOwn(amounts, unit) ? (amounts[unit] ?? 0) : 0);

/** Sessions of an identity, from the stream of their beginnings and ends; those that ended are remembered for what was learnt in them. */
export interface IdentityState {
  readonly sessions: readonly IdentitySession[];
}

export interface IdentitySession {
  readonly id: string;
  readonly entry: string;
  readonly deadlineMs: number;
  readonly rememberedUntilMs: number;
  readonly implicit: boolean;
  readonly ended: boolean;
}

export function foldIdentity(state: IdentityState | undefined, entry: Entry): IdentityState {
  const sessions = (state?.sessions ?? []).filter((session) => session.rememberedUntilMs + limits.temporalWindowMs > entry.at);
  if (entry.kind === 'session.opened') {
    const { session, implicit } = entry.body as SessionOpened;
    return { sessions: [...sessions, { id: session, entry: entry.id, deadlineMs: entry.deadline ?? 0, rememberedUntilMs: entry.at + limits.sessionMs, implicit, ended: false }] };
  }
  if (entry.kind === 'session.ended') return { sessions: sessions.map((session) => (session.entry === entry.settles ? { ...session, ended: true } : session)) };
  return { sessions };
}
