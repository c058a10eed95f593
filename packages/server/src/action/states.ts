import type { Action, Decision, Json, JsonObject, Principal, StandingBounds } from '@flyball/protocol';
import type { Secret } from '../lib/secret.js';
import type { Grant, Intent, Vouched } from './seal.js';

/**
 * One attempt from start to finish. Each state extends the one before by what its stage learned, so a
 * stage can only be written for a state in which everything it needs is already known.
 */
export interface Received {
  /** The evaluation id: names this attempt in the record and to the caller. */
  readonly id: string;
  readonly tenant: string;
  readonly receivedAtMs: number;
  /** When the attempt must have ended, in milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly presented: Presented;
  /** Session that the caller names; absent, the identity's own session is used. */
  readonly sessionHandle?: string;
  readonly call: Call;
  readonly origin: { readonly gateway: string; readonly address: string };
}

/** What the caller showed as proof of who it is. */
export type Presented =
  | { readonly kind: 'bearer'; readonly token: Secret }
  /** A process that the gateway's owner started by hand; the identity is from the command line. */
  | { readonly kind: 'stdio'; readonly identity: string }
  | Vouched
  | { readonly kind: 'none' };

/** What is to be done, before anyone has asked whether it may be. */
export interface Call {
  readonly upstream: string;
  readonly method: string;
  /** What the method is aimed at: the tool's name, the resource's URI; empty when it aims at the server. */
  readonly name: string;
  /** The whole `params` of the request, for the mapping. */
  readonly params: JsonObject;
  readonly args: JsonObject;
  /** What else of the request people agree to, when they have to. */
  readonly about?: Json;
  readonly tool?: ToolDefinition;
  /** Holds of the session that the caller says this depends on. */
  readonly after?: readonly string[];
  /** How sure a machine is of what it recommends, from 0 to 1. */
  readonly confidence?: number;
}

/** A tool as its server describes it, with the digest that pins the description. */
export interface ToolDefinition {
  readonly name: string;
  readonly digest: string;
  readonly accepted: boolean;
  readonly definition: JsonObject;
}

export interface Identified extends Received {
  readonly principal: Principal;
  /** The validated token's claims, for the mapping; for stdio what stands in for them. */
  readonly claims: JsonObject;
}

/** What a session has come to at one version of its stream. Never changes; a new entry makes a new one. */
export interface SessionState {
  readonly id: string;
  readonly identity: string;
  /** Reference of the person that it is for. */
  readonly onBehalfOf?: string;
  /** Random, and erased with the session: digests of what may be guessed are made with it. */
  readonly salt: string;
  readonly purpose: string;
  readonly capabilities: readonly string[];
  readonly openedAtMs: number;
  readonly deadlineMs: number;
  readonly ended: boolean;
  readonly labels: readonly string[];
  /** Actions begun, by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly refusals: number;
  /** Budgets drawn, by unit, in ten-thousandths. */
  readonly spent: Readonly<Record<string, number>>;
  /** Intents without an outcome, by id. */
  readonly open: Readonly<Record<string, OpenIntent>>;
  readonly holds: Readonly<Record<string, HoldState>>;
  /** What became of holds after which the same was asked again, by id. */
  readonly pastHolds?: Readonly<Record<string, HoldState['status']>>;
}

export interface OpenIntent {
  readonly action: string;
  readonly spends: Readonly<Record<string, number>>;
  /** The grant that it opened, if it was a request for one. */
  readonly grant?: string;
}

/** A hold as its session's stream tells it, keyed by the digest that it binds. */
export interface HoldState {
  readonly id: string;
  readonly digest: string;
  /** What is asked apart from policy version and tool: a later question of the same call replaces this one. */
  readonly question: string;
  readonly action: string;
  readonly outcome: 'step_up' | 'defer';
  /** Policies because of which it waits, as `people:POLICY` and `facts:POLICY`: what waits because of another one is another question. */
  readonly asks: readonly string[];
  readonly status: 'pending' | 'refused' | 'expired' | 'cancelled' | 'superseded' | 'used';
  readonly atMs: number;
  readonly deadlineMs: number;
  readonly agreed: readonly Vote[];
  readonly evidence: readonly HoldEvidence[];
  /** How many holds it waits behind, one behind the other. */
  readonly depth: number;
  /** Holds that it waits behind. */
  readonly after: readonly string[];
  /** References of those who answered when it was over. */
  readonly late: readonly string[];
  /** The facts that it waited for are there. */
  readonly arrived: boolean;
  /** How sure the machine was that recommends it. */
  readonly confidence?: number;
}

