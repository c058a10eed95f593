import { type ApprovalRule, canonicalText, type Entry, isObject, type Json, type JsonObject, type StandingBounds } from '@flyball/protocol';
import type { Means } from '../action/seal.js';
import type { Decided, Vote } from '../action/states.js';
import { tally, type TallyTerms } from './tally.js';

/** Consent to what is like something that was agreed to: the same identity, person, action, tool, target and arguments, so often, so much, so long. */
export interface Standing {
  readonly id: string;
  readonly policy: string;
  readonly identity: string;
  /** Reference of the person that it is for. */
  readonly onBehalfOf?: string;
  readonly action: string;
  /** What every use has to be, as canonical text; nothing where it was erased, and then nothing is covered. */
  readonly scope: string | undefined;
  /** Arguments that may differ. */
  readonly free: readonly string[];
  readonly count: number;
  readonly untilMs: number;
  readonly sum?: { readonly argument: string; readonly most: number };
  readonly used: number;
  /** What was drawn of the sum, in ten-thousandths. */
  readonly spent: number;
  /** Who agreed, by whose right; they are counted anew at each use. */
  readonly votes: readonly StandingVote[];
  /** Kinds of evidence that the question had. */
  readonly evidence: readonly string[];
  readonly askedAtMs: number;
  readonly grantedAtMs: number;
}

export type StandingVote = Pick<Vote, 'person' | 'authority' | 'groups' | 'entry' | 'signed'>;

export interface StandingBody {
  readonly policy: string;
  readonly identity: string;
  readonly on_behalf_of?: string;
  readonly action: string;
  readonly free: readonly string[];
  readonly count: number;
  readonly sum?: { readonly argument: string; readonly most: number };
  readonly votes: readonly StandingVote[];
  readonly evidence: readonly string[];
  readonly asked_at: number;
}

export type StandingState = Readonly<Record<string, Standing>>;

/** Standing approvals of one policy are one stream, so that two nodes cannot both make the last use of one. */
export const standingStream = (policy: string): string => `standing:${policy}`;

export function foldStanding(state: StandingState | undefined, entry: Entry, payload?: { readonly content: string }): StandingState {
  const known = state ?? {};
  switch (entry.kind) {
    case 'standing.granted': {
      const { on_behalf_of: onBehalfOf, asked_at: askedAtMs, ...terms } = entry.body as StandingBody;
      const scope = payload && (JSON.parse(payload.content) as { readonly scope: string }).scope;
      return { ...known, [entry.id]: { id: entry.id, ...terms, ...(onBehalfOf !== undefined && { onBehalfOf }), scope, askedAtMs, grantedAtMs: entry.at, untilMs: entry.deadline ?? 0, used: 0, spent: 0 } };
    }
    case 'standing.ended': {
      const { [entry.settles ?? '']: _ended, ...left } = known;
      return left;
    }
    case 'intent':
      return used(known, entry as Entry<{ readonly means?: readonly { readonly id: string; readonly spent?: number }[] }>);
    default:
      return known;
  }
}

/** A use counts from its intent on; what failed is not given back, for it was an attempt all the same. */
function used(state: StandingState, { body }: Entry<{ readonly means?: readonly { readonly id: string; readonly spent?: number }[] }>): StandingState {
  const uses = (body.means ?? []).flatMap(({ id, spent }) => {
    const standing = Object.hasOwn(state, id) ? state[id] : undefined;
    return standing ? [[id, { ...standing, used: standing.used + 1, spent: standing.spent + (spent ?? 0) }] as const] : [];
  });
  return uses.length === 0 ? state : { ...state, ...Object.fromEntries(uses) };
}

const ten4 = 10_000;

/** What a use draws of a standing approval's sum, in ten-thousandths; nothing when the argument is no amount. */
export function drawn({ sum }: Pick<Standing, 'sum'>, args: JsonObject): number | undefined {
  if (!sum) return 0;
  const amount = Object.hasOwn(args, sum.argument) ? args[sum.argument] : undefined;
  return typeof amount === 'number' && amount >= 0 ? Math.round(amount * ten4) : undefined;
}

export interface Scope {
  readonly upstream: string;
  readonly method: string;
  readonly target: string;
  readonly tool: string | undefined;
  readonly chain: readonly string[];
  readonly resources: readonly Json[];
  readonly args: JsonObject;
  /** What an enforcement point's question is about beside the arguments. */
  readonly about: JsonObject | undefined;
}

