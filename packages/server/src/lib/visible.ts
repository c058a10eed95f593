/** What a terminal or a page would not show, would show elsewhere, or would obey. */
const unseen = /[\p{DI}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]|(?! )\p{Zs}|\p{M}{4,}/gu;

/** JSON in which every character can be seen: control, invisible and direction characters as their code points, `\u{202E}`. */
export const visibleJson = (text: string): string => text.replace(unseen, (found) => Array.from(found, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`).join(''));

/** A text in which every character can be seen. A backslash is doubled, so that no text can look like what stands for an unseen one. */
export const visible = (text: string): string => visibleJson(text.replaceAll('\\', '\\\\'));
