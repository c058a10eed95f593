import type { EntitySource } from '../entities.js';
import { typeError } from '../errors.js';
import type { EntityUid } from '../values/entity-uid.js';
import { type CedarRecord, typeOf, type Value } from '../values/value.js';

/** How deep expressions may be inside each other: twice this fits onto the stacks that we know. */
export const nestingMax = 500;

/** All that an expression can depend on. */
export interface Environment {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: CedarRecord;
  readonly entities: EntitySource;
}

/** An expression as a function; throws an evaluation error. */
export type Run = (environment: Environment) => Value;

export interface Compiled {
  readonly run: Run;
  /** Its value where that depends on nothing. */
  readonly constant?: Value;
  /** How a policy writes it, where it is a variable or an attribute of one: `context.args.amount`. */
  readonly path?: string;
}

export const constant = (value: Value): Compiled => ({ run: () => value, constant: value });

/** The value as a boolean, or a type error. */
export function isTrue(value: Value): boolean {
  if (value === true) return true;
  if (value === false) return false;
  throw typeError('bool', typeOf(value));
}
