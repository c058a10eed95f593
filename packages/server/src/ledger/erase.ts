import { FlyballError } from '@flyball/protocol';
import type { Ledger } from './ledger.js';
import type { Names } from './names.js';
import type { BodyStore, NameStore } from './store.js';

/** What is to be erased: all that is kept about a person, of a session, of single entries, or with a text in it. */
export interface ErasureWish {
  readonly person?: string | undefined;
  readonly session?: string | undefined;
  readonly entries?: readonly string[] | undefined;
  readonly containing?: string | undefined;
}

export interface Erased {
  readonly bodies: number;
  readonly name: boolean;
}

export const erasureStream = 'erasures:all';
const entriesMost = 1_000;

/**
 * Erases what the log commits to and does not contain. The log says first that it is erased and by whom, so that a
 * body that is missing without that is noticed; every proof stays as it was.
 */
export class Erasure {
  constructor(
    private readonly ledger: Ledger,
    private readonly names: Names,
    private readonly bodies: BodyStore,
    private readonly nameStore: NameStore,
  ) {}

  async erase({ person, session, entries, containing }: ErasureWish, by: string): Promise<Erased> {
    if ([person, session, entries, containing].every((part) => part === undefined || part.length === 0)) throw new FlyballError('usage', 'expected what to erase: a person, a session, entries or a text');
    const ref = person === undefined ? undefined : await this.nameStore.findRef(person);
    const asked = [
      ...(ref === undefined ? [] : [{ ref }]),
      ...(session === undefined ? [] : [{ stream: `session:${session}` }]),
      ...(entries === undefined ? [] : [{ entries }]),
      ...(containing === undefined ? [] : [{ containing }]),
    ];
    const found = [...new Set((await Promise.all(asked.map((wish) => this.bodies.findBodies(wish)))).flat())].sort();
    if (found.length === 0 && ref === undefined) return { bodies: 0, name: false };
    for (let from = 0; from === 0 || from < found.length; from += entriesMost) await this.#eraseSome(found.slice(from, from + entriesMost), ref, by);
    const name = person !== undefined && (await this.nameStore.eraseName(person)) !== undefined;
    this.names.forget();
    this.ledger.projections.forgetAll();
    return { bodies: found.length, name };
  }

  async #eraseSome(entries: readonly string[], person: string | undefined, by: string): Promise<void> {
    await this.ledger.append({ kind: 'erased', streams: [{ stream: erasureStream }], body: { entries, ...(person !== undefined && { person }), by: await this.names.refOf(by) } });
    await this.bodies.eraseBodies(entries);
  }
}