/** What all uses of a standing approval have in common: everything but the amount that is added up and the arguments that may differ. */
export function scopeOf({ upstream, method, target, tool, chain, resources, args, about }: Scope, free: readonly string[]): string {
  return canonicalText({ upstream, method, target, tool, chain, resources, args: Object.fromEntries(Object.entries(args).filter(([name]) => !free.includes(name))), about: about && { context: {}, ...about } });
}

function scopeOfAttempt({ call, principal, resources }: Decided, free: readonly string[]): string {
  const { upstream, method, name: target, tool, args, about } = call;
  return scopeOf({ upstream, method, target, tool: tool?.digest, chain: principal.chain, resources: resources.map(({ type, id }) => ({ type, id })), args, about: isObject(about) ? { subject: about['subject'], resources: about['resource'], context: about['context'] } : undefined }, free);
}

export interface Covered {
  /** The rules of the policy, as they are now. */
  readonly rules: readonly ApprovalRule[];
  /** The arguments as they would run. */
  readonly args: JsonObject;
  readonly terms: Omit<TallyTerms, 'askedAtMs' | 'evidence'>;
}

/** The standing approval that covers an attempt as it would run, if one does; the one that ends first. */
export function covering(state: StandingState | undefined, decided: Decided, { rules, args, terms }: Covered): Standing | undefined {
  const { principal, session, action } = decided;
  const { nowMs } = terms;
  const fits = Object.values(state ?? {}).filter((standing) => {
    const amount = drawn(standing, args);
    return (
      standing.identity === principal.identity.id &&
      standing.onBehalfOf === session.state.onBehalfOf &&
      standing.action === action.name &&
      standing.untilMs > nowMs &&
      standing.used < standing.count &&
      amount !== undefined &&
      (!standing.sum || standing.spent + amount <= standing.sum.most * ten4) &&
      standing.scope === scopeOfAttempt(decided, standing.free) &&
      isWithin(standing, rules[0]?.standing, amount, nowMs) &&
      isAgreed(standing, rules, terms)
    );
  });
  return fits.sort((left, right) => left.untilMs - right.untilMs)[0];
}

/** A rule that has become narrower since binds what was agreed to before. */
function isWithin({ used, spent, sum, free, grantedAtMs }: Standing, bounds: StandingBounds | undefined, amount: number, nowMs: number): boolean {
  if (!bounds || used >= bounds.count || grantedAtMs + bounds.withinMs <= nowMs) return false;
  if (bounds.sum && (sum?.argument !== bounds.sum.argument || spent + amount > bounds.sum.most * ten4)) return false;
  return free.every((name) => name === bounds.sum?.argument || bounds.free?.includes(name));
}

/** Whoever left the group since, or is the one who asks, does not count for a standing approval either. */
function isAgreed({ votes, evidence, askedAtMs, grantedAtMs }: Standing, rules: readonly ApprovalRule[], terms: Covered['terms']): boolean {
  return tally(rules, votes.map((vote) => ({ ...vote, atMs: grantedAtMs })), { ...terms, askedAtMs, evidence: new Set(evidence) }).met;
}

export const standingMeans = ({ id, policy, sum }: Standing, version: number): Means => ({ kind: 'standing', id, stream: standingStream(policy), expected: version, ...(sum && { draws: sum.argument }) });

/** The narrowest of the rule's bounds and of what each who agreed wished; nothing when one of them agreed to this once only. */
export function boundsOf(rule: ApprovalRule, votes: readonly Vote[]): StandingBounds | undefined {
  const { standing } = rule;
  const wished = votes.flatMap((vote) => (vote.standing ? [vote.standing] : []));
  if (!standing || wished.length === 0 || wished.length < votes.length) return undefined;
  const all = [standing, ...wished];
  const sums = all.flatMap(({ sum }) => (sum ? [sum] : []));
  const [first] = sums;
  if (sums.some(({ argument }) => argument !== first?.argument)) return undefined;
  return { count: Math.min(...all.map(({ count }) => count)), withinMs: Math.min(...all.map(({ withinMs }) => withinMs)), ...(standing.free && { free: standing.free }), ...(first && { sum: { argument: first.argument, most: Math.min(...sums.map(({ most }) => most)) } }) };
}
