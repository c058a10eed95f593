import { createHash } from 'node:crypto';
import { canonicalText, digestOf, FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import { randomHandle, randomSalt } from '../../lib/ids.js';
import { limits } from '../../lib/limits.js';
import { verifyActors } from './actors.js';
import { type BindingTerms, type BoundDenial, verifyBinding } from './binding.js';
import type { CallbackPolicy } from './callback-policy.js';
import { grantTemplate, justificationMember } from './draft.js';
import type { GrantRequests, PreparedGrant } from './grant-requests.js';
import { problem } from './problem.js';
import { type Opened, type Questioner, toProblemOfQuestion } from './questioner.js';
import type { ArapRecord } from './record.js';
import { readSubmission, type Submission, type SubmittedItem } from './read-submission.js';
import { type SchemaOfKind, type Supported, supportOf } from './request-schema.js';
import type { Submitter } from './submitter.js';
import { type Claim, denialStream, keyStream, type OpenedBody, taskStream, type TaskState } from './task-state.js';
import { expiresAtMs } from './tasks.js';

export interface SubmissionParts {
  readonly record: ArapRecord;
  readonly questioner: Questioner;
  readonly grants: GrantRequests;
  readonly callbacks: CallbackPolicy;
  readonly schemaOf: SchemaOfKind;
  now(): number;
  bindingTerms(): BindingTerms;
}

interface Checked {
  readonly item: SubmittedItem;
  readonly denial: BoundDenial;
  readonly support: Supported | PreparedGrant;
}

/** What an item waits for, and until when at the latest. */
interface Awaited {
  readonly id: string;
  readonly deadlineMs: number;
}

/** Takes submissions: verifies each denial, asks exactly what was denied or the grant that was chosen, and writes down which task stands for it. */
export class Submissions {
  constructor(private readonly parts: SubmissionParts) {}

  /**
   * The task of a submission; with a key that this caller used before, the task of then. Everything is verified before
   * anybody is asked anything. Throws the profile's problems.
   */
  async take(from: JsonObject, submitter: Submitter, key: string | undefined): Promise<string> {
    const submission = readSubmission(from);
    const digest = digestOf(from as Json);
    const place = key === undefined ? undefined : await this.#placeOf(key, submitter, digest);
    if (place?.task !== undefined) return place.task;
    try {
      return await this.#takeNew(submission, submitter, { digest, ...(place && { place: place.place }) });
    } catch (error) {
      // The same submission, sent twice at once: whoever comes second has the task of the first.
      const now = place && (await this.#claimAt(place.place.stream, digest));
      if (now?.task !== undefined) return now.task;
      throw error;
    }
  }

  async #takeNew(submission: Submission, submitter: Submitter, terms: Terms): Promise<string> {
    verifyActors(submission.actors, submitter.principal, submitter.claims);
    if (submission.callback) this.parts.callbacks.verify(submission.callback.endpoint, submitter.principal.identity.id);
    const checked: Checked[] = [];
    for (const item of submission.items) checked.push(await this.#check(item, submitter, grantsOf(checked)));
    if (new Set(checked.map(({ denial }) => denial.evaluation)).size < checked.length) throw problem('invalid_denial_binding', 'expected a denial of its own for each item');
    return this.#open(submission, checked, submitter, terms);
  }

  async #check(item: SubmittedItem, submitter: Submitter, others: readonly PreparedGrant[]): Promise<Checked> {
    const denial = await verifyBinding(item, submitter.principal, this.parts.bindingTerms());
    const { version } = await this.parts.record.read(denialStream(denial.evaluation));
    if (version > 0) throw alreadySubmitted();
    if (denial.template !== grantTemplate) return { item, denial, support: supportOf(denial.template, item.asked.context, item.requestedAccess, this.parts.schemaOf) };
    // What a submission adds to the context decides nothing.
    return { item, denial, support: await this.parts.grants.prepare(item, { ...item.asked, context: denial.bound.context }, submitter, others) };
  }

  /**
   * A question for each item that people can lift, all of them before any is a task: what fails then has opened nothing. A
   * grant may be opened at once, so it is asked for when the task is in the record: no denial leads to two.
   */
  async #open(submission: Submission, checked: readonly Checked[], submitter: Submitter, { digest, place }: Terms): Promise<string> {
    const awaited = await this.#ask(checked, submitter);
    const task = randomHandle().replaceAll('-', '');
    for (const [index, each] of checked.entries()) {
      const written = await this.#write(task, index, each, awaited[index], { submission, digest, submitter, place: index === 0 ? place : undefined });
      if (!written) throw alreadySubmitted();
    }
    await this.parts.grants.carryOut(grantsOf(checked), submitter);
    return task;
  }

  async #ask(checked: readonly Checked[], submitter: Submitter): Promise<readonly Awaited[]> {
    const { questioner, now } = this.parts;
    const opened: Opened[] = [];
    const awaited: Awaited[] = [];
    try {
      for (const { item, support } of checked) {
        if (isGrant(support)) {
          // No question lasts longer than its session, and no session longer than this.
          awaited.push({ id: support.attempt, deadlineMs: now() + limits.sessionMs });
          continue;
        }
        const question = await questioner.open(item.asked, support.evidence, submitter);
        opened.push(question);
        awaited.push(question.hold);
      }
      return awaited;
    } catch (error) {
      await questioner.takeBack(opened, submitter.principal.identity.id);
      throw toProblemOfQuestion(error);
    }
  }

  /** One entry for each item. The first takes the key's place; each takes its denial's, so that no denial leads to two tasks, on whatever node. */
  async #write(task: string, index: number, { item, denial, support }: Checked, awaited: Awaited | undefined, { submission, digest, submitter, place }: Writing): Promise<boolean> {
    if (!awaited) throw new FlyballError('internal', 'a question has no item');
    const asks = isGrant(support) ? { asks: support.asks } : {};
    const body: OpenedBody = { profile: 'arap', task, item: index, items: submission.items.length, bundle: submission.isBundle, identity: submitter.principal.identity.id, hold: awaited.id, evaluation: denial.evaluation, ...asks };
    const kept = { bound: denial.bound, members: denial.members, justification: item.asked.context[justificationMember], requested_access: item.requestedAccess, client: submission.client, callback: submission.callback, digest };
    const streams = [{ stream: taskStream(task), expected: index }, { stream: denialStream(denial.evaluation), expected: 0 }, ...(place ? [{ stream: place.stream, expected: place.version }] : [])];
    const written = await this.parts.record.append({ kind: 'request.opened', streams, deadline: awaited.deadlineMs + limits.taskGraceMs, body, payload: { salt: randomSalt(), content: JSON.stringify(kept) } });
    return written !== undefined;
  }

  /** Where a key has its place, and the task that it led to while that can be looked at, and a day longer. */
  #placeOf(key: string, { principal }: Submitter, digest: string): Promise<{ readonly place: Place; readonly task?: string }> {
    if (key.length > limits.idempotencyKeyMax || key === '') throw new FlyballError('request_malformed', `expected an Idempotency-Key of 1 to ${limits.idempotencyKeyMax} characters`);
    const name = createHash('sha256').update(canonicalText([principal.identity.id, key])).digest('hex');
    return this.#claimAt(keyStream(name), digest);
  }

  async #claimAt(stream: string, digest: string): Promise<{ readonly place: Place; readonly task?: string }> {
    const { record } = this.parts;
    const { version, state } = await record.read<Claim>(stream);
    const place = { stream, version };
    if (!state) return { place };
    const { state: task } = await record.read<TaskState>(taskStream(state.task));
    if (!task || expiresAtMs(task) <= this.parts.now()) return { place };
    const kept: unknown = JSON.parse((await record.content(state.entry)) ?? 'null');
    if (!isObject(kept) || kept['digest'] !== digest) throw problem('duplicate_request', 'this Idempotency-Key was used with another submission');
    return { place, task: state.task };
  }
}

const isGrant = (support: Checked['support']): support is PreparedGrant => 'asks' in support;
const grantsOf = (checked: readonly Checked[]): readonly PreparedGrant[] => checked.flatMap(({ support }) => (isGrant(support) ? [support] : []));

interface Place {
  readonly stream: string;
  readonly version: number;
}

interface Terms {
  readonly digest: string;
  readonly place?: Place;
}

interface Writing {
  readonly submission: Submission;
  readonly digest: string;
  readonly submitter: Submitter;
  readonly place: Place | undefined;
}

const alreadySubmitted = () => problem('invalid_denial_binding', 'this denial was submitted already; evaluate again to ask once more');
