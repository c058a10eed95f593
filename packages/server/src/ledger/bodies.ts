import { createHash } from 'node:crypto';
import type { Action, Decision, JsonObject, Principal } from '@flyball/protocol';
import type { Reached } from '../action/stages.js';
import type { Approved, Decided } from '../action/states.js';
import { randomSalt } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { Payload } from './draft.js';

const ten4 = 10_000;

export const principalBody = ({ identity, onBehalfOf, chain, method }: Principal) => ({
  identity: identity.id,
  ...(onBehalfOf !== undefined && { on_behalf_of: onBehalfOf }),
  chain,
  method,
});

/** What is recorded of a decision: policies by name and result. Their errors quote values, so they stay in the payload. */
const decisionBody = ({ outcome, kind, verdicts, approvals, facts, modification, shadowOutcome, bundle }: Decision) => ({
  outcome,
  kind,
  policies: verdicts.map(({ policy, effect, result, shadow }) => ({ policy, effect, result, ...(shadow && { shadow }) })),
  approvals,
  facts,
  ...(modification && { modification }),
  ...(shadowOutcome && { shadow_outcome: shadowOutcome }),
  bundle,
});

/** Names of tools and prompts are the server's own; a URI may be about a person, so it is in the payload only. */
const targetName = (method: string, name: string) => (method === 'tools/call' || method === 'prompts/get' ? name.slice(0, 256) : undefined);

export function decidedBody(decided: Decided, payload: Payload) {
  const { principal, session, action, call, digest, decision, origin } = decided;
  return {
    ...principalBody(principal),
    session: session.state.id,
    action: action.name,
    tier: action.tier,
    upstream: call.upstream,
    method: call.method,
    name: targetName(call.method, call.name),
    tool: call.tool?.digest,
    digest,
    decision: decisionBody(decision),
    gateway: origin.gateway,
    inputs: payloadDigest(payload),
  };
}

export function intentBody(approved: Approved, payload: Payload) {
  return {
    ...decidedBody(approved, payload),
    labels: approved.action.reads,
    spends: spendsOf(approved.action, approved.effectiveArgs),
    approvals: approved.grant.approvals,
  };
}

/** What an action draws from each budget, in ten-thousandths. A negative amount fills no budget up again. */
function spendsOf(action: Action, args: JsonObject): Readonly<Record<string, number>> {
  const amounts = Object.entries(action.spends).map(([unit, argument]) => {
    const amount = Object.hasOwn(args, argument) ? args[argument] : undefined;
    return [unit, typeof amount === 'number' ? Math.max(0, Math.round(amount * ten4)) : 0] as const;
  });
  return Object.fromEntries(amounts);
}

/** How far a refused attempt came, as far as it is known. */
export function reachedBody(reached: Reached, payload: Payload | undefined) {
  const { principal, session, action, call, digest, decision, origin } = reached;
  return {
    ...(principal && principalBody(principal)),
    ...(session && { session: session.state.id }),
    ...(action && { action: action.name, tier: action.tier }),
    upstream: call.upstream,
    method: call.method.slice(0, 128),
    name: targetName(call.method, call.name),
    ...(digest !== undefined && { digest }),
    ...(decision && { decision: decisionBody(decision) }),
    gateway: origin.gateway,
    ...(payload && { inputs: payloadDigest(payload) }),
  };
}

export function payloadOf(reached: Reached, effectiveArgs?: JsonObject): Payload {
  const { call, inputs, decision, resources, origin } = reached;
  const broken = decision?.verdicts.filter((verdict) => verdict.error !== undefined).map(({ policy, error }) => ({ policy, error }));
  // A Cedar policy's reason stands in its bundle; what Rego gave as one stands nowhere else.
  const reasons = decision?.verdicts.filter(({ policy, reason }) => policy.includes('/') && reason !== undefined).map(({ policy, reason }) => ({ policy, reason }));
  const whole = { target: call.name, args: call.args, effective_args: effectiveArgs, resources, inputs, broken, ...(reasons?.length && { reasons }), address: origin.address };
  const content = JSON.stringify(whole);
  const fits = content.length <= limits.payloadBytesMax;
  return { salt: randomSalt(), content: fits ? content : JSON.stringify({ too_large: content.length }) };
}

export const payloadDigest = ({ salt, content }: Payload): string => `sha256:${createHash('sha256').update(salt).update(content).digest('hex')}`;
