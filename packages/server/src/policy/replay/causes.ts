import { concerns, type Environment, explainPolicy } from '@flyball/cedar';
import { isObject } from '@flyball/protocol';
import type { DecisionInputs } from '../../action/states.js';
import type { Bundle } from '../bundle.js';
import { environmentsOf } from '../counterfactual.js';
import { questionOf } from '../temporal.js';
import type { Asked } from './read-decisions.js';
import type { EntryRef } from './record.js';
import { sessionSeen, textsOf } from './sense.js';
import type { Part } from './tracks.js';

/** An earlier entry, and what it did to the decision. */
export interface Cause extends EntryRef {
  readonly because: string;
}

export interface Causes {
  readonly entries: readonly Cause[];
  /** Further ones, which are not listed. */
  readonly more: number;
}

const listedMost = 20;

/** What one decision is explained by: policies of a bundle on inputs. */
export interface Explained {
  readonly bundle: Bundle;
  readonly inputs: DecisionInputs;
  readonly policies: readonly string[];
}

/** The earlier entries that policies' decisive parts speak of: of labels, budgets, counts, refusals, and of patterns in temporal clauses. */
export function causesOf(asked: Asked, explained: readonly Explained[]): Causes {
  const found = new Map<string, Cause>();
  const add = (ref: EntryRef, because: string) => {
    if (!found.has(ref.id)) found.set(ref.id, { ...ref, because });
  };
  for (const { bundle, inputs, policies } of explained) {
    for (const environment of environmentsOf(inputs, bundle)) {
      for (const { text, paths } of policies.flatMap((id) => partsOf(bundle, id, environment))) {
        for (const path of paths) sessionCauses(asked, inputs, path, text, add);
        for (const [, name = ''] of text.matchAll(/context\.temporal\.(t\d+)/g)) temporalCauses(asked, { bundle, inputs }, name, add);
      }
    }
  }
  const newest = [...found.values()].sort((left, right) => right.atMs - left.atMs || (left.id < right.id ? 1 : -1));
  return { entries: newest.slice(0, listedMost), more: Math.max(0, newest.length - listedMost) };
}

function partsOf({ policySet }: Bundle, id: string, environment: Environment): readonly { readonly text: string; readonly paths: readonly string[] }[] {
  const policy = policySet.get(id);
  if (!policy) return [];
  return explainPolicy(policy, environment).clauses.flatMap(({ because }) => because.map(({ text, saw }) => ({ text, paths: saw.map(({ path }) => path) })));
}

type Add = (ref: EntryRef, because: string) => void;

/** Names that a part speaks of; all where it names none. */
function spokenOf(text: string, names: readonly string[]): readonly string[] {
  const spoken = names.filter((name) => text.includes(name));
  return spoken.length > 0 ? spoken : names;
}

function sessionCauses({ track }: Asked, inputs: DecisionInputs, path: string, text: string, add: Add): void {
  const seen = sessionSeen(inputs);
  const [, member = ''] = /^context\.session\.(\w+)/.exec(path) ?? (path === 'context.session' ? [] : []);
  const each = (isMeant: (part: Part) => boolean, because: (part: Part) => string) => track.entries.filter(isMeant).forEach((part) => add(part.ref, because(part)));
  switch (member) {
    case 'labels':
      for (const label of spokenOf(text, textsOf(seen['labels']))) for (const ref of giversOf(track.owner.sessions, label)) add(ref, `gave the label \`${label}\``);
      return;
    case 'spent': {
      const units = spokenOf(`${path} ${text}`, isObject(seen['spent']) ? Object.keys(seen['spent']) : []);
      return each((part) => isCounted(part.ref) && part.units.some((unit) => units.includes(unit)), ({ units: drawn }) => `drew on \`${drawn.filter((unit) => units.includes(unit)).join('`, `')}\``);
    }
    case 'counts':
    case 'actions': {
      const actions = spokenOf(`${path} ${text}`, textsOf(seen['actions']));
      return each(({ ref, action }) => isCounted(ref) && action !== undefined && actions.includes(action), ({ action }) => `is counted as \`${action ?? ''}\``);
    }
    case 'refusals':
      return each(({ ref }) => ref.kind === 'refusal', () => 'is counted as a refusal');
    case 'age':
    case 'purpose':
    case 'capabilities':
      return each(({ ref }) => ref.kind === 'session.opened', () => 'opened the session');
  }
}

/** What a session counts and draws budgets for. */
const isCounted = ({ kind }: EntryRef): boolean => kind === 'intent' || kind === 'evaluation';

/** Whatever an identity's sessions learnt, each of them first; those that have it from another one are left out. */
function giversOf(sessions: Asked['track']['owner']['sessions'], label: string): readonly EntryRef[] {
  const givers = sessions.flatMap(({ learnt }) => learnt.get(label) ?? []);
  const own = givers.filter(({ kind }) => kind !== 'session.opened');
  return own.length > 0 ? own : givers;
}

function temporalCauses({ track, nowMs }: Asked, { bundle, inputs }: Pick<Explained, 'bundle' | 'inputs'>, name: string, add: Add): void {
  const clause = bundle.temporal.clauses.find((each) => each.name === name);
  if (!clause) return;
  const { present } = questionOf(bundle.temporal, inputs, bundle.actionGroups.get(inputs.action) ?? [], track.state?.id ?? '', nowMs);
  for (const { event, ref } of track.owner.events.since(nowMs - bundle.temporal.monitor.horizonMs)) {
    if (concerns(clause.condition, event, present)) add(ref, `matches \`temporal { ${clause.text.replace(/\s+/g, ' ').trim().slice(0, 200)} }\``);
  }
}
