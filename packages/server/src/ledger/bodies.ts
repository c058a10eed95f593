import { createHash } from 'node:crypto';
import { type Action, canonicalText, type Decision, FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Reached } from '../action/stages.js';
import type { Approved, Call, Decided, Result } from '../action/states.js';
import { randomSalt } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { Payload } from './draft.js';

const ten4 = 10_000;

/** What is recorded of a decision: policies by name and result. Their errors quote values, so they stay in the payload. */
export const decisionBody = ({ outcome, kind, verdicts, approvals, facts, modification, credential, shadowOutcome, bundle }: Decision) => ({
  outcome,
  kind,
  policies: verdicts.slice(0, limits.policiesRecordedMax).map(({ policy, effect, result, shadow }) => ({ policy, effect, result, shadow })),
  approvals,
  facts,
  modification,
  credential,
  shadow_outcome: shadowOutcome,
  bundle,
});

const unlisted = 'sha256:';

/** A name is recorded for ever when the server or the catalogue has it; any other is a caller's own words, and a URI may be about a person. */
function targetName({ method, name, tool }: Call, { match }: Action): string | undefined {
  // A request for a grant that the catalogue does not declare is refused before there is an action.
  const listed = method === 'access/request' || (method === 'tools/call' && tool !== undefined && tool.digest !== unlisted);
  return (method === 'tools/call' || method === 'prompts/get' || method === 'evaluation' || method === 'access/request') && (listed || match.name === name) ? name.slice(0, 256) : undefined;
}

/** Members without a value are in no entry: canonical JSON leaves them out. People are named by reference. */
export function decidedBody(decided: Decided) {
  const { principal, session, action, call, digest, decision, origin } = decided;
  return {
    identity: principal.identity.id,
    on_behalf_of: session.state.onBehalfOf,
    chain: principal.chain,
    session: session.state.id,
    action: action.name,
    tier: action.tier,
    upstream: call.upstream,
    method: call.method,
    name: targetName(call, action),
    tool: call.tool?.digest,
    digest,
    decision: decisionBody(decision),
    gateway: origin.gateway,
  };
}

export function intentBody(approved: Approved) {
  return {
    ...decidedBody(approved),
    labels: approved.action.reads,
    spends: spendsOf(approved.action, approved.effectiveArgs),
    approvals: approved.grant.approvals,
    means: approved.grant.means.length > 0 ? meansBody(approved) : undefined,
  };
}

/** What stands in for people's answers, and what this use draws of it. */
const meansBody = ({ grant, effectiveArgs }: Approved) => grant.means.map(({ kind, id, draws }) => ({ kind, id, ...(draws !== undefined && { spent: spentOf(effectiveArgs, draws) }) }));

/** What an action draws from each budget, in ten-thousandths. A negative amount fills no budget up again. */
export function spendsOf(action: Action, args: JsonObject): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(action.spends).map(([unit, argument]) => [unit, spentOf(args, argument)] as const));
}

function spentOf(args: JsonObject, argument: string): number {
  const amount = Object.hasOwn(args, argument) ? args[argument] : undefined;
  return typeof amount === 'number' ? Math.max(0, Math.round(amount * ten4)) : 0;
}

/**
 * How far a refused attempt came, as far as it is known.
 *
 * @param onBehalfOf reference of the person, never the name
 */
export function reachedBody(reached: Reached, onBehalfOf: string | undefined, error: FlyballError) {
  const { principal, session, action, call, digest, decision, origin } = reached;
  return {
    identity: principal?.identity.id,
    on_behalf_of: onBehalfOf,
    chain: principal?.chain,
    session: session?.state.id,
    action: action?.name,
    tier: action?.tier,
    upstream: call.upstream,
    method: call.method.slice(0, 128),
    // A name that nobody catalogued is whatever a stranger wrote.
    name: action && targetName(call, action),
    digest,
    decision: decision && decisionBody(decision),
    gateway: origin.gateway,
    error: { code: error.code },
  };
}

export interface PayloadWish {
  readonly effectiveArgs?: JsonObject;
  readonly error?: FlyballError;
}

/** What belongs to a decision and can be erased: what was asked for, what policies saw, and what was said about it in words. */
export function payloadOf(reached: Reached, { effectiveArgs, error }: PayloadWish = {}): Payload {
  const { call, inputs, decision, resources, origin } = reached;
  const broken = decision?.verdicts.filter((verdict) => verdict.error !== undefined).map(({ policy, error }) => ({ policy, error }));
  // A Cedar policy's reason stands in its bundle; what Rego gave as one stands nowhere else.
  const reasons = decision?.verdicts.filter(({ policy, reason }) => policy.includes('/') && reason !== undefined).map(({ policy, reason }) => ({ policy, reason }));
  const whole = {
    // Of what was never decided on, only what it was aimed at: whoever sends it may be nobody.
    target: inputs ? call.name : call.name.slice(0, 256),
    args: inputs && call.args,
    // A denial that people can be asked about is bound to the whole of what was asked, also to what no policy looks at.
    asked: error?.code === 'held' ? call.params : undefined,
    effective_args: effectiveArgs,
    resources,
    inputs,
    broken,
    reasons: reasons?.length ? reasons : undefined,
    address: origin.address,
    error: error && errorWords(error),
  };
  const content = JSON.stringify(whole);
  const fits = content.length <= limits.payloadBytesMax;
  return { salt: randomSalt(), content: fits ? content : JSON.stringify({ too_large: content.length }) };
}

/** Messages quote what was sent, so they can be erased; the code stays. */
export const errorWords = ({ code, message, detail }: FlyballError) => ({ code, message, ...(detail !== undefined && { detail }) });

/** Commits to what came back, as it was released; whoever has it and the session's salt can compute it again. */
export function outputDigest(salt: string, { value }: Result): string | undefined {
  try {
    return `sha256:${createHash('sha256').update(salt).update(canonicalText(value)).digest('hex')}`;
  } catch (error) {
    if (error instanceof FlyballError && error.code === 'not_canonical') return undefined;
    throw error;
  }
}

/** What came back: a result, the tool's own word that it failed, or an error of its server. */
export const answerKind = ({ kind, value }: Result): 'result' | 'tool_error' | 'error' => (kind === 'result' && value['isError'] === true ? 'tool_error' : kind);

const wordsMost = 2_000;

/** What the server said of a failure, as it was released; it can be erased. */
export function failureWords(result: Result): JsonObject | undefined {
  const { kind, value } = result;
  if (kind === 'error') return isObject(value['error']) ? { code: value['error']['code'], message: String(value['error']['message']).slice(0, wordsMost) } : {};
  if (answerKind(result) !== 'tool_error' || !Array.isArray(value['content'])) return undefined;
  const texts = (value['content'] as readonly Json[]).flatMap((part) => (isObject(part) && typeof part['text'] === 'string' ? [part['text']] : []));
  return { code: 'tool_error', message: texts.join('\n').slice(0, wordsMost) };
}
