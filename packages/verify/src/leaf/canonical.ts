import { shapeOf } from './canonical-shape.js';

/**
 * The value of a text that is the RFC 8785 canonical form of it; nothing for every other text. The form is decided
 * here anew: what the log wrote it with is not asked.
 */
export function readCanonical(text: string): { readonly value: unknown } | undefined {
  const shape = shapeOf(text);
  if (shape === 'other') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return shape === 'canonical' || canonicalText(value) === text ? { value } : undefined;
}

/** Written anew (RFC 8785, section 3.2); nothing for a lone surrogate. */
export function canonicalText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? JSON.stringify(value) : undefined;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts: string[] = [];
  const isList = Array.isArray(value);
  const members = Object.entries(value).map(([key, member]) => [isList ? '' : key, member as unknown] as const);
  // UTF-16 code units, which is how JavaScript compares (section 3.2.3).
  if (!isList) members.sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [key, member] of members) {
    const [name, text] = [canonicalText(key), canonicalText(member)];
    if (name === undefined || text === undefined) return undefined;
    parts.push(isList ? text : `${name}:${text}`);
  }
  return isList ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}
