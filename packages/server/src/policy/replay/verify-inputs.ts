import type { JsonObject } from '@flyball/protocol';
import type { SessionState } from '../../action/states.js';
import { sessionContext } from '../context.js';
import { askedBy, isEvaluation, notArguments } from '../evaluation-request.js';
import { questionOf } from '../temporal.js';
import { type Calls, encodeArguments } from './calls.js';
import { tellsApart } from './explainable.js';
import { knownLabels, othersLabels } from './labels.js';
import type { Asked } from './read-decisions.js';
import { isSame, namesOfDifferent } from './same.js';
import { sessionSeen, temporalSeen, textsOf } from './sense.js';

/** Entries that are this near in time may or may not have been seen: on another node, or in another session. */
export const nearMs = 5_000;

/** What the record says otherwise than the inputs. */
export interface Mismatch {
  readonly part: 'session' | 'temporal' | 'call';
  readonly recorded: JsonObject;
  readonly again: JsonObject;
  /** Asked when everything near in time was read: true where entries at the same moment explain it. */
  readonly isExplained: () => boolean;
}

const never = () => false;

/** The inputs of a decision against the record itself: the session as it had come to, clauses as they have to be answered, arguments as they were sent. */
export function mismatches(asked: Asked, calls: Calls): readonly Mismatch[] {
  return [...callOf(asked, calls), ...sessionOf(asked), ...temporalOf(asked)];
}

function callOf({ row, inputs, content }: Asked, calls: Calls): readonly Mismatch[] {
  const { identity } = row.entry.body as { readonly identity?: string };
  const terms = calls.find(row.entry, content);
  const encoded = terms && encodeArguments(content['args'], terms);
  const { args = null, unrepresented = null } = inputs.context;
  const others = isEvaluation(inputs) ? notArguments(inputs) : [];
  const seen = { identity: askedBy(inputs), action: inputs.action, resources: inputs.resources as unknown as JsonObject[], args, unrepresented };
  const again = { identity, action: terms?.action.name, resources: content['resources'], args: encoded?.value, unrepresented: encoded && [...encoded.left, ...others] };
  return isSame(seen, again) ? [] : [differing('call', seen, again, never)];
}

function differing(part: Mismatch['part'], recorded: JsonObject, again: JsonObject, isExplained: () => boolean): Mismatch {
  const names = namesOfDifferent(recorded, again);
  const pick = (from: JsonObject) => Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
  return { part, recorded: pick(recorded), again: pick(again), isExplained };
}

/** Labels apart: those of other sessions have no version that the decision was bound to. */
function sessionOf(asked: Asked): readonly Mismatch[] {
  const { track, nowMs, inputs, row } = asked;
  const seen = sessionSeen(inputs);
  const { labels: _labels, ...rest } = seen;
  const decidedOn = (state: SessionState | undefined) => state !== undefined && isSame(rest, withoutLabels(asked, state)) && state.labels.every((label) => textsOf(seen['labels']).includes(label));
  // Intents and holds are void unless the session is where they were decided on; a refusal follows whatever came meanwhile.
  const earlier = row.entry.kind === 'refusal' ? track.earlier.filter(({ untilMs }) => untilMs >= nowMs - nearMs) : [];
  const isNewest = decidedOn(track.state);
  if (!isNewest && !earlier.some(({ state }) => decidedOn(state))) {
    const again = track.state ? { ...withoutLabels(asked, track.state), labels: knownLabels(track.owner, nowMs, 'state') } : {};
    return [differing('session', seen, again, never)];
  }
  const all = knownLabels(track.owner, nowMs, 'state');
  if (isNewest && isSame(seen['labels'], all)) return [];
  return [differing('session', seen, { ...seen, labels: all }, () => areLabelsExplained(asked, textsOf(seen['labels']), isNewest))];
}

function withoutLabels({ bundle, nowMs, track, inputs }: Asked, state: SessionState): JsonObject {
  const { labels: _labels, ...rest } = sessionContext(state, bundle.catalogue.units, nowMs);
  // The words of its purpose may have been erased since.
  return track.state?.salt === '' ? { ...rest, purpose: sessionSeen(inputs)['purpose'] } : rest;
}

/** A label too many or too few has to be one that another session learnt, or was forgotten by, at this very moment. */
function areLabelsExplained({ track, nowMs, row }: Asked, seen: readonly string[], isNewest: boolean): boolean {
  const own = track.state?.labels ?? [];
  const others = track.owner.sessions.filter((other) => other !== track);
  const learntNear = (label: string) => others.every((other) => other.rememberedUntilMs <= nowMs || (other.learnt.get(label)?.atMs ?? Infinity) >= nowMs - nearMs);
  const missing = seen.filter((label) => !own.includes(label) && !othersLabels(track, nowMs, 'state').has(label));
  const surplus = [...othersLabels(track, nowMs, 'state')].filter((label) => !seen.includes(label));
  const ownNear = (label: string) => !isNewest && (track.learnt.get(label)?.atMs ?? -Infinity) >= nowMs - nearMs;
  const known = (label: string) => others.some((other) => other.rememberedUntilMs > nowMs - nearMs && (other.learnt.get(label)?.atMs ?? Infinity) <= row.entry.at + nearMs);
  return missing.every((label) => known(label) || ownNear(label)) && surplus.every((label) => learntNear(label) || ownNear(label));
}

function temporalOf(asked: Asked): readonly Mismatch[] {
  const { bundle, inputs, track, nowMs } = asked;
  const seen = temporalSeen(inputs);
  if (bundle.temporal.isEmpty) return Object.keys(seen).length === 0 ? [] : [differing('temporal', seen, {}, never)];
  const question = questionOf(bundle.temporal, inputs, bundle.actionGroups.get(inputs.action) ?? [], track.state?.id ?? '', nowMs);
  const again = Object.fromEntries(track.owner.events.ask(bundle.temporal, question));
  return isSame(seen, again) ? [] : [differing('temporal', seen, again, tellsApart(asked, question, seen, nearMs))];
}
