import { isJsonObject, type Json } from './values/json.js';

const opaque = /"(?:[^"\\]|\\.)*"|\/\/[^\n\r]*|[0-9]+|[_a-zA-Z][_a-zA-Z0-9]*/gs;
const digitsOfUnsafe = 16;

/** Policy text whose integers all survive a parser that hands them on as JavaScript numbers. */
export interface SafeText {
  readonly text: string;
  /** The integers put back into what the parser made of the text. */
  restore(json: Json): Json;
}

/**
 * Cedar's parser for JavaScript rounds integers beyond 2^53. Each of them becomes another integer of as many
 * characters, which the text does not have, and is put back after parsing; positions stay what they are.
 * `undefined` when an integer does not fit into 64 bits: then the parser has to say so itself.
 */
export function safeText(text: string): SafeText {
  const replaced = new Map<string, bigint>();
  let next = Number.MAX_SAFE_INTEGER;
  const safe = text.replace(opaque, (token) => {
    if (!/^[0-9]/.test(token) || Number.isSafeInteger(Number(token)) || token.length < digitsOfUnsafe) return token;
    if (BigInt(token) > 2n ** 63n) return token;
    while (text.includes(String(next))) next--;
    replaced.set(String(next), BigInt(token));
    return String(next--).padStart(token.length, '0');
  });
  return { text: safe, restore: (json) => (replaced.size === 0 ? json : restored(json, replaced)) };
}

function restored(json: Json, replaced: ReadonlyMap<string, bigint>): Json {
  if (typeof json === 'number') {
    const original = replaced.get(String(Math.abs(json)));
    return original === undefined ? json : json < 0 ? -original : original;
  }
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => restored(item, replaced));
  if (!isJsonObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, restored(value, replaced)]));
}
