import { extensionError, typeError } from '../errors.js';
import { Datetime } from './datetime.js';
import { Decimal } from './decimal.js';
import { Duration, units } from './duration.js';
import { IpAddress } from './ip-address.js';
import { divide } from './long.js';
import { typeOf, type Value } from './value.js';

/** A function of Cedar's extension types; takes `arity` values and throws an evaluation error for what it cannot take. */
export interface ExtensionFunction {
  readonly arity: number;
  apply(...args: readonly Value[]): Value;
}

type Kind<T> = abstract new (...args: never) => T;

function expected<T extends Value>(kind: Kind<T>, name: string, value: Value | undefined): T {
  if (value instanceof kind) return value;
  throw typeError(name, value === undefined ? 'nothing' : typeOf(value));
}

const text = (value: Value | undefined): string => {
  if (typeof value === 'string') return value;
  throw typeError('string', value === undefined ? 'nothing' : typeOf(value));
};

const parser = (parse: (text: string) => Value): ExtensionFunction => ({ arity: 1, apply: (value) => parse(text(value)) });
const decimal = (value: Value | undefined) => expected(Decimal as unknown as Kind<Decimal>, 'decimal', value);
const ip = (value: Value | undefined) => expected(IpAddress as unknown as Kind<IpAddress>, 'ipaddr', value);
const datetime = (value: Value | undefined) => expected(Datetime, 'datetime', value);
const duration = (value: Value | undefined) => expected(Duration, 'duration', value);

const ofDecimals = (compare: (left: Decimal, right: Decimal) => boolean): ExtensionFunction => ({ arity: 2, apply: (left, right) => compare(decimal(left), decimal(right)) });
const ofIp = (test: (address: IpAddress) => boolean): ExtensionFunction => ({ arity: 1, apply: (value) => test(ip(value)) });
const inUnits = (unit: number): ExtensionFunction => ({ arity: 1, apply: (value) => divide(duration(value).ms, unit) });

const [day, hour, minute, second, millisecond] = units;

/** Every function of the extensions of Cedar 4.5, by name. */
export const extensionFunctions: ReadonlyMap<string, ExtensionFunction> = new Map<string, ExtensionFunction>([
  ['decimal', parser((value) => Decimal.parse(value))],
  ['lessThan', ofDecimals((left, right) => left.tenThousandths < right.tenThousandths)],
  ['lessThanOrEqual', ofDecimals((left, right) => left.tenThousandths <= right.tenThousandths)],
  ['greaterThan', ofDecimals((left, right) => left.tenThousandths > right.tenThousandths)],
  ['greaterThanOrEqual', ofDecimals((left, right) => left.tenThousandths >= right.tenThousandths)],
  ['ip', parser((value) => IpAddress.parse(value))],
  ['isIpv4', ofIp((address) => address.version === 4)],
  ['isIpv6', ofIp((address) => address.version === 6)],
  ['isLoopback', ofIp((address) => address.isLoopback())],
  ['isMulticast', ofIp((address) => address.isMulticast())],
  ['isInRange', { arity: 2, apply: (left, right) => ip(left).isInRange(ip(right)) }],
  ['datetime', parser((value) => Datetime.parse(value))],
  ['offset', { arity: 2, apply: (left, right) => datetime(left).plus(duration(right)) }],
  ['durationSince', { arity: 2, apply: (left, right) => datetime(left).since(datetime(right)) }],
  ['toDate', { arity: 1, apply: (value) => datetime(value).toDate() }],
  ['toTime', { arity: 1, apply: (value) => datetime(value).toTime() }],
  ['duration', parser((value) => Duration.parse(value))],
  ['toMilliseconds', inUnits(millisecond)],
  ['toSeconds', inUnits(second)],
  ['toMinutes', inUnits(minute)],
  ['toHours', inUnits(hour)],
  ['toDays', inUnits(day)],
]);

/** Applies a function by name. Throws an evaluation error when there is none or its arguments do not fit. */
export function applyExtension(name: string, args: readonly Value[]): Value {
  const found = extensionFunctions.get(name);
  if (!found) throw extensionError(name, 'there is no such function');
  if (args.length !== found.arity) throw extensionError(name, `expected ${found.arity} arguments, got ${args.length}`);
  return found.apply(...args);
}
