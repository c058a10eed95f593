import { type ApprovalRule, canonicalText, type Entry, FlyballError, type StandingBounds } from '@flyball/protocol';
import type { Narrowing } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { randomSalt } from '../lib/ids.js';
import { limits } from '../lib/limits.js';
import type { Evidence, EvidenceKinds } from './evidence.js';
import { verifyNarrowing } from './narrow.js';
import type { People } from './people.js';
import type { Question } from './question.js';
import { type HoldStateName, type Questions, settled, voicesOf } from './questions.js';
import type { ApprovalDraft, ApprovalRecord } from './record.js';
import { recommendationStream } from './recommendations.js';
import type { SignatureEvidence, Signatures } from './signatures.js';
import { type StandingApprovals, verifyStandingWish } from './standing-approvals.js';

export interface Answer {
  readonly hold: string;
  readonly person: string;
  readonly agrees: boolean;
  readonly reason: string;
  readonly evidence?: readonly Evidence[] | undefined;
  readonly narrow?: Narrowing | undefined;
  /** Also for what will be like it. */
  readonly standing?: StandingBounds | undefined;
  /** Digest of the preview that the person saw. */
  readonly seen?: string | undefined;
  /** What the person's own key made of a challenge for exactly this answer. */
  readonly signature?: unknown;
}

export interface HoldsParts {
  readonly record: ApprovalRecord;
  readonly questions: Questions;
  readonly people: () => People;
  readonly evidence: EvidenceKinds;
  readonly signatures: Signatures;
  readonly standing: Pick<StandingApprovals, 'begin'>;
  readonly clock: Clock;
}

/** What is written of an answer, and where beside its session. */
type Drafted = Omit<ApprovalDraft, 'streams'> & { readonly place?: SignatureEvidence['place'] };

interface Signed {
  readonly seen: string | undefined;
  readonly signature: SignatureEvidence | undefined;
}

/** People's answers to holds. Every answer is an entry; whether they are enough is counted anew whenever it matters. */
export class Holds {
  constructor(private readonly parts: HoldsParts) {}

