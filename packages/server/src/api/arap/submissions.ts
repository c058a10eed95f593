import { createHash } from 'node:crypto';
import { canonicalText, digestOf, FlyballError, isObject, type Json, type JsonObject, type Principal } from '@flyball/protocol';
import type { Hold } from '../../action/states.js';
import { randomHandle, randomSalt } from '../../lib/ids.js';
import { limits } from '../../lib/limits.js';
import type { Asker } from '../authzen/evaluator.js';
import { verifyActors } from './actors.js';
import { type BindingTerms, type BoundDenial, verifyBinding } from './binding.js';
import type { CallbackPolicy } from './callback-policy.js';
import { problem } from './problem.js';
import { type Opened, type Questioner, toProblemOfQuestion } from './questioner.js';
import type { ArapRecord } from './record.js';
import { readSubmission, type Submission, type SubmittedItem } from './read-submission.js';
import { type SchemaOfKind, type Supported, supportOf } from './request-schema.js';
import { type Claim, denialStream, keyStream, type OpenedBody, taskStream, type TaskState } from './task-state.js';
import { expiresAtMs } from './tasks.js';

/** Whoever submits: who they are, what their token says, and the attempt that a question begins. */
export interface Submitter extends Asker {
  readonly principal: Principal;
  readonly claims: JsonObject;
}

export interface SubmissionParts {
  readonly record: ArapRecord;
  readonly questioner: Questioner;
  readonly callbacks: CallbackPolicy;
  readonly schemaOf: SchemaOfKind;
  now(): number;
  bindingTerms(): BindingTerms;
}

interface Checked {
  readonly item: SubmittedItem;
  readonly denial: BoundDenial;
  readonly support: Supported;
}

/** Takes submissions: verifies each denial, asks people exactly what was denied, and writes down which task stands for it. */
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
    for (const item of submission.items) checked.push(await this.#check(item, submission, submitter));
    if (new Set(checked.map(({ denial }) => denial.evaluation)).size < checked.length) throw problem('invalid_denial_binding', 'expected a denial of its own for each item');
    return this.#open(submission, checked, submitter, terms);
  }

  async #check(item: SubmittedItem, submission: Submission, { principal }: Submitter): Promise<Checked> {
    const denial = await verifyBinding(item, principal, this.parts.bindingTerms());
    const { version } = await this.parts.record.read(denialStream(denial.evaluation));
    if (version > 0) throw alreadySubmitted();
    return { item, denial, support: supportOf(denial.template, item.asked.context, submission.requestedAccess, this.parts.schemaOf) };
  }

  /** A question for each item, all of them before any is a task: what fails then has opened nothing. */
  async #open(submission: Submission, checked: readonly Checked[], submitter: Submitter, { digest, place }: Terms): Promise<string> {
    const { questioner } = this.parts;
    const opened: Opened[] = [];
    try {
      for (const { item, support } of checked) opened.push(await questioner.open(item.asked, support.evidence, submitter));
    } catch (error) {
      await questioner.takeBack(opened, submitter.principal.identity.id);
      throw toProblemOfQuestion(error);
    }
    const task = randomHandle().replaceAll('-', '');
    for (const [index, each] of checked.entries()) {
      const written = await this.#write(task, index, each, opened[index]?.hold, { submission, digest, submitter, place: index === 0 ? place : undefined });
      if (!written) throw alreadySubmitted();
    }
    return task;
  }

  /** One entry for each item. The first takes the key's place; each takes its denial's, so that no denial leads to two tasks, on whatever node. */
  async #write(task: string, index: number, { denial, support }: Checked, hold: Hold | undefined, { submission, digest, submitter, place }: Writing): Promise<boolean> {
    if (!hold) throw new FlyballError('internal', 'a question has no item');
    const body: OpenedBody = { profile: 'arap', task, item: index, items: submission.items.length, bundle: submission.isBundle, identity: submitter.principal.identity.id, hold: hold.id, evaluation: denial.evaluation };
    const kept = { bound: denial.bound, members: denial.members, justification: support.justification, requested_access: submission.requestedAccess, client: submission.client, callback: submission.callback, digest };
    const streams = [{ stream: taskStream(task), expected: index }, { stream: denialStream(denial.evaluation), expected: 0 }, ...(place ? [{ stream: place.stream, expected: place.version }] : [])];
    const written = await this.parts.record.append({ kind: 'request.opened', streams, deadline: hold.deadlineMs + limits.taskGraceMs, body, payload: { salt: randomSalt(), content: JSON.stringify(kept) } });
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
