import type { Environment } from '../expressions/compiled.js';
import { compiledOf, single } from '../expressions/compile.js';
import { Pattern } from '../expressions/like.js';
import { attempt } from '../expressions/parts.js';
import { EvaluationError } from '../errors.js';
import { Datetime } from '../values/datetime.js';
import { Decimal } from '../values/decimal.js';
import { Duration } from '../values/duration.js';
import { EntityUid } from '../values/entity-uid.js';
import { applyExtension } from '../values/extension-functions.js';
import { isJsonObject, type Json } from '../values/json.js';
import { add, type Long } from '../values/long.js';
import { CedarRecord, CedarSet, type Value } from '../values/value.js';
import { type Change, subjectKey } from './change.js';
import { attributeOf, type Place, placeOf } from './paths.js';

/** Changes that belong together. */
export type Alternative = readonly Change[];

/** How many alternatives are kept at each place: the search is bounded, not complete. */
const alternativesMax = 24;
const membersMax = 8;
/** How many things may have to be otherwise at once: more is no small change. */
export const changesMax = 32;

const opposite: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=', '==': '==', '!=': '!=', lessThan: 'greaterThan', greaterThan: 'lessThan', lessThanOrEqual: 'greaterThanOrEqual', greaterThanOrEqual: 'lessThanOrEqual' };
const negation: Readonly<Record<string, string>> = { '<': '>=', '>': '<=', '<=': '>', '>=': '<', lessThan: 'greaterThanOrEqual', greaterThan: 'lessThanOrEqual', lessThanOrEqual: 'greaterThan', greaterThanOrEqual: 'lessThan' };

/**
 * Changes after each of which an expression should be true, or false: found from its operators and from the
 * values on their other side. They are proposals; whoever takes one evaluates it.
 */
export function propose(json: Json, wanted: boolean, environment: Environment): readonly Alternative[] {
  if (attempt(() => compiledOf(json).run(environment)) === wanted) return [[]];
  return proposals(json, wanted, environment).slice(0, alternativesMax);
}

function proposals(json: Json, wanted: boolean, environment: Environment): readonly Alternative[] {
  const [operator, operand] = single(json);
  const part = (name: string): Json => (isJsonObject(operand) ? (operand[name] ?? null) : null);
  const inner = (name: string, truth: boolean) => propose(part(name), truth, environment);
  switch (operator) {
    case '&&':
    case '||': {
      const together = (operator === '&&') === wanted;
      return together ? combined(inner('left', wanted), inner('right', wanted)) : [...inner('left', wanted), ...inner('right', wanted)];
    }
    case '!':
      return inner('arg', !wanted);
    case 'if-then-else':
      return [...combined(inner('if', true), inner('then', wanted)), ...combined(inner('if', false), inner('else', wanted))];
    case 'Var':
    case '.':
      return setting(json, wanted, environment);
    case 'has':
      return proposeAttribute(part('left'), part('attr'), wanted, environment);
    case 'in':
    case 'is':
      return proposeMembership(operator === 'in' ? part('right') : part('in'), part('left'), wanted, environment);
    case 'like':
      return setting(part('left'), wanted ? Pattern.fromJson(part('pattern')).shortest : 'another', environment, !wanted);
    case 'isEmpty':
      return setting(part('arg'), new CedarSet(wanted ? [] : ['member']), environment);
    case 'contains':
    case 'containsAll':
    case 'containsAny':
      return proposeMembers(operator, part('left'), part('right'), wanted, environment);
    default:
      return proposeComparison(operator, operand, wanted, environment);
  }
}

/** Every alternative of one with every one of the other; what both say of one thing, the later one says. */
export function combined(left: readonly Alternative[], right: readonly Alternative[]): readonly Alternative[] {
  return left.flatMap((first) => right.map((second) => merged(first, second))).filter(({ length }) => length <= changesMax).slice(0, alternativesMax);
}

export function merged(first: Alternative, second: Alternative): Alternative {
  const changed = new Set(second.map(subjectKey));
  return [...first.filter((change) => !changed.has(subjectKey(change))), ...second];
}

function valueOf(json: Json, environment: Environment): Value | undefined {
  const value = attempt(() => compiledOf(json).run(environment));
  return value instanceof EvaluationError ? undefined : value;
}

/** The expression becomes a value, if it is one that can be set. */
function setting(json: Json, value: Value, environment: Environment, anyOther = false): readonly Alternative[] {
  const place = placeOf(json, environment);
  return place ? [[set(place, value, anyOther)]] : [];
}

const set = (place: Place, value: Value, anyOther = false): Change => ({ kind: 'set', place, value, ...(anyOther && { anyOther }) });

function proposeAttribute(left: Json, attr: Json, wanted: boolean, environment: Environment): readonly Alternative[] {
  const names = (Array.isArray(attr) ? attr : [attr]).map(String);
  const place = attributeOf(left, names, environment);
  if (!place || place.in === 'request') return [];
  return wanted ? [[set(place, true, true)]] : [[{ kind: 'remove', place }]];
}

