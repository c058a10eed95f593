import { CedarError } from '../errors.js';

export interface Token {
  readonly text: string;
  readonly kind: 'name' | 'string' | 'integer' | 'mark' | 'end';
  readonly start: number;
}

const pattern = /(?<space>\s+|\/\/[^\n\r]*)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<string>"(?:[^"\\]|\\.)*")|(?<integer>[0-9]+)|(?<mark>::|&&|==|!=|<=|>=|[-{}()[\],.:<>!*?$|])/sy;

/** The words of a temporal clause. Throws {@link CedarError} with the place of what is none. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) throw wrongAt(at, `expected a word of a temporal clause, got \`${text.charAt(at)}\``);
    const { groups = {} } = match;
    const kind = (['name', 'string', 'integer', 'mark'] as const).find((name) => groups[name] !== undefined);
    if (kind) tokens.push({ kind, text: match[0], start: at });
    at += match[0].length;
  }
  return [...tokens, { kind: 'end', text: 'the end', start: text.length }];
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
  return text.slice(1, -1).replace(/\\(?:u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|(.))/gs, (escape, unicode?: string, hex?: string, plain?: string) => {
    const code = unicode ?? hex;
    const known = plain === undefined ? undefined : escapes[plain];
    if (known !== undefined) return known;
    if (code === undefined || Number.parseInt(code, 16) > 0x10ffff) throw wrongAt(start, `expected an escape of Cedar, got \`${escape}\``);
    return String.fromCodePoint(Number.parseInt(code, 16));
  });
}
