import { type Condition, type History, innerOf, type PastEvent, type Present, type Term, TemporalMonitor, termsOf } from '@flyball/cedar';
import type { JsonObject } from '@flyball/protocol';
import type { DecisionInputs, Situated } from '../action/states.js';
import { environmentOf } from './cedar-engine.js';
import { engineRequest } from './context.js';
import { isEvaluation } from './evaluation-request.js';
import type { KnownEntities } from './known-entities.js';
import { eventOf } from './temporal-events.js';

/** Where what happened comes from: the log of a session's stream, at least up to a version. */
export type ReadPast = (stream: string, version: number) => Promise<{ readonly events: readonly PastEvent[] }>;

/** The temporal clauses of one bundle. */
export class TemporalClauses {
  readonly monitor: TemporalMonitor;
  /** Keys of the actions that patterns name: of other ones it matters only that something happened. */
  readonly actions: ReadonlySet<string>;
  /** What terms read of the request: members of its context, and whether attributes of its entities. */
  readonly reads: { readonly context: ReadonlySet<string>; readonly entities: boolean };

  /** @param known entities of the bundle, whose attributes terms may read */
  constructor(
    readonly clauses: readonly { readonly name: string; readonly policy: string; readonly text: string; readonly condition: Condition }[],
    readonly known?: KnownEntities,
  ) {
    this.monitor = new TemporalMonitor(clauses);
    this.actions = new Set(clauses.flatMap(({ condition }) => actionsOf(condition)));
    const terms = clauses.flatMap(({ condition }) => allTerms(condition));
    this.reads = {
      context: new Set(terms.flatMap((term) => (term.kind === 'context' ? (term.path[0] ?? []) : []))),
      entities: terms.some((term) => term.kind === 'entity' && term.path.length > 0),
    };
  }

  get isEmpty(): boolean {
    return this.clauses.length === 0;
  }
}

export interface Question {
  readonly event: PastEvent;
  readonly present: Present;
}

/** What is asked of temporal clauses: the attempt as an event, and as what their terms are read from. Of the context only what some term reads. */
export function questionOf({ reads, known }: TemporalClauses, inputs: DecisionInputs, actionGroups: readonly string[], session: string, nowMs: number): Question {
  const [resource] = inputs.resources;
  const request = engineRequest(inputs, resource ?? { type: '', id: '' }, actionGroups, known);
  const context = Object.fromEntries([...reads.context].flatMap((name) => (inputs.context[name] === undefined ? [] : [[name, inputs.context[name]]])));
  const present = environmentOf({ ...request, context, entities: reads.entities ? request.entities : [] });
  return { event: eventOf({ atMs: nowMs, action: inputs.action, event: 'request', args: inputs.context['args'] as JsonObject, resource, typed: isEvaluation(inputs), session }), present };
}

const actionsOf = (condition: Condition): readonly string[] => (condition.kind === 'pattern' ? [condition.action] : innerOf(condition).flatMap(actionsOf));
const allTerms = (condition: Condition): readonly Term[] => [...termsOf(condition), ...innerOf(condition).flatMap(allTerms)];

interface Kept {
  readonly clauses: TemporalClauses;
  readonly history: History;
  /** How much of each log is in the history. */
  readonly fed: Map<readonly PastEvent[], number>;
}

const historiesMost = 10_000;

/**
 * Answers temporal clauses from what an identity did in all its sessions: opening another one forgets nothing.
 * A bundle's new clauses see the past that the record holds.
 */
export class TemporalPast {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly read: ReadPast) {}

  /** What each clause says of an attempt, as the member `temporal` of its context. */
  async ask(clauses: TemporalClauses, situated: Situated, inputs: DecisionInputs, actionGroups: readonly string[], nowMs: number): Promise<JsonObject> {
    const { session, principal } = situated;
    const places = [session, ...((await session.others?.()) ?? [])];
    const logs = await Promise.all(places.map(({ stream, version }) => this.read(stream, version)));
    // Nothing is awaited from here on: the history has one owner.
    const history = this.#history(JSON.stringify([principal.identity.id, principal.onBehalfOf ?? null]), clauses, logs.map(({ events }) => events));
    history.forgetBefore(nowMs - clauses.monitor.horizonMs);
    const { event, present } = questionOf(clauses, inputs, actionGroups, session.state.id, nowMs);
    return Object.fromEntries(clauses.monitor.ask(history, event, present));
  }

  #history(key: string, clauses: TemporalClauses, logs: readonly (readonly PastEvent[])[]): History {
    const known = this.#kept.get(key);
    const goesOn = known && known.clauses === clauses && [...known.fed.keys()].every((log) => logs.includes(log));
    const kept = goesOn ? known : { clauses, history: clauses.monitor.newHistory(), fed: new Map<readonly PastEvent[], number>() };
    const fresh = logs.flatMap((log) => log.slice(kept.fed.get(log) ?? 0));
    // Sessions side by side: what is new of them goes in by its time.
    for (const event of logs.length > 1 ? fresh.sort((left, right) => left.atMs - right.atMs) : fresh) kept.history.add(event);
    for (const log of logs) kept.fed.set(log, log.length);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > historiesMost) this.#kept.delete(this.#kept.keys().next().value ?? '');
    return kept.history;
  }
}
