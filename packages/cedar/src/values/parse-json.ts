import { CedarError } from '../errors.js';
import { depthMax, type Json } from './json.js';
import { endOfString, shown } from './quote.js';

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** How many digits an integer may have: making a bigint takes more than linear time. */
const digitsMax = 1_000;

/**
 * JSON text (RFC 8259) with integers beyond 2^53 as bigints, which `JSON.parse` rounds. A name that stands
 * twice in one object is refused: readers disagree on which one counts. Throws {@link CedarError}.
 */
export function parseJson(text: string): Json {
  return new Reader(text).read();
}

class Reader {
  #at = 0;

  constructor(private readonly text: string) {}

  read(): Json {
    const value = this.#value(0);
    this.#take(space);
    if (this.#at < this.text.length) throw this.#wrong('the end');
    return value;
  }

  #value(depth: number): Json {
    // Values count from inside their entity, which is itself inside a list.
    if (depth > 2 * depthMax) throw this.#wrong('less depth');
    this.#take(space);
    const next = this.text.charAt(this.#at);
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return this.#string();
    for (const [word, value] of [['true', true], ['false', false], ['null', null]] as const) if (this.#skip(word)) return value;
    const digits = this.#take(number);
    if (digits === '') throw this.#wrong('a value');
    const small = Number(digits);
    if (Number.isSafeInteger(small) || !/^-?[0-9]+$/.test(digits)) return small;
    if (digits.length > digitsMax) throw this.#wrong(`an integer of at most ${digitsMax} digits before here,`);
    return BigInt(digits);
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>();
    this.#list('{', '}', () => {
      this.#take(space);
      const name = this.#string();
      if (members.has(name)) throw this.#wrong(`\`${shown(name)}\` once`);
      this.#take(space);
      if (!this.#skip(':')) throw this.#wrong('`:`');
      members.set(name, this.#value(depth + 1));
    });
    return Object.fromEntries(members);
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    this.#list('[', ']', () => items.push(this.#value(depth + 1)));
    return items;
  }

  #list(open: string, close: string, item: () => void): void {
    this.#skip(open);
    this.#take(space);
    if (this.#skip(close)) return;
    do {
      item();
      this.#take(space);
    } while (this.#skip(','));
    if (!this.#skip(close)) throw this.#wrong(`\`${close}\``);
  }

  #string(): string {
    if (this.text.charAt(this.#at) !== '"') throw this.#wrong('a string');
    const end = endOfString(this.text, this.#at);
    try {
      const value = JSON.parse(this.text.slice(this.#at, end)) as string;
      this.#at = end;
      return value;
    } catch {
      throw this.#wrong('a string');
    }
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #skip(word: string): boolean {
    if (!this.text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #wrong(expected: string): CedarError {
    return new CedarError(`expected ${expected} at character ${this.#at} of the JSON text`);
  }
}
