import { hash } from 'node:crypto';
import { FlyballError } from './errors.js';

/** What can be brought into canonical form: JSON, with `undefined` members left out. */
export type Canonicalizable = unknown;

/**
 * The one canonical text of a JSON value, by RFC 8785 (JCS): members sorted by UTF-16 code units,
 * numbers as ECMAScript prints them, no white space. Throws `not_canonical` on what JSON cannot carry
 * (NaN, Infinity, lone surrogates, functions), so that no two different values share a text.
 */
export function canonicalText(value: Canonicalizable): string {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'number':
      return numberText(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? arrayText(value) : objectText(value as Record<string, unknown>);
    default:
      throw notCanonical(`a ${typeof value}`);
  }
}

/** SHA-256 of the canonical text, in lower-case hex with its algorithm before it: `sha256:…`. */
export function digestOf(value: Canonicalizable): string {
  return `sha256:${hash('sha256', canonicalText(value), 'hex')}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw notCanonical(String(value));
  // ECMAScript's own text of a number, in which the negative zero is 0.
  return String(value);
}

/** Characters that stand in JSON as they are: most texts have no others. */
const plain = /^[ !#-[\]-~]*$/;

function stringText(value: string): string {
  if (plain.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw notCanonical('a string with a lone surrogate');
  return JSON.stringify(value);
}

function arrayText(values: readonly unknown[]): string {
  let text = '';
  for (let index = 0; index < values.length; index++) {
    if (!(index in values)) throw notCanonical('a list with a hole');
    text += `${index === 0 ? '' : ','}${canonicalText(values[index] ?? null)}`;
  }
  return `[${text}]`;
}

function objectText(value: Record<string, unknown>): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // What is more than its members (a date, a map, bytes) has no members to write.
  if (prototype !== Object.prototype && prototype !== null) throw notCanonical('an object that is not plain');
  let text = '';
  for (const key of sorted(Object.keys(value))) {
    const member = value[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${stringText(key)}:${canonicalText(member)}`;
  }
  return `{${text}}`;
}

const fewNames = 24;

/** Sorts in place by UTF-16 code units, which is the order that RFC 8785, section 3.2.3 asks for. A few names are sorted faster here than by `sort`. */
function sorted(names: string[]): string[] {
  if (names.length > fewNames) return names.sort();
  for (let next = 1; next < names.length; next++) {
    const name = names[next] as string;
    let at = next;
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string;
    names[at] = name;
  }
  return names;
}

function notCanonical(what: string): FlyballError {
  return new FlyballError('not_canonical', `expected a JSON value, got ${what}`);
}
