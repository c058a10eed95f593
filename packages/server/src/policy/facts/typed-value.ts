import type { Json, JsonObject } from '@flyball/protocol';
import { z } from 'zod';
import { valueAt } from '../../lib/json-pointer.js';
import { encodeAttribute } from '../attributes.js';
import type { FactType } from '../documents.js';

const textMost = 4_096;
/** RFC 3339, a day that there is, and no more digits than a moment of a policy has. */
const moment = z.iso.datetime({ offset: true });
const millisecondsMost = /^[^.]*(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/;

export type FactValue = { readonly value: JsonObject } | { readonly missing: string };

/**
 * What a document says of a fact, in Cedar's JSON format and of exactly the declared types; or why that is not all
 * there. A fact without one of its attributes is missing as a whole: policies were checked against all of them.
 */
export function toFactValue(document: Json, attributes: Readonly<Record<string, FactType>>, select: Readonly<Record<string, string>>): FactValue {
  const value: [string, Json][] = [];
  for (const [name, type] of Object.entries(attributes)) {
    const pointer = (Object.hasOwn(select, name) ? select[name] : undefined) ?? `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const found = valueAt(document, pointer);
    const encoded = fits(found, type) ? encodeAttribute(found, type) : undefined;
    if (encoded === undefined) return { missing: found === undefined ? `there is nothing at \`${pointer}\`` : `expected \`${name}\` at \`${pointer}\` to be ${names[type]}, got ${kindOf(found)}` };
    value.push([name, encoded]);
  }
  return { value: Object.fromEntries(value) };
}

const names: Readonly<Record<FactType, string>> = {
  boolean: 'true or false',
  string: `a text of at most ${textMost} characters`,
  integer: 'an integer',
  decimal: 'a number that four decimals carry exactly',
  datetime: 'an RFC 3339 time of milliseconds at most',
};

function fits(value: Json | undefined, type: FactType): boolean {
  if (type === 'string') return typeof value === 'string' && value.length <= textMost && value.isWellFormed();
  return type !== 'datetime' || (typeof value === 'string' && millisecondsMost.test(value) && moment.safeParse(value).success);
}

/** Never the value itself: it may be anything. */
const kindOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `another ${typeof value === 'string' ? 'text' : typeof value}`);
