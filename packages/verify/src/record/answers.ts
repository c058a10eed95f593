import type { Findings } from '../finding.js';
import type { Entry } from '../leaf/entry.js';
import { membersOf, textOf } from '../leaf/members.js';
import { verifySigned } from '../verify-answer.js';
import type { Body } from './payloads.js';
import { placeOf, type Recorded } from './recorded.js';

export interface AnswerCounts {
  /** Answers that say that a person's own key signed them. */
  readonly signed: number;
  /** Those whose signature was verified; of the others the body, or the key's, was not given or was erased. */
  readonly verified: number;
}

interface Key {
  readonly entry: Entry;
  readonly content: string | undefined;
  isRemoved: boolean;
}

/** What bodies of keys and of signatures have in them; the others need not be kept. */
const marks = ['"client_data"', '"public_key"'];

/**
 * That an answer that says it was signed was: by a key of this person's that the record has from before, and that they had
 * not taken back. Memory: a signature's body until its entry comes, about 1 KB; each person's key, as much.
 */
export class Answers {
  readonly #given = new Map<string, string>();
  readonly #keys = new Map<string, Key>();
  #signed = 0;
  #verified = 0;

  constructor(private readonly findings: Findings) {}

  give({ entry, content }: Body): void {
    if (marks.some((mark) => content.includes(mark))) this.#given.set(entry, content);
  }

  /** @param isMatched its body was given, and is what it commits to */
  add(recorded: Recorded, isMatched: boolean): void {
    const { entry } = recorded;
    const content = isMatched ? (this.#given.get(entry.id) ?? '') : undefined;
    this.#given.delete(entry.id);
    if (entry.kind === 'authenticator.added') this.#keys.set(entry.id, { entry, content, isRemoved: false });
    else if (entry.kind === 'authenticator.removed') this.#remove(entry);
    else if (entry.body['signed'] === true || Object.hasOwn(entry.body, 'signature')) this.#verify(recorded, content);
  }

  finish(): AnswerCounts {
    return { signed: this.#signed, verified: this.#verified };
  }

  #remove({ body }: Entry): void {
    const key = this.#keys.get(textOf(body, 'authenticator') ?? '');
    if (key && textOf(body, 'person') === textOf(key.entry.body, 'person')) key.isRemoved = true;
  }

  #verify(recorded: Recorded, content: string | undefined): void {
    this.#signed++;
    const key = this.#keys.get(textOf(membersOf(recorded.entry.body, 'signature'), 'authenticator') ?? '');
    const fault = key ? (keyFault(key, recorded.entry) ?? this.#signatureFault(recorded.entry, content, key)) : 'with a key that was added before';
    if (fault !== undefined) this.findings.add('answer_forged', `expected this answer to be signed, as it says: ${fault}`, placeOf(recorded));
  }

  #signatureFault(entry: Entry, content: string | undefined, key: Key): string | undefined {
    if (content === undefined || key.content === undefined) return undefined;
    const verdict = verifySigned({ entry, content }, { entry: key.entry, content: key.content });
    if (!verdict.holds) return verdict.fault;
    this.#verified++;
    return undefined;
  }
}

function keyFault({ entry, isRemoved }: Key, { streams, body }: Entry): string | undefined {
  const person = textOf(body, 'person');
  if (textOf(entry.body, 'person') !== person) return 'with a key of this person';
  if (isRemoved) return 'with a key that had not been taken back';
  return streams.some(({ stream }) => stream === `authenticator:${person ?? ''}`) ? undefined : 'in its place among the uses of this key';
}
