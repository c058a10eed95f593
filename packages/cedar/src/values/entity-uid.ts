import { CedarError } from '../errors.js';
import { quoted } from './quote.js';

/** A name of the Cedar grammar: identifiers joined by `::`. */
const namePattern = /^[_a-zA-Z][_a-zA-Z0-9]*(::[_a-zA-Z][_a-zA-Z0-9]*)*$/;

/** An entity's type and id. `key` is the same string for the same entity, and for no other. */
export class EntityUid {
  readonly key: string;

  /** Throws {@link CedarError} when the type is not a Cedar name. */
  constructor(
    readonly type: string,
    readonly id: string,
  ) {
    if (!namePattern.test(type)) throw new CedarError(`expected the name of an entity type, got \`${type}\``);
    // A type has no quote in it, so nothing else has this key.
    this.key = `${type}::"${id}`;
  }

  toString(): string {
    return `${this.type}::${quoted(this.id)}`;
  }
}
