/** Deepest nesting of a leaf that is read: beyond it every recursive reader would be in danger. */
const depthMax = 64;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** Canonical if it is JSON at all; certainly not; or to be written anew to be known. */
export type Shape = 'canonical' | 'other' | 'unsure';

/**
 * Whether a text, if it is JSON, has no white space, each object's names in ascending order, numbers as ECMAScript
 * prints them and strings without escapes. It is one look at each letter: a verifier spends its time here.
 */
export function shapeOf(text: string): Shape {
  /** Per open bracket: the name before in an object, '' before its first; nothing for a list. */
  const before: (string | undefined)[] = [];
  let isName = false;
  let isPlain = true;
  // Almost no leaf has a backslash at all: then the next quote is the end of a string.
  const hasEscapes = text.includes('\\');
  for (let at = 0; at < text.length; ) {
    const letter = text.charCodeAt(at);
    if (letter === quote) {
      const end = hasEscapes ? endOfText(text, at) : text.indexOf('"', at + 1);
      if (end < 0) return 'other';
      isPlain &&= !hasEscapes || !text.slice(at, end).includes('\\');
      if (isName && isPlain && !isAfter(before, text.slice(at, end))) return 'other';
      isName = false;
      at = end + 1;
    } else if (letter === openObject || letter === openList) {
      if (before.push(letter === openObject ? '' : undefined) > depthMax) return 'other';
      isName = letter === openObject;
      at++;
    } else if (letter === closeObject || letter === closeList) {
      before.pop();
      isName = false;
      at++;
    } else if (letter === comma) {
      isName = before[before.length - 1] !== undefined;
      at++;
    } else if (isNumeral(letter)) {
      const end = endOfNumber(text, at);
      if (!isShortest(text.slice(at, end))) return 'other';
      at = end;
    } else if (letter <= 0x20) return 'other';
    else at++;
  }
  return isPlain ? 'canonical' : 'unsure';
}

/** The quote that ends a string; one behind a backslash does not. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter === quote) return at;
    if (letter === backslash) at++;
  }
  return -1;
}

/** Whether a name, its opening quote included, comes after the one before; it takes its place. */
function isAfter(before: (string | undefined)[], name: string): boolean {
  const last = before[before.length - 1];
  before[before.length - 1] = name;
  return last !== undefined && last < name;
}

const isNumeral = (letter: number): boolean => (letter >= 0x30 && letter <= 0x39) || letter === 0x2d;

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  for (let letter = text.charCodeAt(at); isNumeral(letter) || letter === 0x2e || letter === 0x2b || letter === 0x65 || letter === 0x45; letter = text.charCodeAt(at)) at++;
  return at;
}

/** As ECMAScript prints the number that it is (RFC 8785, section 3.2.2.3). */
const isShortest = (token: string): boolean => String(Number(token)) === token;
