const reserved = new Set(['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar']);
const reservedMost = 7;
const [colon, underscore, zero, nine] = [':', '_', '0', '9'].map((char) => char.charCodeAt(0)) as [number, number, number, number];
const [upperA, upperZ, lowerA, lowerZ] = ['A', 'Z', 'a', 'z'].map((char) => char.charCodeAt(0)) as [number, number, number, number];

const isDigit = (unit: number): boolean => unit >= zero && unit <= nine;
const isLetter = (unit: number): boolean => (unit >= lowerA && unit <= lowerZ) || (unit >= upperA && unit <= upperZ) || unit === underscore;

/** Where the identifier that begins here ends; here, if none does. */
function identifierEnd(text: string, start: number): number {
  let at = start;
  for (let unit = text.charCodeAt(at); isLetter(unit) || (at > start && isDigit(unit)); unit = text.charCodeAt(at)) at++;
  return at - start <= reservedMost && reserved.has(text.slice(start, at)) ? start : at;
}

/** A word that an attribute can have in Cedar text without quotes. */
export const isIdentifier = (text: string): boolean => text !== '' && identifierEnd(text, 0) === text.length;

/** The name of an entity type: identifiers joined by `::`. Asked for every entity of every request, so not by a pattern. */
export function isName(text: string): boolean {
  for (let start = 0; ; ) {
    const end = identifierEnd(text, start);
    if (end === start) return false;
    if (end === text.length) return true;
    if (text.charCodeAt(end) !== colon || text.charCodeAt(end + 1) !== colon) return false;
    start = end + 2;
  }
}
