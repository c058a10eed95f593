import { createHash } from 'node:crypto';
import type { Findings } from '../finding.js';
import { textOf, textsOf } from '../leaf/members.js';
import { placeOf, type Recorded } from './recorded.js';

/** What an entry commits to in its `payload`, and can be erased. */
export interface Body {
  /** Id of the entry. */
  readonly entry: string;
  readonly salt: string;
  readonly content: string;
}

export interface BodyCounts {
  readonly matched: number;
  readonly erased: number;
}

/** The digest by which an entry names its body: SHA-256 over the salt, then the content. */
export const bodyDigest = ({ salt, content }: Omit<Body, 'entry'>): string => `sha256:${createHash('sha256').update(salt, 'utf8').update(content, 'utf8').digest('hex')}`;

interface Missing {
  readonly index: number;
  readonly persons: readonly string[];
}

/**
 * That bodies are what their entries commit to, and that the missing ones were erased by an entry that says so.
 * Memory: about 250 bytes for each body that was given, as long as its entry was not seen, and for each missing one.
 */
export class Payloads {
  readonly #given = new Map<string, string>();
  readonly #missing = new Map<string, Missing>();
  readonly #erasedEntries = new Set<string>();
  readonly #erasedPersons = new Set<string>();
  #matched = 0;

  /** @param areWanted false when nobody gave any bodies: then none is missing */
  constructor(
    private readonly findings: Findings,
    private readonly areWanted: boolean,
  ) {}

  give(body: Body): void {
    const digest = bodyDigest(body);
    // Who archives again writes what is left once more: the same twice is nothing wrong.
    if ((this.#given.get(body.entry) ?? digest) !== digest) this.findings.add('body_mismatch', 'expected one body of an entry, got two', { entry: body.entry });
    else this.#given.set(body.entry, digest);
  }

  /** Whether the entry's body was given, and is what it commits to. */
  add(recorded: Recorded): boolean {
    const { id, kind, payload, body } = recorded.entry;
    if (kind === 'erased') {
      for (const entry of textsOf(body, 'entries') ?? []) this.#erasedEntries.add(entry);
      const person = textOf(body, 'person');
      if (person !== undefined) this.#erasedPersons.add(person);
    }
    if (!this.areWanted || payload === undefined) return false;
    const given = this.#given.get(id);
    this.#given.delete(id);
    if (given === undefined) this.#missing.set(id, { index: recorded.index, persons: [textOf(body, 'on_behalf_of'), textOf(body, 'person')].filter((person) => person !== undefined) });
    else if (given !== payload) this.findings.add('body_mismatch', 'expected the body that the entry commits to', placeOf(recorded));
    else this.#matched++;
    return given === payload;
  }

  finish(): BodyCounts {
    let erased = 0;
    for (const [entry, { index, persons }] of this.#missing) {
      if (this.#erasedEntries.has(entry) || persons.some((person) => this.#erasedPersons.has(person))) erased++;
      else this.findings.add('body_missing', 'expected the body of this entry, which no `erased` entry covers', { index, entry });
    }
    for (const entry of this.#given.keys()) this.findings.add('body_mismatch', 'expected an entry of the log with this body', { entry });
    return { matched: this.#matched, erased };
  }
}
