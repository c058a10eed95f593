import { canonicalText, type Json, type JsonObject } from '@flyball/protocol';
import type { AskedEvaluation } from '../authzen/read-request.js';

/** What is bound: by a denial to what is submitted, and by an approval to what is asked again. */
export interface Bound {
  readonly subject: JsonObject;
  readonly resource: JsonObject;
  readonly action: JsonObject;
  /** Exactly the members that decide. */
  readonly context: JsonObject;
}

/** @param members names of the context's members that decide */
export function boundOf({ subject, resource, action, context }: AskedEvaluation, members: readonly string[]): Bound {
  const named = members.filter((name) => Object.hasOwn(context, name)).map((name) => [name, context[name]] as const);
  return { subject: withoutActor(subject as unknown as JsonObject), resource: resource as unknown as JsonObject, action: action as unknown as JsonObject, context: Object.fromEntries(named) };
}

/** Who acts for the subject may stand elsewhere in a submission (section Delegation), so it is compared nowhere. */
function withoutActor({ properties, ...subject }: JsonObject): JsonObject {
  if (properties === undefined || properties === null || typeof properties !== 'object' || Array.isArray(properties)) return subject;
  const { act: _act, ...rest } = properties as JsonObject;
  return Object.keys(rest).length > 0 ? { ...subject, properties: rest } : subject;
}

/**
 * Structural comparison (section Binding Token Integrity): members in any order, numbers by their value, texts letter by
 * letter, and what is absent is not null. Two values are equal by it when their canonical texts are (RFC 8785).
 */
export const isSame = (left: Json | Bound, right: Json | Bound): boolean => canonicalText(left) === canonicalText(right);
