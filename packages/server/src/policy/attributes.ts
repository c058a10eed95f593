import type { Json, JsonObject } from '@flyball/protocol';
import type { AttributeType, EntityType, ValueKind } from './entity-types.js';
import { toDecimal } from './types.js';

export interface EncodedAttributes {
  /** In Cedar's JSON format. */
  readonly value: JsonObject;
  /** Names of what the type does not declare: no policy can look at it. */
  readonly undeclared: readonly string[];
  /** Names of what is declared and could not be carried over exactly: a policy that looks at one of them cannot be evaluated. */
  readonly unfit: readonly string[];
}

const nothing: EncodedAttributes = { value: {}, undeclared: [], unfit: [] };

/** Attributes as Cedar JSON of exactly the declared types. What a value is read as, only the type says. */
export function encodeAttributes(given: JsonObject | undefined, type: EntityType): EncodedAttributes {
  if (given === undefined) return nothing;
  const value: Record<string, Json> = {};
  const undeclared: string[] = [];
  const unfit: string[] = [];
  for (const name of Object.keys(given)) {
    const declared = Object.hasOwn(type.attributes, name) ? type.attributes[name] : undefined;
    const encoded = declared && encodeDeclared(given[name], declared);
    if (encoded !== undefined) value[name] = encoded;
    else (declared ? unfit : undeclared).push(name);
  }
  return { value, undeclared, unfit };
}

function encodeDeclared(value: Json | undefined, { of, isSet }: AttributeType): Json | undefined {
  const encode = (item: Json | undefined) => (of.kind === 'entity' ? encodeReference(item, of.type) : encodeAttribute(item, of.kind));
  if (!isSet) return encode(value);
  if (!Array.isArray(value)) return undefined;
  const items = (value as readonly Json[]).map(encode);
  // A set without one of its members would say less than was said, so none of it is shown.
  return items.every((item) => item !== undefined) ? items : undefined;
}

const encodeReference = (id: Json | undefined, type: string): Json | undefined => (typeof id === 'string' ? { __entity: { type, id } } : undefined);

/** One value as Cedar JSON; nothing for what is not exactly of its kind. */
export function encodeAttribute(value: Json | undefined, kind: ValueKind): Json | undefined {
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
    case 'decimal': {
      const arg = typeof value === 'number' ? toDecimal(value) : undefined;
      return arg === undefined ? undefined : { __extn: { fn: 'decimal', arg } };
    }
    case 'datetime': {
      const arg = typeof value === 'string' ? toMoment(value) : undefined;
      return arg === undefined ? undefined : { __extn: { fn: 'datetime', arg } };
    }
  }
}

/** RFC 3339, section 5.6; seconds may be left out, as in AuthZEN's examples, and there are milliseconds at most. */
const moment = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

function toMoment(text: string): string | undefined {
  const [, year, month, day] = moment.exec(text) ?? [];
  const ms = Date.parse(text);
  // A day that there is not would be read as one of the next month.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  return year === undefined || Number.isNaN(ms) || !isDay ? undefined : new Date(ms).toISOString();
}
