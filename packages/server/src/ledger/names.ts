import { createHash } from 'node:crypto';
import { randomSalt } from '../lib/ids.js';
import type { NameStore } from './store.js';

/** Looks like `person:` and 64 hex digits. */
export const isPersonRef = (text: string): boolean => /^person:[0-9a-f]{64}$/.test(text);

/**
 * Names of people stay out of the log: an entry holds a commitment to a name, a digest of it with a random salt.
 * The same person has the same reference everywhere, so that two answers of one person stay recognisable as that,
 * also when the name is erased.
 */
export class Names {
  readonly #refs = new Map<string, string>();
  readonly #names = new Map<string, string>();

  constructor(private readonly store: NameStore) {}

  async refOf(name: string): Promise<string> {
    const known = this.#refs.get(name);
    if (known !== undefined) return known;
    const ref = await this.#keep(name);
    this.#remember(name, ref);
    return ref;
  }

  /**
   * Forgets all names but these, and asks for them anew: another node may have erased some. These are the ones whose
   * references are asked for in a moment when nothing can be waited for.
   */
  async refresh(names: Iterable<string>): Promise<void> {
    const fresh: (readonly [name: string, ref: string])[] = [];
    for (const name of names) fresh.push([name, await this.#keep(name)]);
    this.forget();
    fresh.forEach(([name, ref]) => this.#remember(name, ref));
  }

  /** The name behind a reference, as far as it is known here; nothing for a name that was erased. */
  peek(ref: string): string | undefined {
    return this.#names.get(ref);
  }

  /** The name behind a reference; the reference itself where there is none any more. */
  async nameOf(ref: string): Promise<string> {
    const known = this.#names.get(ref) ?? (isPersonRef(ref) ? await this.store.findName(ref) : undefined);
    if (known === undefined) return ref;
    this.#remember(known, ref);
    return known;
  }

  forget(): void {
    this.#refs.clear();
    this.#names.clear();
  }

  #keep(name: string): Promise<string> {
    const salt = randomSalt();
    return this.store.keepName(name, refFor(name, salt), salt);
  }

  #remember(name: string, ref: string): void {
    this.#refs.set(name, ref);
    this.#names.set(ref, name);
  }
}

/** The commitment to a name under its salt: what an auditor computes again from the two. */
export const refFor = (name: string, salt: string): string => `person:${createHash('sha256').update(salt).update(name).digest('hex')}`;
