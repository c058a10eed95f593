import { EntityUid, type PastEvent, toRecord } from '@flyball/cedar';
import { type Entry, isObject, type JsonObject } from '@flyball/protocol';
import { resourceUid } from './evaluation-request.js';

/** Kinds of event that temporal clauses can name: an attempt that was begun, its success, and whatever else came of one. */
export const eventKinds = ['request', 'response', 'error'] as const;

/** Fields of every event: the arguments as policies saw them, the resource, the session and its purpose. */
export const eventFields = ['input', 'resource', 'session'] as const;

/**
 * Reads a session's entries as events. An intent is a request, and so is an evaluation that owes no outcome; an intent's outcome is a response or an error, with the
 * same fields; a refusal is an error. What was refused never happened, so it is no request (docs/decisions/0010).
 */
export function newEventReader(): (entry: Entry, payload: JsonObject | undefined) => PastEvent | undefined {
  const open = new Map<string, PastEvent>();
  return (entry, payload) => {
    switch (entry.kind) {
      case 'intent': {
        const request = toEvent(entry, 'request', payload);
        if (request) open.set(entry.id, request);
        return request;
      }
      case 'outcome': {
        const request = open.get(entry.settles ?? '');
        open.delete(entry.settles ?? '');
        return request && { ...request, atMs: entry.at, event: (entry.body as { readonly effect?: string }).effect === 'succeeded' ? 'response' : 'error' };
      }
      case 'evaluation':
        return toEvent(entry, 'request', payload);
      case 'refusal':
        return toEvent(entry, 'error', payload);
      default:
        return undefined;
    }
  };
}

function toEvent(entry: Entry, event: PastEvent['event'], payload: JsonObject | undefined): PastEvent | undefined {
  const { action, session } = entry.body as { readonly action?: string; readonly session?: string };
  if (action === undefined) return undefined;
  const inputs = isObject(payload?.['inputs']) ? payload['inputs'] : {};
  const args = isObject(inputs['context']) && isObject(inputs['context']['args']) ? inputs['context']['args'] : undefined;
  const resources = Array.isArray(inputs['resources']) ? (inputs['resources'] as unknown as readonly { readonly type: string; readonly id: string }[]) : [];
  return eventOf({ atMs: entry.at, action, event, args, resource: resources[0], typed: isObject(inputs['principal']) && typeof inputs['principal']['type'] === 'string', session: session ?? '' });
}

export interface EventParts {
  readonly atMs: number;
  readonly action: string;
  readonly event: PastEvent['event'];
  /** In Cedar's JSON format; missing when they were erased, and then no pattern on them matches. */
  readonly args: JsonObject | undefined;
  readonly resource: { readonly type: string; readonly id: string } | undefined;
  /** The resource is an entity of the catalogue's own types. */
  readonly typed?: boolean;
  readonly session: string;
}

export function eventOf({ atMs, action, event, args, resource, typed = false, session }: EventParts): PastEvent {
  const logged = { ...(args && { input: args }), ...(resource && { resource: { __entity: resourceUid(resource, typed) } }), session };
  return { atMs, action: new EntityUid('Action', action), event, record: toRecord(logged as unknown as Parameters<typeof toRecord>[0]) };
}
