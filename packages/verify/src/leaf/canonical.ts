/** Deepest nesting of a leaf that is read. */
const depthMax = 64;

/**
 * The value of a text that is the RFC 8785 canonical form of it; nothing for every other text. The form is decided
 * here anew: what the log wrote it with is not asked.
 */
export function readCanonical(text: string): { readonly value: unknown } | undefined {
  if (isTooDeep(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // What JavaScript prints is canonical except for the order of members and for lone surrogates, which it escapes.
  const isPlain = !text.includes('\\ud') && JSON.stringify(value) === text && isSorted(value);
  return isPlain || canonicalText(value) === text ? { value } : undefined;
}

/** More brackets than a deep leaf has, one inside the other, would overflow the stack of every recursive reader. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0, isText = false; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (isText && letter === backslash) at++;
    else if (letter === quote) {
      isText = !isText;
      // Most of a leaf is strings: the search for their end is the engine's.
      const end = isText ? text.indexOf('"', at + 1) : -1;
      const escape = end < 0 ? -1 : text.charCodeAt(end - 1);
      if (end > 0 && escape !== backslash) at = end - 1;
    } else if (!isText && (letter === 0x7b || letter === 0x5b) && ++depth > depthMax) return true;
    else if (!isText && (letter === 0x7d || letter === 0x5d)) depth--;
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;

/** Members sorted by UTF-16 code units, all the way down (RFC 8785, section 3.2.3). */
function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let before: string | undefined;
  for (const [key, member] of Object.entries(value)) {
    if (before !== undefined && before >= key) return false;
    if (typeof member === 'object' && member !== null && !isSorted(member)) return false;
    before = key;
  }
  return true;
}

/** The slow way, for values whose members JavaScript would print in another order; nothing for a lone surrogate. */
function canonicalText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? JSON.stringify(value) : undefined;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts: string[] = [];
  const isList = Array.isArray(value);
  const members = Object.entries(value).map(([key, member]) => [isList ? '' : key, member as unknown] as const);
  if (!isList) members.sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [key, member] of members) {
    const [name, text] = [canonicalText(key), canonicalText(member)];
    if (name === undefined || text === undefined) return undefined;
    parts.push(isList ? text : `${name}:${text}`);
  }
  return isList ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}
