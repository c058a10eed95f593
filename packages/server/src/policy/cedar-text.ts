/** Where one policy stands in its file; offsets in UTF-16 code units. */
export interface PolicySource {
  readonly file: string;
  readonly text: string;
  readonly start: number;
  readonly line: number;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

const isSpace = (char: string) => /\s|\u0085/u.test(char);

/**
 * Splits a Cedar file into its policies, in the order of the file. In Cedar a `;` stands only at the end of
 * a policy, inside a string or in a comment (grammar: docs.cedarpolicy.com, "Policy grammar").
 */
export function splitPolicies(file: string, source: string): readonly PolicySource[] {
  const policies: PolicySource[] = [];
  let start = -1;
  let line = 1;
  let startLine = 1;
  const close = (end: number) => {
    policies.push({ file, text: source.slice(start, end), start, line: startLine });
    start = -1;
  };
  for (let i = 0; i < source.length; i++) {
    const next = skipOpaque(source, i);
    const opaque = next > i;
    if (start < 0 && !opaque && !isSpace(source.charAt(i))) [start, startLine] = [i, line];
    else if (start < 0 && source.charAt(i) === '"') [start, startLine] = [i, line];
    line += countLines(source, i, next + 1);
    i = next;
    if (start >= 0 && !opaque && source.charAt(i) === ';') close(i + 1);
  }
  if (start >= 0) close(source.length);
  return policies;
}

/** Last index of the comment or string that begins here; the same index where none does. */
function skipOpaque(source: string, i: number): number {
  if (source.startsWith('//', i)) {
    let end = i;
    while (end + 1 < source.length && source.charAt(end + 1) !== '\n' && source.charAt(end + 1) !== '\r') end++;
    return end;
  }
  if (source.charAt(i) !== '"') return i;
  for (let end = i + 1; end < source.length; end++) {
    if (source.charAt(end) === '\\') end++;
    else if (source.charAt(end) === '"') return end;
  }
  return source.length - 1;
}

function countLines(source: string, from: number, to: number): number {
  let lines = 0;
  for (let i = from; i < to; i++) if (source.charAt(i) === '\n') lines++;
  return lines;
}

/** Position in the file of a byte offset into a policy's text, which is how the parser counts. */
export function positionOf(policy: PolicySource, byteOffset: number): Position {
  const before = Buffer.from(policy.text, 'utf8').subarray(0, byteOffset).toString('utf8');
  const lines = before.split('\n');
  return { line: policy.line + lines.length - 1, column: (lines.at(-1) ?? '').length + 1 };
}

/** The policy's text as a permit, whatever it is: the same length, so that positions hold. */
export function asPermit(text: string): string {
  const at = effectOffset(text);
  return text.startsWith('forbid', at) ? `${text.slice(0, at)}permit${text.slice(at + 'forbid'.length)}` : text;
}

function effectOffset(text: string): number {
  let i = skipBlank(text, 0);
  while (text.charAt(i) === '@') {
    i = skipBlank(text, skipWhile(text, skipBlank(text, i + 1), /\w/));
    if (text.charAt(i) !== '(') continue;
    i = skipBlank(text, i + 1);
    if (text.charAt(i) === '"') i = skipBlank(text, skipOpaque(text, i) + 1);
    if (text.charAt(i) === ')') i = skipBlank(text, i + 1);
  }
  return i;
}

function skipBlank(text: string, from: number): number {
  let i = from;
  while (i < text.length && (isSpace(text.charAt(i)) || text.startsWith('//', i))) i = skipOpaque(text, i) + 1;
  return i;
}

function skipWhile(text: string, from: number, pattern: RegExp): number {
  let i = from;
  while (i < text.length && pattern.test(text.charAt(i))) i++;
  return i;
}

const nestingMax = 32;
const operatorsMax = 200;
const chainMax = 64;

/**
 * What is wrong with a policy that would exhaust the parser's stack; it must not even see one. Counts tokens
 * outside strings and comments: brackets inside each other, operators and clauses, and the longest chain of
 * attributes, indexes and calls.
 */
export function tooComplex(text: string): string | undefined {
  let depth = 0;
  let operators = 0;
  let chain = 0;
  let conditions = 0;
  for (const token of tokensOf(text)) {
    if ('([{'.includes(token)) {
      if (++depth > nestingMax) return `more than ${nestingMax} brackets inside each other`;
    } else if (')]}'.includes(token)) depth--;
    if (operatorTokens.has(token) && ++operators > operatorsMax) return `more than ${operatorsMax} operators and clauses`;
    if (token === 'if' && ++conditions > nestingMax) return `more than ${nestingMax} conditions`;
    if (token === '.' || token === '[') chain++;
    else if (token === ';' || token === ',' || operatorTokens.has(token)) chain = 0;
    if (chain > chainMax) return `more than ${chainMax} attributes in a row`;
  }
  return undefined;
}

const operatorTokens = new Set(['&&', '||', '==', '!=', '<=', '>=', '<', '>', '+', '-', '*', '!', 'in', 'has', 'like', 'is', 'if', 'when', 'unless']);

function* tokensOf(text: string): Iterable<string> {
  const token = /&&|\|\||[=!<>]=|[A-Za-z_]\w*|./gsu;
  for (let i = 0; i < text.length; ) {
    const opaque = skipOpaque(text, i);
    if (opaque > i) {
      i = opaque + 1;
      continue;
    }
    token.lastIndex = i;
    const match = token.exec(text)?.[0] ?? ' ';
    i += match.length;
    yield match;
  }
}
