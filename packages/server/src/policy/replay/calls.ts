import { isObject, type Entry, type Json, type JsonObject } from '@flyball/protocol';
import type { Bundle } from '../bundle.js';
import type { CataloguedAction } from '../catalogue.js';
import { type ArgumentType, encode, type Encoded } from '../types.js';

/** What a bundle makes of a call. */
export interface CallTerms {
  readonly action: CataloguedAction;
  readonly argumentType: ArgumentType | undefined;
}

const knownMost = 10_000;

/** Finds calls in one bundle's catalogue, and remembers what it found. */
export class Calls {
  readonly #known = new Map<string, CallTerms | undefined>();

  constructor(private readonly bundle: Pick<Bundle, 'catalogue' | 'argumentsOf'>) {}

  /** The call of an entry; nothing where the entry does not tell it, or the catalogue does not have it. */
  find({ body }: Entry, content: JsonObject): CallTerms | undefined {
    const { upstream, method } = isObject(body) ? body : {};
    const target = content['target'];
    if (typeof upstream !== 'string' || typeof method !== 'string' || typeof target !== 'string') return undefined;
    const key = `${upstream}\n${method}\n${target}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const action = this.bundle.catalogue.find(upstream, method, target);
    const found = action && { action, argumentType: this.bundle.argumentsOf(action, upstream, target) };
    if (this.#known.size >= knownMost) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }
}

const noArguments: ArgumentType = { kind: 'record', attributes: {} };

/** Arguments as policies of a bundle see them. */
export const encodeArguments = (args: Json | undefined, { argumentType }: CallTerms): Encoded => encode(args ?? {}, argumentType ?? noArguments, '');
