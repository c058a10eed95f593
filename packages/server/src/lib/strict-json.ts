import { FlyballError, type Json } from '@flyball/protocol';
import { limits } from './limits.js';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;
const comma = 0x2c;

/**
 * Parses JSON that a stranger sent so that no second parser can read it otherwise (RFC 7493):
 * refuses duplicate members, `__proto__`, numbers that a double cannot carry exactly, lone surrogates,
 * invalid UTF-8 and nesting beyond 64 levels. Throws `request_malformed`.
 */
export function parseStrictJson(bytes: Uint8Array, bytesMax: number = limits.requestBytesMax): Json {
  if (bytes.byteLength > bytesMax) {
    throw new FlyballError('request_too_large', `expected at most ${bytesMax} bytes, got ${bytes.byteLength}`);
  }
  const text = decodeUtf8(bytes);
  let value: Json;
  try {
    checkDepth(text);
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw error instanceof FlyballError ? error : malformed('a JSON text', error);
  }
  scan(text);
  return value;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw malformed('valid UTF-8', error);
  }
}

/** Runs before `JSON.parse`: it accepts depths at which everything after it overflows the stack. */
function checkDepth(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) i = endOfString(text, i);
    else if (code === openBrace || code === openBracket) {
      if (++depth > limits.jsonDepthMax) throw malformed(`at most ${limits.jsonDepthMax} levels of nesting`);
    } else if (code === closeBrace || code === closeBracket) depth--;
  }
}

/** Index of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === backslash) i++;
    else if (code === quote) return i;
  }
  return text.length;
}

/** Walks a text that is known to be JSON and refuses what two parsers could read in two ways. */
function scan(text: string, numbersExact = true): void {
  const scopes: (Set<string> | undefined)[] = [];
  let keyNext = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      const end = endOfString(text, i);
      const value = checkString(text.slice(i, end + 1));
      if (keyNext) checkKey(scopes.at(-1), value);
      keyNext = false;
      i = end;
    } else if (code === openBrace) {
      scopes.push(new Set());
      keyNext = true;
    } else if (code === openBracket) scopes.push(undefined);
    else if (code === closeBrace || code === closeBracket) {
      scopes.pop();
      keyNext = false;
    } else if (code === comma) keyNext = scopes.at(-1) !== undefined;
    else if (numbersExact && code !== colon && (code === 0x2d || (code >= 0x30 && code <= 0x39))) i = checkNumber(text, i);
  }
}

/** True when an object of a JSON text has a member twice: which one counts is up to each parser. */
export function hasTwins(text: string): boolean {
  try {
    scan(text, false);
    return false;
  } catch {
    return true;
  }
}

function checkString(token: string): string {
  const value = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
  if (!value.isWellFormed()) throw malformed('strings without lone surrogates');
  return value;
}

function checkKey(scope: Set<string> | undefined, key: string): void {
  if (key === '__proto__') throw malformed('no member named `__proto__`');
  if (scope?.has(key)) throw malformed(`each member once, got \`${key.slice(0, 64)}\` twice`);
  scope?.add(key);
}

const digitsMax = 64;
/** Every integer of so many characters is exact. */
const exactMost = 15;
const numberPattern = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;

/** Integers must be exact as doubles, other numbers finite; returns the index of the last character. */
function checkNumber(text: string, start: number): number {
  numberPattern.lastIndex = start;
  const match = numberPattern.exec(text);
  const token = match?.[0] ?? '';
  const value = Number(token);
  const whole = !match?.[1] && !match?.[2];
  const exact = whole ? token.length <= exactMost || (token.length <= digitsMax && BigInt(token) === BigInt(value)) : Number.isFinite(value);
  if (!exact) throw malformed(`numbers that a double carries exactly, got \`${token.slice(0, 32)}\`; send it as a string`);
  return start + token.length - 1;
}

function malformed(expected: string, cause?: unknown): FlyballError {
  return new FlyballError('request_malformed', `expected ${expected}`, { cause });
}
