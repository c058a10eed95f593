import type { NameStore } from '../../packages/server/src/ledger/store.js';

/** Names and their references in memory, as the database keeps them: the first reference of a name stays. */
export class MemoryNames implements NameStore {
  readonly #refs = new Map<string, string>();

  keepName(name: string, ref: string): Promise<string> {
    const kept = this.#refs.get(name) ?? ref;
    this.#refs.set(name, kept);
    return Promise.resolve(kept);
  }

  findName(ref: string): Promise<string | undefined> {
    return Promise.resolve([...this.#refs].find(([, known]) => known === ref)?.[0]);
  }

  findRef(name: string): Promise<string | undefined> {
    return Promise.resolve(this.#refs.get(name));
  }

  eraseName(name: string): Promise<string | undefined> {
    const ref = this.#refs.get(name);
    this.#refs.delete(name);
    return Promise.resolve(ref);
  }
}
