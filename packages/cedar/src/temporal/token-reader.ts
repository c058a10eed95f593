import { shown, type Token, wrongAt } from './tokens.js';

/** Words one after the other, with those that come. */
export class TokenReader {
  #at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  protected advance(words: number): void {
    this.#at += words;
  }

  /** The word behind the parentheses that open here. */
  protected behindParentheses(): Token {
    let depth = 0;
    let ahead = 0;
    do {
      if (this.is('(', ahead)) depth++;
      if (this.is(')', ahead)) depth--;
      ahead++;
    } while (depth > 0 && this.peek(ahead).kind !== 'end');
    return this.peek(ahead);
  }

  protected get next(): Token {
    return this.peek(0);
  }

  protected peek(ahead: number): Token {
    return this.tokens[Math.min(this.#at + ahead, this.tokens.length - 1)] as Token;
  }

  protected is(text: string, ahead = 0): boolean {
    const { kind, text: own } = this.peek(ahead);
    return own === text && (kind === 'mark' || kind === 'name');
  }

  protected skip(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at++;
    return true;
  }

  protected take(text: string): void {
    if (!this.skip(text)) throw this.expected(`\`${text}\``);
  }

  protected takeKind(kind: Token['kind'], what: string): Token {
    const token = this.next;
    if (token.kind !== kind) throw this.expected(what);
    this.#at++;
    return token;
  }

  protected expected(what: string): Error {
    const { kind, text, start } = this.next;
    if (text === '|') return wrongAt(start, 'there is no `||` between temporal conditions: write `when { temporal { … } || temporal { … } }`');
    return wrongAt(start, `expected ${what}, got ${kind === 'end' ? text : shown(text)}`);
  }
}