  async answer(answer: Answer): Promise<Entry> {
    let signed: Promise<Signed> | undefined;
    // A signature is good once, so a question that moved on meanwhile does not have it verified again.
    const verified = (question: Question) => (signed ??= this.#verifySigned(question, answer));
    const written = await this.#write(answer.hold, (question) => this.#answerDraft(question, answer, verified));
    if (answer.agrees && answer.standing) {
      await this.parts.standing.begin(await this.parts.questions.find(answer.hold)).catch((cause: unknown) => {
        throw new FlyballError('store_unavailable', 'the answer is recorded; the standing approval is not yet, and begins as soon as it can be recorded', { cause });
      });
    }
    return written;
  }

  /**
   * One answer to several questions that are like each other: the same identity and action. Each is an entry of its own,
   * bound to its own digest. What was answered before a fault stays answered; the fault says which.
   *
   * @param seen digests of the previews that the person saw, by hold
   */
  async answerAll(holds: readonly string[], answer: Omit<Answer, 'hold' | 'seen' | 'signature' | 'narrow' | 'standing'>, seen: ReadonlyMap<string, string> = new Map()): Promise<readonly Entry[]> {
    if (holds.length === 0 || holds.length > limits.batchAnswersMax) throw malformed(`1 to ${limits.batchAnswersMax} holds`);
    const questions = await Promise.all(holds.map((hold) => this.parts.questions.find(hold)));
    const kinds = new Set(questions.map(({ body }) => JSON.stringify([body.identity, body.action, body.on_behalf_of ?? null])));
    if (kinds.size > 1) throw malformed('questions of one identity about one action: unlike questions are answered one by one');
    const single = questions.find(({ body }) => body.decision.approvals.some(isByItself));
    if (single && answer.agrees) throw refused(`the hold ${single.entry.id} is answered by itself only`);
    const answered: Entry[] = [];
    for (const hold of new Set(holds)) answered.push(await this.answer({ ...answer, hold, seen: seen.get(hold) }).catch((error: unknown) => throwOf(error, hold, answered.length)));
    return answered;
  }

  /** Whoever asked takes the question back, or an administrator does. */
  cancel(id: string, by: { readonly identity: string } | { readonly person: string }): Promise<Entry> {
    return this.#write(id, async (question) => {
      this.parts.questions.pending(question);
      const who = 'person' in by ? { person: await this.parts.record.refOf(by.person) } : by;
      return { kind: 'hold.settled', settles: id, body: { session: question.body.session, digest: question.body.digest, status: 'cancelled', ...who } };
    });
  }

  /** Evidence from who asked, before anybody answers. */
  attach(id: string, evidence: Evidence): Promise<Entry> {
    return this.#write(id, async (question) => {
      const hold = this.parts.questions.pending(question);
      if (hold.evidence.length >= limits.evidencePerHoldMax) throw new FlyballError('overloaded', `this question has ${limits.evidencePerHoldMax} pieces of evidence already; nothing was added`);
      const [verified] = await this.#verifyEvidence([evidence]);
      return { kind: 'evidence', body: { session: question.body.session, digest: question.body.digest, hold: id, ...verified }, payload: payload({ evidence: [evidence] }) };
    });
  }

  /** What a hold waited behind came to nothing, so it does as well. */
  drop(id: string, after: readonly string[]): Promise<Entry> {
    return this.#write(id, (question) => {
      this.parts.questions.pending(question);
      return Promise.resolve({ kind: 'hold.settled', settles: id, body: { session: question.body.session, digest: question.body.digest, status: 'cancelled', after } });
    });
  }

  /** The facts that a hold waits for are there: whoever waits may ask again. Several nodes may notice; it is told once. */
  async arrived(id: string, facts: readonly string[]): Promise<void> {
    if ((await this.parts.questions.find(id)).hold?.arrived) return;
    await this.#write(id, (question) => {
      const { body } = question;
      this.parts.questions.pending(question);
      return Promise.resolve({ kind: 'facts.arrived', body: { session: body.session, digest: body.digest, hold: id, facts } });
    });
  }

  /** Written on the question as it stood when the draft was made, or made again. */
  async #write(id: string, draft: (question: Question) => Promise<Drafted>): Promise<Entry> {
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const question = await this.parts.questions.find(id);
      const { place, ...drafted } = await draft(question);
      const written = await this.parts.record.append({ ...drafted, streams: [{ stream: question.stream, expected: question.version }, ...(place ? [place] : []), ...countedAt(question, drafted.kind)] });
      if (written) return written;
    }
    throw new FlyballError('conflict', 'this could not be recorded now; nothing was changed, try again');
  }

  async #answerDraft(question: Question, answer: Answer, verifySigned: (question: Question) => Promise<Signed>): Promise<Drafted> {
    const { agrees, person, reason, hold: id } = answer;
    const { questions, record, people } = this.parts;
    const state = questions.stateOf(question);
    if (state !== 'pending') return this.#late(question, answer, state);
    const authority = await questions.authorityFor(question, person);
    const ref = await record.refOf(people().canonical(person));
    const { seen, signature } = await verifySigned(question);
    const answered = { session: question.body.session, digest: question.body.digest, hold: id, person: ref, ...(seen !== undefined && { seen }), ...(signature && { signed: true, signature: signature.body }) };
    const words = { reason: reason.slice(0, 2_000), ...(signature && { signature: signature.payload }) };
    const place = signature && { place: signature.place };
    if (!agrees) return { ...place, kind: 'hold.settled', settles: id, body: { ...answered, status: 'refused' }, payload: payload(words) };

    if (reason.trim() === '' && question.body.decision.approvals.some((rule) => rule.explained)) throw refused('expected a reason: the machine is not sure enough for an answer without one');
    if (question.hold?.agreed.some((earlier) => earlier.person === ref)) throw refused('this person has agreed already; their answer stands as it was, nothing was changed');
    const lender = authority.groups === 'own' ? undefined : await record.refOf(authority.name);
    if (lender !== undefined && voicesOf(question.hold).some((voice) => voice === ref || voice === lender)) throw refused('the person for whom this one speaks has agreed already; nothing was changed');
    const evidence = await this.#verifyEvidence(answer.evidence ?? []);
    verifyComplete(question, evidence.map(({ kind }) => kind));
    this.#verifyNarrow(question, answer);
    if (answer.standing) this.#verifyStanding(question, answer.standing, answer.narrow);
    const lent = lender === undefined ? {} : { authority: lender, groups: authority.groups };
    const wishes = { ...(answer.narrow && { narrow: answer.narrow }), ...(answer.standing && { standing: answer.standing }), ...(evidence.length > 0 && { evidence }) };
    return { ...place, kind: 'approval', body: { ...answered, ...lent, ...wishes }, payload: payload({ ...words, ...(evidence.length > 0 && { evidence: answer.evidence }) }), ...place };
  }

  /** An answer that came after another one had settled the question: recorded once, and told so each time. Who may not answer is told the same and adds nothing to the record. */
  async #late(question: Question, { hold, person, agrees, reason }: Answer, state: HoldStateName): Promise<never> {
    const { people, record, questions } = this.parts;
    const { body, stream } = question;
    const ref = await record.refOf(people().canonical(person));
    const mayAnswer = await questions.authorityFor(question, person).then(() => true, () => false);
    if (mayAnswer && question.hold && !question.hold.late.includes(ref)) {
      await record.append({ kind: 'answer.late', streams: [{ stream }], body: { session: body.session, digest: body.digest, hold, person: ref, agrees, state }, payload: payload({ reason: reason.slice(0, 2_000) }) });
    }
    throw settled(state);
  }

  /** What was seen has to be what is asked; where nobody says what they saw, the record does not either. */
  async #verifySigned(question: Question, answer: Answer): Promise<{ readonly seen: string | undefined; readonly signature: SignatureEvidence | undefined }> {
    const { seen, agrees, signature, person, hold, narrow } = answer;
    const preview = await this.parts.questions.preview(question);
    if (agrees && preview.shortened) throw refused('this question is too long to be seen, or was erased, so it cannot be agreed to');
    if (seen !== undefined && seen !== preview.digest) throw refused('what was shown is not what is asked; look at it again');
    if (signature !== undefined && seen !== undefined) return { seen, signature: await this.parts.signatures.verify({ person, hold, digest: question.body.digest, seen, agrees, narrow }, signature) };
    if (agrees && question.body.decision.approvals.some((rule) => rule.signature !== undefined)) throw refused('this has to be signed with a passkey, on the page of the question');
    return { seen, signature: undefined };
  }

  async #verifyEvidence(evidence: readonly Evidence[]): Promise<readonly { readonly kind: string; readonly source?: string }[]> {
    if (evidence.length > limits.evidencePerHoldMax) throw malformed(`at most ${limits.evidencePerHoldMax} pieces of evidence`);
    return Promise.all(
      evidence.map(async ({ kind, value }) => {
        if (Buffer.byteLength(canonicalText(value)) > limits.evidenceBytesMax) throw new FlyballError('request_too_large', `expected evidence of at most ${limits.evidenceBytesMax} bytes`);
        const verified = await this.parts.evidence.verify(kind, value);
        if (!verified.ok) throw new FlyballError('request_malformed', `the evidence \`${kind.slice(0, 64)}\` was not accepted: ${verified.why}`);
        return { kind, ...(verified.source !== undefined && { source: verified.source }) };
      }),
    );
  }

  /** A cap is of this question: the next one like it would come without. */
  #verifyStanding({ body }: Question, wish: StandingBounds, narrow: Narrowing | undefined): void {
    if (narrow) throw malformed('either a narrower answer to this question or a standing approval, not both');
    verifyStandingWish(body.decision.approvals, wish);
  }

  #verifyNarrow({ body, asked, entry }: Question, { narrow }: Answer): void {
    if (narrow) verifyNarrowing(narrow, asked?.args ?? {}, body.decision.modification?.sets ?? {}, { nowMs: this.parts.clock.now(), deadlineMs: entry.deadline ?? 0 });
  }
}

