/** A text as a string of Cedar's grammar. */
export const quoted = (text: string): string => `"${escaped(text)}"`;

/** A literal within a pattern of `like`, where `*` stands for anything. */
export const escapedInPattern = (text: string): string => escaped(text).replaceAll('*', '\\*');

/**
 * The index behind the string that begins at a quote; the text's length where it does not end. Not a regular
 * expression: those run out of stack on strings of some megabytes.
 */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) return at + 1;
    if (unit === backslash) at++;
  }
  return text.length;
}

const quote = 0x22;
const backslash = 0x5c;

const shownMax = 100;

/** What a message shows of a text, which may be as long as its sender likes. */
export const shown = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);

const escaped = (text: string): string => text.replace(/["\\]/g, '\\$&').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`);
