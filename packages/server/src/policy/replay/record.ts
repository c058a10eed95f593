import { type Action, type Decision, type Entry, FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import type { DecisionInputs, SessionState } from '../../action/states.js';

/** What can be erased of an entry, as the store has it. */
export interface Erasable {
  readonly salt: string;
  readonly content: string;
}

export interface Row {
  readonly entry: Entry;
  readonly payload?: Erasable;
}

/** Sessions that an identity is remembered by. */
export interface Remembered {
  readonly sessions: readonly { readonly id: string; readonly rememberedUntilMs: number }[];
}

/** How entries add up, and what was recorded of a decision: the same functions that the governor itself uses. */
export interface Rules {
  foldSession(state: SessionState | undefined, entry: Entry, payload?: Erasable): SessionState | undefined;
  foldIdentity(state: Remembered | undefined, entry: Entry): Remembered;
  spendsOf(action: Action, args: JsonObject): Readonly<Record<string, number>>;
  decisionBody(decision: Decision): object;
  payloadDigest(payload: Erasable): string;
}

/** The record, as replay needs it. */
export interface RecordSource {
  /** Every entry in the order of the log, some at a time. */
  pages(): AsyncIterable<readonly Row[]>;
  /** Digests of all bundles that were ever active. */
  bundles(): Promise<readonly string[]>;
  bundleFiles(digest: string): Promise<Readonly<Record<string, string>> | undefined>;
}

/** An entry by what people know it by. */
export interface EntryRef {
  readonly id: string;
  readonly atMs: number;
  readonly kind: string;
  readonly action?: string;
  readonly session?: string;
}

export function refOf({ id, at, kind, body }: Entry): EntryRef {
  const { action, session } = isObject(body) ? body : {};
  return { id, atMs: at, kind, ...(typeof action === 'string' && { action }), ...(typeof session === 'string' && { session }) };
}

/** What a recorded decision says of itself. */
export interface RecordedDecision {
  readonly outcome: Decision['outcome'];
  readonly kind: string;
  readonly policies: readonly { readonly policy: string; readonly effect: 'permit' | 'forbid'; readonly result: string; readonly shadow?: boolean }[];
  readonly approvals: Decision['approvals'];
  readonly facts: Decision['facts'];
  readonly modification?: Decision['modification'];
  readonly credential?: Decision['credential'];
  readonly bundle: string;
}

/** The decision of an intent, an evaluation, a hold or a refusal; nothing where none was reached. */
export function decisionOf({ kind, body }: Entry): RecordedDecision | undefined {
  if (kind !== 'intent' && kind !== 'evaluation' && kind !== 'hold' && kind !== 'refusal') return undefined;
  const decision = isObject(body) ? body['decision'] : undefined;
  return isObject(decision) ? (decision as unknown as RecordedDecision) : undefined;
}

/** Why a refusal has no decision. */
export function codeOf({ body }: Entry): string {
  const error = isObject(body) ? body['error'] : undefined;
  return isObject(error) && typeof error['code'] === 'string' ? error['code'] : 'unknown';
}

/** What was recorded beside an entry, once it is read. */
export function contentOf(payload: Erasable | undefined): JsonObject | undefined {
  if (!payload) return undefined;
  try {
    const content: unknown = JSON.parse(payload.content);
    return isObject(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

export const inputsOf = (content: JsonObject | undefined): DecisionInputs | undefined => (isObject(content?.['inputs']) ? (content['inputs'] as unknown as DecisionInputs) : undefined);

/** The moment that a decision was made at, by its own inputs: policies saw it as `context.now`. */
export function momentOf({ context }: DecisionInputs): number {
  const now = context['now'];
  const text = isObject(now) && isObject(now['__extn']) ? now['__extn']['arg'] : undefined;
  const ms = typeof text === 'string' ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw new FlyballError('not_found', 'the recorded inputs have no `context.now`');
  return ms;
}

/** A running OPA was asked, too. Its answer is in the decision, and cannot be had again. */
export function askedOpa({ policies }: RecordedDecision, content: JsonObject | undefined): boolean {
  const reasons = content?.['reasons'];
  const isOpas = (item: unknown) => isObject(item) && typeof item['policy'] === 'string' && item['policy'].startsWith('opa/');
  // The list in the entry is cut at a length; that of the reasons is not.
  return policies.some(isOpas) || (Array.isArray(reasons) && reasons.some(isOpas));
}
