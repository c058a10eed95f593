import { CedarError } from '../errors.js';
import { isName } from './name.js';
import { quoted, shown } from './quote.js';

/** An entity's type and id. `key` is the same string for the same entity, and for no other. */
export class EntityUid {
  readonly key: string;

  /** Throws {@link CedarError} when the type is not a Cedar name. */
  constructor(
    readonly type: string,
    readonly id: string,
  ) {
    if (!isName(type)) throw new CedarError(`expected the name of an entity type, got \`${shown(type)}\``);
    // A type has no quote in it, so nothing else has this key.
    this.key = `${type}::"${id}`;
  }

  toString(): string {
    return `${this.type}::${quoted(this.id)}`;
  }
}
