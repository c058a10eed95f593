import { CedarError } from '../errors.js';

export interface Token {
  readonly text: string;
  readonly kind: 'name' | 'string' | 'integer' | 'mark' | 'end';
  readonly start: number;
}

const pattern = /(?<space>\s+|\/\/[^\n\r]*)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<string>"(?:[^"\\]|\\.)*")|(?<integer>[0-9]+)|(?<mark>::|&&|==|!=|<=|>=|[-{}()[\],.:<>!*?$|=])/sy;

/** How many words a clause may have: no reading of one takes long, or much of the stack. */
const wordsMax = 10_000;

/** The words of a temporal clause. Throws {@link TemporalError} with the place of what is none. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match && text.charAt(at) === '"') throw wrongAt(at, 'expected a text that ends with `"`');
    if (!match) throw wrongAt(at, `expected a word of a temporal clause, got ${shown(String.fromCodePoint(text.codePointAt(at) ?? 0))}`);
    if (tokens.length >= wordsMax) throw wrongAt(at, `expected a clause of at most ${wordsMax} words`);
    const { groups = {} } = match;
    const kind = (['name', 'string', 'integer', 'mark'] as const).find((name) => groups[name] !== undefined);
    if (kind) tokens.push({ kind, text: match[0], start: at });
    at += match[0].length;
  }
  return [...tokens, { kind: 'end', text: 'the end', start: text.length }];
}

/** A piece of a clause as messages show it: short, and what looks like another character or like none by its number. */
export function shown(piece: string): string {
  const short = piece.length > 60 ? `${piece.slice(0, 60).toWellFormed()}…` : piece;
  if (short.length > 2 || /^[!-~]+$/.test(short)) return `\`${short}\``;
  const number = `U+${(short.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(short) ? `\`${short}\` (${number})` : number;
}

/** A fault of a temporal clause; `start` is where in its text. */
export class TemporalError extends CedarError {
  constructor(
    message: string,
    readonly start: number,
  ) {
    super(message);
  }
}

export const wrongAt = (start: number, message: string): TemporalError => new TemporalError(message, start);

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\', '"': '"', "'": "'" };

/** The text that a quoted string of Cedar's grammar stands for. */
export function unquoted({ text, start }: Token): string {
  return text.slice(1, -1).replace(/\\(?:u\{([0-9a-fA-F]{1,6})\}|x([0-7][0-9a-fA-F])|(.))/gs, (escape, unicode?: string, hex?: string, plain?: string) => {
    const code = unicode ?? hex;
    const known = plain === undefined ? undefined : escapes[plain];
    if (known !== undefined) return known;
    if (code === undefined || Number.parseInt(code, 16) > 0x10ffff || /^0*d[89a-f]..$/i.test(code)) throw wrongAt(start, `expected an escape of Cedar, got \`${escape}\``);
    return String.fromCodePoint(Number.parseInt(code, 16));
  });
}