/** One person's consent to one question. */
export interface Vote {
  /** Reference of the person who answered. */
  readonly person: string;
  /** Reference of the person by whose right: another one where somebody speaks for who is away. */
  readonly authority: string;
  /** Groups in which they speak for that person; all of one's own where it is oneself. */
  readonly groups?: readonly string[];
  readonly entry: string;
  readonly atMs: number;
  readonly signed: boolean;
  readonly narrow?: Narrowing;
  /** Also for what will be like it, within these bounds. */
  readonly standing?: StandingBounds;
}

/** How an approver made what they agreed to smaller. */
export interface Narrowing {
  /** Most of numeric arguments, by name. */
  readonly caps?: Readonly<Record<string, number>>;
  /** Consent ends earlier than the question, in milliseconds since 1970. */
  readonly untilMs?: number;
}

export interface HoldEvidence {
  readonly kind: string;
  readonly entry: string;
  /** Reference of the person who gave it; nobody where it came from who asked. */
  readonly person?: string;
  /** Who confirmed it; without one, only its form was looked at. */
  readonly source?: string;
}

export interface SessionSnapshot {
  readonly stream: string;
  readonly version: number;
  readonly state: SessionState;
  /** The identity's other sessions that are remembered; looked up for who asks about them. */
  readonly others?: () => Promise<readonly { readonly stream: string; readonly version: number }[]>;
}

export interface Situated extends Identified {
  readonly session: SessionSnapshot;
}

export interface Resource {
  readonly type: string;
  readonly id: string;
}

/** A hold of the same session on which an attempt depends. */
export interface Predecessor {
  readonly hold: string;
  readonly action: string;
  readonly status: HoldState['status'];
  readonly remainingMs: number;
  /** How many holds it waits behind itself. */
  readonly depth: number;
}

/** Everything the decision saw, as it is recorded and can be evaluated again. */
export interface DecisionInputs {
  readonly principal: JsonObject;
  readonly action: string;
  readonly resources: readonly Resource[];
  readonly context: JsonObject;
  readonly entities: Json;
  /** Holds of the session that this attempt depends on. */
  readonly predecessors?: readonly Predecessor[];
  /** Facts that providers were asked for, their values being in `context.facts`: where each came from, or why it is missing. */
  readonly facts?: Readonly<Record<string, AskedFact>>;
  /** The arguments as they were sent, where Cedar's types do not carry all of them and somebody else is asked as well. */
  readonly args?: JsonObject;
}

export interface AskedFact {
  readonly sources: readonly { readonly source: string; readonly fetched_at_ms: number }[];
  /** How old an answer may become. */
  readonly fresh_for_ms: number;
  /** What the sources were asked with. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly missing?: string;
}

export interface Decided extends Situated {
  readonly action: Action;
  readonly resources: readonly Resource[];
  /** Canonical digest of exactly what is asked for; approvals bind to it. */
  readonly digest: string;
  readonly decision: Decision;
  readonly inputs: DecisionInputs;
}

export interface Approved extends Decided {
  readonly grant: Grant;
  /** The arguments that will run, after any modification. */
  readonly effectiveArgs: JsonObject;
}

export interface Intended extends Approved {
  readonly intent: Intent;
}

export interface Issued extends Intended {
  /** Present when the deciding permit asked for a credential. */
  readonly lease?: { readonly id: string };
}

/** What came back from the target. */
export interface Result {
  readonly kind: 'result' | 'error';
  readonly value: JsonObject;
}

export interface Performed extends Issued {
  readonly result: Result;
}

export interface Inspected extends Performed {
  readonly released: Result;
  /** What inspection changed or found, for the record. */
  readonly findings: readonly string[];
}

/** An attempt that waits for people or facts. */
export interface Hold {
  readonly id: string;
  readonly outcome: 'step_up' | 'defer';
  readonly deadlineMs: number;
  readonly reasons: readonly string[];
  /** The log's promise that the question is recorded, for who asked it. */
  readonly promise?: string;
}
