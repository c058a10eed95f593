import { typeError } from '../errors.js';
import { Datetime } from '../values/datetime.js';
import { Duration } from '../values/duration.js';
import { EntityUid } from '../values/entity-uid.js';
import { add, type Long, multiply, negate, subtract } from '../values/long.js';
import { CedarSet, equals, typeOf, type Value } from '../values/value.js';
import { getTag, hasTag } from './attributes.js';
import { type Environment, isTrue } from './compiled.js';

type Binary = (left: Value, right: Value, environment: Environment) => Value;
type Unary = (value: Value) => Value;

function long(value: Value): Long {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw typeError('long', typeOf(value));
}

function set(value: Value): CedarSet {
  if (value instanceof CedarSet) return value;
  throw typeError('set', typeOf(value));
}

export function entity(value: Value): EntityUid {
  if (value instanceof EntityUid) return value;
  throw typeError('(entity of any type)', typeOf(value));
}

type Ordered = Long | Datetime | Duration;

/** Longs, datetimes and durations have an order, each among themselves. */
function ordered(compare: (left: Long, right: Long) => boolean): Binary {
  return (left, right) => {
    if (typeof left === 'number' && typeof right === 'number') return compare(left, right);
    if (left instanceof Datetime && right instanceof Datetime) return compare(left.epochMs, right.epochMs);
    if (left instanceof Duration && right instanceof Duration) return compare(left.ms, right.ms);
    return compare(long(left as Ordered), long(right as Ordered));
  };
}

/** `left in right`: the same entity, one that it is in, or either of any in a set. */
export function isIn(left: Value, right: Value, { entities }: Environment): boolean {
  const member = entity(left);
  const ancestors = entities.get(member.key)?.ancestors;
  const holds = (group: EntityUid) => member.key === group.key || (ancestors?.has(group.key) ?? false);
  if (right instanceof EntityUid) return holds(right);
  if (!(right instanceof CedarSet)) throw typeError('(set or entity of any type)', typeOf(right));
  let held = false;
  for (const group of right) held = holds(entity(group)) || held;
  return held;
}

/** Operators that take the values of both sides. */
export const binaryOperators: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  ['==', equals],
  ['!=', (left, right) => !equals(left, right)],
  ['<', ordered((left, right) => left < right)],
  ['<=', ordered((left, right) => left <= right)],
  ['>', ordered((left, right) => left > right)],
  ['>=', ordered((left, right) => left >= right)],
  ['+', (left, right) => add(long(left), long(right))],
  ['-', (left, right) => subtract(long(left), long(right))],
  ['*', (left, right) => multiply(long(left), long(right))],
  ['in', isIn],
  ['contains', (left, right) => set(left).has(right)],
  ['containsAll', (left, right) => set(left).includes(set(right))],
  ['containsAny', (left, right) => set(left).meets(set(right))],
  ['hasTag', hasTag],
  ['getTag', getTag],
]);

export const unaryOperators: ReadonlyMap<string, Unary> = new Map<string, Unary>([
  ['!', (value) => !isTrue(value)],
  ['neg', (value) => negate(long(value))],
  ['isEmpty', (value) => set(value).size === 0],
]);
