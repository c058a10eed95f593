import { type JsonObject, toValue } from './json.js';
import { CedarRecord, type Value } from './value.js';

/**
 * An object as a record whose members are read when they are first asked for: of a large context, most policies look at
 * little. A member that is no value of Cedar throws {@link CedarError} then, and not before.
 */
export const lateRecord = (json: JsonObject): CedarRecord => new CedarRecord(new LateAttributes(json));

class LateAttributes implements ReadonlyMap<string, Value> {
  readonly #read = new Map<string, Value>();
  #whole = false;

  constructor(private readonly json: JsonObject) {}

  get size(): number {
    return Object.keys(this.json).length;
  }

  get(name: string): Value | undefined {
    const known = this.#read.get(name);
    if (known !== undefined || this.#whole || !Object.hasOwn(this.json, name)) return known;
    const value = toValue(this.json[name], 1);
    this.#read.set(name, value);
    return value;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.json, name);
  }

  forEach(visit: (value: Value, name: string, all: ReadonlyMap<string, Value>) => void): void {
    this.#all().forEach((value, name) => visit(value, name, this));
  }

  entries(): MapIterator<[string, Value]> {
    return this.#all().entries();
  }

  keys(): MapIterator<string> {
    return this.#all().keys();
  }

  values(): MapIterator<Value> {
    return this.#all().values();
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries();
  }

  #all(): ReadonlyMap<string, Value> {
    if (!this.#whole) for (const name of Object.keys(this.json)) this.get(name);
    this.#whole = true;
    return this.#read;
  }
}
