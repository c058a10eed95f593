import { CedarError } from './errors.js';
import { isJsonObject, type Json } from './values/json.js';
import { endOfString } from './values/quote.js';

const word = /"|\/\/[^\n\r]*|([0-9]+)|[_a-zA-Z][_a-zA-Z0-9]*/g;
const digitsOfUnsafe = 16;
const digitsMax = 1_000;
/** How deep the parser's JSON may be: an expression is two objects. */
const depthMax = 2_000;

/** Policy text whose integers all survive a parser that hands them on as JavaScript numbers. */
export interface SafeText {
  readonly text: string;
  /** The integers put back into what the parser made of the text. Throws {@link CedarError} for what is too deep. */
  restore(json: Json): Json;
}

/**
 * Cedar's parser for JavaScript rounds integers beyond 2^53. Each of them becomes another integer of as many
 * characters, which the text does not have, and is put back after parsing; positions stay what they are.
 * One that does not fit into 64 bits stays, for the parser to refuse.
 */
export function safeText(text: string): SafeText {
  const unsafe = integersOf(text);
  if (unsafe.length === 0) return { text, restore: (json) => json };
  const taken = new Set<number>();
  for (const digits of text.match(/[0-9]+/g) ?? []) taken.add(Number(digits));
  const replaced = new Map<number, bigint>();
  let next = Number.MAX_SAFE_INTEGER;
  let safe = '';
  let done = 0;
  for (const { at, digits, value } of unsafe) {
    while (taken.has(next)) next--;
    replaced.set(next, value);
    safe += text.slice(done, at) + String(next--).padStart(digits.length, '0');
    done = at + digits.length;
  }
  return { text: safe + text.slice(done), restore: (json) => restored(json, replaced, 0) };
}

interface Integer {
  readonly at: number;
  readonly digits: string;
  readonly value: bigint;
}

/** Integers of 64 bits that no JavaScript number has, outside strings and comments. */
function integersOf(text: string): readonly Integer[] {
  const integers: Integer[] = [];
  const words = new RegExp(word);
  for (let found = words.exec(text); found; found = words.exec(text)) {
    const [whole, digits] = found;
    if (whole === '"') words.lastIndex = endOfString(text, found.index);
    else if (digits !== undefined && digits.length >= digitsOfUnsafe && digits.length <= digitsMax && !Number.isSafeInteger(Number(digits))) {
      const value = BigInt(digits);
      if (value <= 2n ** 63n) integers.push({ at: found.index, digits, value });
    }
  }
  return integers;
}

function restored(json: Json, replaced: ReadonlyMap<number, bigint>, depth: number): Json {
  if (depth > depthMax) throw new CedarError(`expected a policy at most ${depthMax} deep`);
  if (typeof json === 'number') {
    const original = replaced.get(Math.abs(json));
    return original === undefined ? json : json < 0 ? -original : original;
  }
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => restored(item, replaced, depth + 1));
  if (!isJsonObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, restored(value, replaced, depth + 1)]));
}
