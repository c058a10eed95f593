import { type Decision, type Entry, isObject, type Json, type JsonObject, type ReasonKind } from '@flyball/protocol';
import type { DecisionInputs, SessionState } from '../../action/states.js';
import type { Bundle } from '../bundle.js';
import { sessionContext } from '../context.js';
import { refusedBefore } from '../decide.js';
import { isEvaluation, notArguments } from '../evaluation-request.js';
import { evaluate } from '../evaluate.js';
import { questionOf } from '../temporal.js';
import { Calls, encodeArguments } from './calls.js';
import { Clauses } from './clauses.js';
import { changedLabels, knownLabels } from './labels.js';
import { principalUnder } from './principals.js';
import type { Asked } from './read-decisions.js';
import type { Rules } from './record.js';
import { isSame } from './same.js';
import { refusedByTask, sessionSeen, temporalSeen, textsOf } from './sense.js';
import type { Rewrite, SessionTrack } from './tracks.js';

/** A decision as the candidate would have made it. */
export interface Redecided {
  readonly decision: Decision;
  /** What it would have seen; nothing where no policy would have been asked. */
  readonly inputs: DecisionInputs | undefined;
  /** The candidate maps the call to resources otherwise; what of the record it would need is not kept. */
  readonly mappedOtherwise: boolean;
}

/** One bundle on trial: what it makes of recorded entries, and what it decides on them. */
export class Candidate {
  readonly #calls: Calls;
  readonly #callsThen = new WeakMap<Bundle, Calls>();
  readonly #clauses: Clauses;

  constructor(
    readonly bundle: Bundle,
    private readonly rules: Pick<Rules, 'spendsOf'>,
  ) {
    this.#calls = new Calls(bundle);
    this.#clauses = new Clauses(bundle.temporal);
  }

  /** An entry as it would have been written under the candidate: its action's name, labels and budgets, and its arguments by the candidate's types. */
  readonly rewrite: Rewrite = (entry, content, track) => {
    if (entry.kind === 'session.opened') return { entry: this.#opened(entry, track), content };
    const terms = content && (entry.kind === 'intent' || entry.kind === 'evaluation' || entry.kind === 'refusal') ? this.#calls.find(entry, content) : undefined;
    if (!terms || !content || !isObject(content['inputs'])) return { entry, content };
    const { action } = terms;
    const effects = entry.kind !== 'refusal' ? { labels: action.reads, spends: this.rules.spendsOf(action, isObject(content['effective_args']) ? content['effective_args'] : {}) } : {};
    const body = { ...(entry.body as JsonObject), action: action.name, ...effects };
    return { entry: isSame(entry.body, body) ? entry : { ...entry, body }, content: withArguments(content, content['inputs'], encodeArguments(content['args'], terms).value ?? {}) };
  };

  decide(asked: Asked): Redecided {
    const terms = this.#calls.find(asked.row.entry, asked.content);
    if (!terms) return this.#refused('unknown_action');
    const principal = principalUnder(asked, this.bundle);
    if (!principal) return this.#refused('identity');
    const mappedOtherwise = !isSame(terms.action.mapping, this.#thenOf(asked.bundle).find(asked.row.entry, asked.content)?.action.mapping);
    const inputs = this.#inputs(asked, terms.action.name, encodeArguments(asked.content['args'], terms), principal);
    const before = refusedByTask(inputs);
    return before ? { ...this.#refused(before), mappedOtherwise } : { decision: evaluate(inputs, this.bundle), inputs, mappedOtherwise };
  }

  #refused(kind: ReasonKind): Redecided {
    return { decision: refusedBefore(kind, this.bundle.digest), inputs: undefined, mappedOtherwise: false };
  }

  #inputs(asked: Asked, action: string, args: { readonly value: Json | undefined; readonly left: readonly string[] }, principal: JsonObject): DecisionInputs {
    const { inputs, content } = asked;
    const { temporal: _temporal, ...rest } = inputs.context;
    const context = { ...rest, args: args.value ?? {}, unrepresented: isEvaluation(inputs) ? [...args.left, ...notArguments(inputs)] : args.left, session: this.#session(asked) };
    const before: DecisionInputs = { principal, action, resources: inputs.resources, context, entities: inputs.entities, ...(inputs.facts && { facts: inputs.facts }), ...(this.bundle.rego && args.left.length > 0 && { args: content['args'] as JsonObject }) };
    if (this.bundle.temporal.isEmpty) return before;
    return { ...before, context: { ...context, temporal: this.#temporal(asked, before) } };
  }

  /** What was recorded, except where the candidate says otherwise of an entry before this one, or has other budgets. */
  #session(asked: Asked): JsonObject {
    const { track, nowMs, inputs } = asked;
    const { units } = this.bundle.catalogue;
    const seen = sessionSeen(inputs);
    const labels = track.owner.statesDiffer ? changedLabels(textsOf(seen['labels']), knownLabels(track.owner, nowMs, 'state'), knownLabels(track.owner, nowMs, 'theirs')) : seen['labels'];
    const own = (state: SessionState) => sessionContext(state, units, nowMs);
    if (track.theirs && track.theirs !== track.state) {
      const { counts, actions, spent } = own(track.theirs);
      return { ...seen, counts, actions, spent, labels };
    }
    const spent = isObject(seen['spent']) ? seen['spent'] : {};
    if (units.length === Object.keys(spent).length && units.every((unit) => Object.hasOwn(spent, unit))) return labels === seen['labels'] ? seen : { ...seen, labels };
    const drawn = track.state ? own(track.state)['spent'] : {};
    return { ...seen, labels, spent: Object.fromEntries(units.map((unit) => [unit, spent[unit] ?? (isObject(drawn) ? drawn[unit] : undefined)])) };
  }

  /** A clause that the deciding bundle had as well was answered then; another one is asked now, of the same past. */
  #temporal(asked: Asked, now: DecisionInputs): JsonObject {
    const { inputs, track, bundle, nowMs } = asked;
    const isSameAttempt = !track.owner.eventsDiffer && inputs.action === now.action && isSame(inputs.context['args'], now.context['args']) && isSame(inputs.principal, now.principal);
    const answered = isSameAttempt ? this.#clauses.answered(bundle.temporal, temporalSeen(inputs)) : new Map<string, Json>();
    if (answered.size === this.bundle.temporal.clauses.length) return Object.fromEntries(answered);
    const question = questionOf(this.bundle.temporal, now, this.bundle.actionGroups.get(now.action) ?? [], track.state?.id ?? '', nowMs);
    return { ...Object.fromEntries(track.owner.events.ask(this.bundle.temporal, question)), ...Object.fromEntries(answered) };
  }

  /** What a session knows from its identity's others when it begins. */
  #opened(entry: Entry, { owner }: SessionTrack): Entry {
    if (!owner.statesDiffer) return entry;
    const body = entry.body as { readonly inherited?: readonly string[] };
    const inherited = changedLabels(body.inherited ?? [], knownLabels(owner, entry.at, 'state'), knownLabels(owner, entry.at, 'theirs'));
    return inherited === body.inherited ? entry : { ...entry, body: { ...body, inherited } };
  }

  #thenOf(bundle: Bundle): Calls {
    const known = this.#callsThen.get(bundle) ?? new Calls(bundle);
    this.#callsThen.set(bundle, known);
    return known;
  }
}

function withArguments(content: JsonObject, inputs: JsonObject, args: Json): JsonObject {
  const context = isObject(inputs['context']) ? inputs['context'] : {};
  return isSame(context['args'], args) ? content : { ...content, inputs: { ...inputs, context: { ...context, args } } };
}
