import { createHash } from 'node:crypto';
import { FlyballError } from './errors.js';

/** What can be brought into canonical form: JSON, with `undefined` members left out. */
export type Canonicalizable = unknown;

/**
 * The one canonical text of a JSON value, by RFC 8785 (JCS): members sorted by UTF-16 code units,
 * numbers as ECMAScript prints them, no white space. Throws `not_canonical` on what JSON cannot carry
 * (NaN, Infinity, lone surrogates, functions), so that no two different values share a text.
 */
export function canonicalText(value: Canonicalizable): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return stringText(value);
  if (Array.isArray(value)) return `[${Array.from(value, (item: unknown, index) => (index in value ? canonicalText(item ?? null) : canonicalText(undefined))).join(',')}]`;
  if (typeof value === 'object') return objectText(value as Record<string, unknown>);
  throw notCanonical(`a ${typeof value}`);
}

/** SHA-256 of the canonical text, in lower-case hex with its algorithm before it: `sha256:…`. */
export function digestOf(value: Canonicalizable): string {
  return `sha256:${createHash('sha256').update(canonicalText(value), 'utf8').digest('hex')}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw notCanonical(String(value));
  return JSON.stringify(value);
}

function stringText(value: string): string {
  if (!value.isWellFormed()) throw notCanonical('a string with a lone surrogate');
  return JSON.stringify(value);
}

function objectText(value: Record<string, unknown>): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // What is more than its members (a date, a map, bytes) has no members to write.
  if (prototype !== Object.prototype && prototype !== null) throw notCanonical('an object that is not plain');
  // The default sort compares UTF-16 code units, which is the order that RFC 8785, section 3.2.3 asks for.
  const keys = Object.keys(value).filter((key) => value[key] !== undefined).sort();
  return `{${keys.map((key) => `${stringText(key)}:${canonicalText(value[key])}`).join(',')}}`;
}

function notCanonical(what: string): FlyballError {
  return new FlyballError('not_canonical', `expected a JSON value, got ${what}`);
}