function proposeMembership(right: Json, left: Json, wanted: boolean, environment: Environment): readonly Alternative[] {
  const member = valueOf(left, environment);
  if (!(member instanceof EntityUid) || right === null) return [];
  const named = valueOf(right, environment);
  const groups = (named instanceof CedarSet ? [...named] : [named]).filter((value) => value instanceof EntityUid);
  if (wanted) return groups.slice(0, membersMax).map((group) => [{ kind: 'join', uid: member, group }]);
  return [groups.map((group) => ({ kind: 'leave', uid: member, group }))];
}

function proposeMembers(operator: string, left: Json, right: Json, wanted: boolean, environment: Environment): readonly Alternative[] {
  const [owner, sought] = [valueOf(left, environment), valueOf(right, environment)];
  const place = placeOf(left, environment);
  const found: Alternative[] = [];
  const members = operator === 'contains' ? (sought === undefined ? [] : [sought]) : sought instanceof CedarSet ? [...sought] : [];
  if (place && members.length > 0) {
    const present = owner instanceof CedarSet ? [...owner] : [];
    const without = (away: readonly Value[]) => present.filter((value) => !new CedarSet(away).has(value));
    const every = operator !== 'containsAny';
    if (wanted) found.push([set(place, new CedarSet([...present, ...(every ? members : members.slice(0, 1))]))]);
    else found.push([set(place, new CedarSet(without(every ? members.slice(0, 1) : members)))]);
  }
  // The other side may be what can change: one that a list names, or one that it does not.
  if (owner instanceof CedarSet && operator === 'contains') for (const value of wanted ? [...owner].slice(0, membersMax) : otherThan([...owner][0])) found.push(...setting(right, value, environment, !wanted));
  else if (owner instanceof CedarSet) found.push(...setting(right, new CedarSet(wanted ? [...owner].slice(0, 1) : ['another']), environment, !wanted));
  return found;
}

function proposeComparison(operator: string, operand: Json, wanted: boolean, environment: Environment): readonly Alternative[] {
  const [left, right] = Array.isArray(operand) ? (operand as readonly Json[]) : isJsonObject(operand) ? [operand['left'], operand['right']] : [];
  if (left === undefined) return [];
  if (operator === 'isInRange' || right === undefined) return proposeAddress(operator, left, right, wanted, environment);
  if (opposite[operator] === undefined) return [];
  const one = (side: Json, other: Json, as: string) => {
    const value = valueOf(other, environment);
    return value === undefined ? [] : boundary(as, value, wanted).flatMap(([candidate, anyOther]) => setting(side, candidate, environment, anyOther));
  };
  return [...one(left, right, operator), ...one(right, left, opposite[operator])];
}

type Candidate = readonly [value: Value, anyOther: boolean];

/** Values that compare with another as wanted, the nearest ones first. */
function boundary(operator: string, other: Value, wanted: boolean): readonly Candidate[] {
  if (operator === '==' || operator === '!=') return (operator === '==') === wanted ? [[other, false]] : otherThan(other).map((value) => [value, true]);
  const effective = wanted ? operator : (negation[operator] ?? operator);
  const step = effective.endsWith('=') || effective.endsWith('OrEqual') ? 0 : effective === '<' || effective === 'lessThan' ? -1 : 1;
  const moved = attempt(() => shifted(other, step));
  return moved === undefined || moved instanceof EvaluationError ? [] : [[moved, false]];
}

function shifted(value: Value, step: number): Value | undefined {
  const move = (long: Long) => add(long, step);
  if (typeof value === 'number' || typeof value === 'bigint') return move(value);
  if (value instanceof Datetime) return new Datetime(move(value.epochMs));
  if (value instanceof Duration) return new Duration(move(value.ms));
  return value instanceof Decimal ? value.moved(step) : undefined;
}

/** Values of the same type that are not this one. */
function otherThan(value: Value | undefined): readonly Value[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'string') return [`${value}-other`];
  if (value instanceof CedarSet) return [new CedarSet([...value, 'another'])];
  if (value instanceof EntityUid) return [new EntityUid(value.type, `${value.id}-other`)];
  if (value === undefined || value instanceof CedarRecord) return [];
  const moved = attempt(() => shifted(value, 1));
  return moved === undefined || moved instanceof EvaluationError ? [] : [moved];
}

const addresses: Readonly<Record<string, readonly [yes: string, no: string]>> = { isIpv4: ['192.0.2.1', '2001:db8::1'], isIpv6: ['2001:db8::1', '192.0.2.1'], isLoopback: ['127.0.0.1', '192.0.2.1'], isMulticast: ['224.0.0.1', '192.0.2.1'] };

/** An address that passes a test, or does not: from the range that is asked for, or from those kept for documentation (RFC 5737, RFC 3849). */
function proposeAddress(operator: string, left: Json, right: Json | undefined, wanted: boolean, environment: Environment): readonly Alternative[] {
  const range = right === undefined ? undefined : valueOf(right, environment);
  const known = addresses[operator];
  const candidates = known ? [address(wanted ? known[0] : known[1])] : range !== undefined && operator === 'isInRange' ? (wanted ? [range] : [address('192.0.2.1'), address('2001:db8::1')]) : [];
  return candidates.flatMap((value) => setting(left, value, environment, true));
}

const address = (text: string): Value => applyExtension('ip', [text]);
