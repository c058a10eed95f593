import { timingSafeEqual, createHash } from 'node:crypto';

const hidden = '[secret]';

/** A value that refuses to be printed, put into JSON or logged; `reveal` is the only way to it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Compares in constant time, whatever the lengths. */
  equals(other: string): boolean {
    return timingSafeEqual(sha256(this.#value), sha256(other));
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return hidden;
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();
