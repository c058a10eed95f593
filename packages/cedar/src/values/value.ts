import type { Datetime } from './datetime.js';
import type { Decimal } from './decimal.js';
import type { Duration } from './duration.js';
import { EntityUid } from './entity-uid.js';
import type { IpAddress } from './ip-address.js';
import type { Long } from './long.js';

export type Extension = Decimal | IpAddress | Datetime | Duration;
export type Value = boolean | Long | string | EntityUid | CedarSet | CedarRecord | Extension;

type Primitive = boolean | Long | string;

const isPrimitive = (value: Value): value is Primitive => typeof value !== 'object';

/** A set of values. What is primitive is found by itself, all else by a text that only equal values share. */
export class CedarSet {
  readonly #primitives = new Set<Primitive>();
  readonly #others = new Map<string, Value>();

  constructor(values: Iterable<Value>) {
    for (const value of values) {
      if (isPrimitive(value)) this.#primitives.add(value);
      else this.#others.set(identityOf(value), value);
    }
  }

  get size(): number {
    return this.#primitives.size + this.#others.size;
  }

  has(value: Value): boolean {
    return isPrimitive(value) ? this.#primitives.has(value) : this.#others.size > 0 && this.#others.has(identityOf(value));
  }

  includes(other: CedarSet): boolean {
    if (other.size > this.size) return false;
    for (const value of other.#primitives) if (!this.#primitives.has(value)) return false;
    for (const identity of other.#others.keys()) if (!this.#others.has(identity)) return false;
    return true;
  }

  meets(other: CedarSet): boolean {
    for (const value of other.#primitives) if (this.#primitives.has(value)) return true;
    for (const identity of other.#others.keys()) if (this.#others.has(identity)) return true;
    return false;
  }

  *[Symbol.iterator](): IterableIterator<Value> {
    yield* this.#primitives;
    yield* this.#others.values();
  }
}

/** Attributes by name. */
export class CedarRecord {
  constructor(readonly attributes: ReadonlyMap<string, Value>) {}
}

export const emptyRecord = new CedarRecord(new Map());

/** A text that two values share if and only if Cedar's `==` holds for them. */
export function identityOf(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (isPrimitive(value)) return String(value);
  if (value instanceof EntityUid) return `entity ${JSON.stringify(value.key)}`;
  if (value instanceof CedarSet) return `[${[...value].map(identityOf).sort().join()}]`;
  if (value instanceof CedarRecord) return `{${[...value.attributes].map(([name, member]) => `${JSON.stringify(name)}:${identityOf(member)}`).sort().join()}}`;
  return value.identity;
}

/** Cedar's `==`: values of different types are different. */
export function equals(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (isPrimitive(left) || isPrimitive(right)) return false;
  if (left instanceof EntityUid) return right instanceof EntityUid && left.key === right.key;
  if (left instanceof CedarSet) return right instanceof CedarSet && left.size === right.size && left.includes(right);
  if (left instanceof CedarRecord) return right instanceof CedarRecord && equalRecords(left.attributes, right.attributes);
  return !(right instanceof EntityUid) && !(right instanceof CedarSet) && !(right instanceof CedarRecord) && left.identity === right.identity;
}

function equalRecords(left: ReadonlyMap<string, Value>, right: ReadonlyMap<string, Value>): boolean {
  if (left.size !== right.size) return false;
  for (const [name, value] of left) {
    const other = right.get(name);
    if (other === undefined || !equals(value, other)) return false;
  }
  return true;
}

/** The name of a value's type, as messages say it. */
export function typeOf(value: Value): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (isPrimitive(value)) return 'long';
  if (value instanceof EntityUid) return `(entity of type \`${value.type}\`)`;
  if (value instanceof CedarSet) return 'set';
  if (value instanceof CedarRecord) return 'record';
  return value.kind;
}
