import { CedarError } from '../errors.js';
import { isJsonObject, type Json, readText } from '../values/json.js';
import { escapedInPattern } from '../values/quote.js';
import { find } from './find.js';

/**
 * A pattern of Cedar's `like`: literals with wildcards between them, the first and the last literal anchored.
 * Each literal is sought once from where the one before ended, in a time that grows with both lengths and not
 * with their product.
 */
export class Pattern {
  private constructor(private readonly literals: readonly string[]) {}

  /** A list of `"Wildcard"` and `{"Literal": text}`. Throws {@link CedarError}. */
  static fromJson(json: Json | undefined): Pattern {
    if (!Array.isArray(json)) throw new CedarError('expected a pattern as a list');
    const literals = [''];
    for (const element of json as readonly Json[]) {
      if (element === 'Wildcard') literals.push('');
      else if (isJsonObject(element) && 'Literal' in element) literals.push((literals.pop() ?? '') + readText(element['Literal']));
      else throw new CedarError('expected `Wildcard` or a literal in a pattern');
    }
    return new Pattern(literals.filter((literal, index) => literal !== '' || index === 0 || index === literals.length - 1));
  }

  matches(text: string): boolean {
    const [first = '', ...rest] = this.literals;
    const last = rest.pop();
    if (last === undefined) return text === first;
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const literal of rest) {
      const found = find(text, literal, at);
      if (found < 0) return false;
      at = found + literal.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  }

  /** As a policy writes it. */
  toString(): string {
    return `"${this.literals.map(escapedInPattern).join('*')}"`;
  }

  /** A text that matches: every wildcard stands for nothing. */
  get shortest(): string {
    return this.literals.join('');
  }
}
