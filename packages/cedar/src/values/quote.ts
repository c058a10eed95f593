/** A text as a string of Cedar's grammar. */
export const quoted = (text: string): string => `"${escaped(text)}"`;

/** A literal within a pattern of `like`, where `*` stands for anything. */
export const escapedInPattern = (text: string): string => escaped(text).replaceAll('*', '\\*');

const escaped = (text: string): string => text.replace(/["\\]/g, '\\$&').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`);
