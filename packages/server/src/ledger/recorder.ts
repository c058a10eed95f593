import { canonicalText, type Action, type Effect, FlyballError } from '@flyball/protocol';
import { questionDigest } from '../action/digest.js';
import { Intent, type Means } from '../action/seal.js';
import type { OutcomeDetail, Reached, Recorder } from '../action/stages.js';
import type { Approved, Decided, DecisionInputs, Hold, Intended, SessionSnapshot } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { limits } from '../lib/limits.js';
import { randomHandle, randomSalt } from '../lib/ids.js';
import { answerKind, decidedBody, errorWords, failureWords, intentBody, outputDigest, payloadOf, reachedBody } from './bodies.js';
import type { Draft } from './draft.js';
import type { Ledger } from './ledger.js';
import type { Names } from './names.js';
import type { Spool } from './spool.js';
import type { EntryRecord } from './store.js';

/** The log's promises that entries will be in it. */
export interface Promises {
  promise(written: EntryRecord): string;
  verifyCanPromise(): void;
}

/** Told about what could not be recorded as it should. */
export interface RecordTrouble {
  (message: string, error: unknown): void;
}

const strangersPerSecond = 50;

/** Writes the entries of one attempt. */
export class AttemptRecorder implements Recorder {
  #strangers = { second: 0, count: 0 };
  /** Entries that belong to no session have their place in a stream of this node: none can be left out of it unnoticed. */
  readonly #stream = `node:${randomHandle()}`;

  constructor(
    private readonly ledger: Ledger,
    private readonly log: Promises,
    private readonly names: Pick<Names, 'refOf'>,
    private readonly spool: Spool,
    private readonly clock: Clock,
    private readonly trouble: RecordTrouble,
    /** Throws `overloaded` for an identity that asks too much. */
    private readonly verifyMayAsk: (identity: string, pendingInSession: number, attempt: string) => void = () => undefined,
  ) {}

  async intent(approved: Approved): Promise<Intended | undefined> {
    this.log.verifyCanPromise();
    const { session, grant, deadlineMs } = approved;
    const payload = payloadOf(approved, { effectiveArgs: approved.effectiveArgs });
    const written = await this.ledger.write({
      kind: 'intent',
      id: approved.id,
      streams: [{ stream: session.stream, expected: session.version }, ...placesOf(grant.means), ...(grant.hold === undefined ? [] : countedAt(approved.action))],
      deadline: deadlineMs,
      ...(grant.hold !== undefined && { settles: grant.hold }),
      body: intentBody(approved),
      payload,
    });
    return written && { ...approved, intent: new Intent(written.entry.id, session.stream, deadlineMs, this.log.promise(written)) };
  }

  async evaluation(approved: Approved): Promise<boolean> {
    this.log.verifyCanPromise();
    const { session } = approved;
    const streams = [{ stream: session.stream, expected: session.version }];
    const written = await this.ledger.write({ kind: 'evaluation', id: approved.id, streams, body: intentBody(approved), payload: payloadOf(approved, { effectiveArgs: approved.effectiveArgs }) });
    return written !== undefined;
  }

  async hold(decided: Decided): Promise<Hold | undefined> {
    this.log.verifyCanPromise();
    const { session, decision, principal, inputs, call } = decided;
    this.verifyMayAsk(principal.identity.id, pendingIn(session, this.clock.now()), decided.id);
    const rules = [...decision.approvals, ...decision.facts];
    // A session that is over can do nothing with an answer.
    const deadlineMs = Math.min(session.state.deadlineMs, this.clock.now() + Math.min(...(rules.length > 0 ? rules.map((rule) => rule.withinMs) : [limits.holdMs])));
    const question = questionDigest(decided);
    // One that is past its time is ended by that.
    const replaced = Object.values(session.state.holds).find((hold) => hold.question === question && hold.status === 'pending' && hold.deadlineMs > this.clock.now());
    const streams = [{ stream: session.stream, expected: session.version }, ...countedAt(decided.action)];
    const body = { ...decidedBody(decided), question, ...dependence(inputs), ...(call.confidence !== undefined && { confidence: call.confidence }) };
    const written = await this.ledger.write({ kind: 'hold', id: decided.id, streams, deadline: deadlineMs, ...(replaced && { settles: replaced.id }), body, payload: payloadOf(decided) });
    return written && { id: written.entry.id, outcome: decision.outcome === 'defer' ? 'defer' : 'step_up', deadlineMs, reasons: [...new Set(rules.map(({ reason }) => reason))].sort(), promise: this.log.promise(written) };
  }

