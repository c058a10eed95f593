import { isObject, type Json, type JsonObject, type ReasonKind } from '@flyball/protocol';
import type { DecisionInputs } from '../../action/states.js';
import { matchesGlob } from '../../lib/glob.js';

/** What policies saw of the session. */
export function sessionSeen({ context }: DecisionInputs): JsonObject {
  const session = context['session'];
  return isObject(session) ? session : {};
}

export const textsOf = (json: Json | undefined): readonly string[] => (Array.isArray(json) ? (json as readonly Json[]).filter((item): item is string => typeof item === 'string') : []);

/** What refuses an action before policy is asked and is in the inputs. */
export function refusedByTask(inputs: DecisionInputs): ReasonKind | undefined {
  return textsOf(sessionSeen(inputs)['capabilities']).some((pattern) => matchesGlob(pattern, inputs.action)) ? undefined : 'capability';
}

/** What answers of temporal clauses policies saw, by the names that the deciding bundle gave them. */
export function temporalSeen({ context }: DecisionInputs): JsonObject {
  const temporal = context['temporal'];
  return isObject(temporal) ? temporal : {};
}