/** Whether a rule's questions are answered one by one. */
export const isByItself = ({ batch, signature }: ApprovalRule): boolean => batch === false || signature !== undefined;

/** What became of a recommendation is counted by its action. */
const countedAt = ({ body: { tier, action } }: Question, kind: string) => (tier === 'recommend' && kind === 'hold.settled' ? [{ stream: recommendationStream(action) }] : []);

/** Some of several answers are given already when one cannot be. */
function throwOf(error: unknown, hold: string, given: number): never {
  if (!(error instanceof FlyballError)) throw error;
  throw new FlyballError(error.code, `${error.message} (the hold ${hold}; ${given} before it were answered)`, { cause: error });
}

/** Nobody's consent counts before the evidence is there that the rules ask for. */
function verifyComplete({ body, hold }: Question, added: readonly string[]): void {
  const there = new Set([...(hold?.evidence ?? []).map(({ kind }) => kind), ...added]);
  const lacking = [...new Set(body.decision.approvals.flatMap(({ evidence }) => evidence))].filter((kind) => !there.has(kind));
  if (lacking.length > 0) throw refused(`expected evidence first: ${lacking.map((kind) => `\`${kind}\``).join(', ')}`);
}

const payload = (content: object) => ({ salt: randomSalt(), content: JSON.stringify(content) });
const refused = (message: string) => new FlyballError('approval_refused', message);
const malformed = (expected: string) => new FlyballError('request_malformed', `expected ${expected}`);