  async isCurrent({ session, digest }: Decided): Promise<boolean> {
    if (!(await this.ledger.isCurrent(session.stream))) return false;
    // Another attempt may have noticed the newer state before: then this one was still decided on the older.
    const hold = this.ledger.projections.peek<SessionSnapshot['state']>(session.stream)?.state?.holds[digest];
    if (!hold || canonicalText(hold) !== canonicalText(session.state.holds[digest] ?? null)) return false;
    // A question that another attempt is only about to ask may turn out not to be asked.
    return !this.ledger.projections.isPending(session.stream) || (await this.ledger.store.find(hold.id)) !== undefined;
  }

  /** A refusal stands whether or not it can be recorded; of strangers only so many in a second are. */
  async refusal(reached: Reached, error: FlyballError): Promise<string | undefined> {
    if (!reached.principal && this.#tooManyStrangers()) return undefined;
    try {
      const onBehalfOf = reached.principal?.onBehalfOf;
      const person = onBehalfOf === undefined ? undefined : await this.names.refOf(onBehalfOf);
      const written = await this.ledger.write({
        kind: 'refusal',
        id: reached.id,
        streams: [{ stream: reached.session?.stream ?? this.#stream }, ...(reached.action && reached.decision?.kind === 'confidence' ? countedAt(reached.action) : [])],
        body: reachedBody(reached, person, error),
        payload: payloadOf(reached, { error }),
      });
      // An enforcement point is told no promise with a denial; a signature costs as much as the decision.
      return written && reached.call.method !== 'evaluation' ? this.log.promise(written) : undefined;
    } catch (failure) {
      this.trouble('a refusal could not be recorded; it stands', failure);
      return undefined;
    }
  }

  async outcome(intended: Intended, effect: Effect, detail: OutcomeDetail): Promise<void> {
    const { error, result } = detail;
    const output = result && outputDigest(intended.session.state.salt, result);
    const words = error ? errorWords(error) : result && failureWords(result);
    const draft: Draft = {
      kind: 'outcome',
      streams: [{ stream: intended.intent.stream }],
      settles: intended.intent.id,
      unhurried: intended.action.tier !== 'act',
      body: {
        session: intended.session.state.id,
        action: intended.action.name,
        effect,
        ...(result && { answer: answerKind(result) }),
        ...(output !== undefined && { output }),
        findings: detail.findings ?? [],
        ...(error && { error: { code: error.code } }),
      },
      ...(words && { payload: { salt: randomSalt(), content: JSON.stringify({ error: words }) } }),
    };
    try {
      await this.record(draft);
    } catch (failure) {
      this.trouble('an outcome waits on disk until the store can take it', failure);
      this.#keep(draft);
    }
  }

  /** Records an outcome; that somebody else settled the intent first is no failure. */
  async record(draft: Draft): Promise<void> {
    try {
      await this.ledger.append(draft);
    } catch (error) {
      if (!(error instanceof FlyballError && error.code === 'already_settled')) throw error;
    }
  }

  /** Without a place on the disk either, the intent stands open and is settled as `unknown` at its deadline. */
  #keep(draft: Draft): void {
    try {
      this.spool.keep(draft);
    } catch (failure) {
      this.trouble('an outcome could not be kept on disk; its action will be recorded as unknown', failure);
    }
  }

  #tooManyStrangers(): boolean {
    const second = Math.floor(this.clock.now() / 1_000);
    this.#strangers = second === this.#strangers.second ? { second, count: this.#strangers.count + 1 } : { second, count: 1 };
    return this.#strangers.count > strangersPerSecond;
  }
}

const pendingIn = ({ state }: SessionSnapshot, nowMs: number): number => Object.values(state.holds).filter((hold) => hold.status === 'pending' && hold.deadlineMs > nowMs).length;

/** A use of what was agreed to beforehand takes a place where it was agreed. */
const placesOf = (means: readonly Means[]) => means.map(({ stream, expected }) => ({ stream, ...(expected !== undefined && { expected }) }));

/** What becomes of recommendations is counted by their action. */
const countedAt = ({ tier, name }: Action) => (tier === 'recommend' ? [{ stream: `recommendation:${name}` }] : []);

/** What a hold waits behind, and how many are one behind the other then. */
function dependence({ predecessors }: Pick<DecisionInputs, 'predecessors'>) {
  const waiting = (predecessors ?? []).filter(({ status }) => status === 'pending');
  return waiting.length === 0 ? {} : { after: waiting.map(({ hold }) => hold), depth: 1 + Math.max(...waiting.map(({ depth }) => depth)) };
}
