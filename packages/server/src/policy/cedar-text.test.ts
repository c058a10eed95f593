import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cedar } from './cedar-wasm.js';
import { asPermit, positionOf, splitPolicies, tooComplex } from './cedar-text.js';

const head = '(principal, action, resource)';
const texts = (source: string) => splitPolicies('f', source).map(({ text }) => text);

describe('splitting', () => {
  test.each<[string, string, readonly string[]]>([
    ['nothing', '', []],
    ['blanks and comments only', ' \n// permit (principal, action, resource);\n', []],
    ['a semicolon in a text', '@id("a;b") permit (p); forbid (q);', ['@id("a;b") permit (p);', 'forbid (q);']],
    ['a semicolon after an escaped quote', '@id("a\\";b") permit (p);', ['@id("a\\";b") permit (p);']],
    ['a semicolon after an escaped backslash', '@id("a\\\\") permit (p); x', ['@id("a\\\\") permit (p);', 'x']],
    ['a semicolon in a comment', 'permit (p) // ; forbid (q);\n;', ['permit (p) // ; forbid (q);\n;']],
    ['a comment that ends with CR alone', '// ;\rpermit (p);', ['permit (p);']],
    ['a comment sign in a text', '@id("http://x;") permit (p);', ['@id("http://x;") permit (p);']],
    ['an empty statement', 'permit (p);;', ['permit (p);', ';']],
    ['what never ends', 'permit (p); forbid (q', ['permit (p);', 'forbid (q']],
    ['a text that never ends', 'permit (p); @id("x; forbid (q);', ['permit (p);', '@id("x; forbid (q);']],
    ['a comment at the very end', 'permit (p);//', ['permit (p);']],
  ])('attack: %s', (_name, source, expected) => {
    expect(texts(source)).toEqual(expected);
  });

  test('law: no policy of a file is lost, doubled or moved: the parser finds the same ones', () => {
    const piece = fc.constantFrom('"', ';', '//', '\n', '\r', '\\', ' ', '@id("', '")', `permit ${head}`, `forbid ${head}`, ' when { "a;" == "\\"" };', ';', '\u2028', '\u00a0', '\u0085', 'é', '🦊');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const source = pieces.join('');
        const parsed = cedar().policySetTextToParts(source);
        if (parsed.type === 'success' && parsed.policy_templates.length === 0) expect([...texts(source)].sort()).toEqual([...parsed.policies].sort());
        if (parsed.type !== 'success') expect(texts(source).every((text) => cedar().policyToJson(text).type === 'success')).toBe(false);
      }),
      { numRuns: 1_500 },
    );
  });

  test('law: every policy knows its line, also behind texts and comments of many lines', () => {
    const source = '// one\r\n\n@id("a\nb")\npermit (p); // x\n\n  forbid (q)\n;@id("é")\npermit (🦊);';
    expect(splitPolicies('f', source).map(({ line, start, text }) => [line, source.slice(start, start + text.length) === text])).toEqual([[3, true], [7, true], [8, true]]);
    const last = splitPolicies('f', source).at(-1);
    expect(last && positionOf(last, Buffer.byteLength('@id("é")\npermit ('))).toEqual({ line: 9, column: 9 });
  });
});

describe('turning a forbid into a permit', () => {
  test.each([
    `forbid ${head};`,
    `@id("forbid") forbid ${head};`,
    `@id("permit (principal, action, resource); forbid") @mode forbid ${head};`,
    `@permit("x")@forbid("y")forbid ${head};`,
    `// forbid\n@id // "\n ( // )\n "a" // (\n ) // forbid\nforbid ${head};`,
    `@a@b@c("\\")forbid")forbid ${head};`,
    `@ id ( "x" ) @\u0085b\u00a0forbid${head};`,
    `@forbid forbid ${head};`,
    `@forbid\nforbid\n${head};`,
    `@a("\u{1f98a}\\u{1f98a}") // "\r forbid ${head} when { "forbid" == "permit" };`,
  ])('attack: %j is turned, and nothing else in it is', (text) => {
    const [before, after] = [cedar().policyToJson(text), cedar().policyToJson(asPermit(text))];
    if (before.type !== 'success' || after.type !== 'success') throw new Error('expected Cedar');
    expect(asPermit(text)).toHaveLength(text.length);
    expect(after.json).toEqual({ ...before.json, effect: 'permit' });
  });

  test('law: whatever parses as a forbid parses as the same policy as a permit', () => {
    const blank = fc.constantFrom(' ', '\n', '// forbid "\n', '// )\r', '\t', '\u00a0', '\u0085', '');
    const name = fc.constantFrom('id', 'forbid', 'permit', 'when', 'a_1');
    const value = fc.constantFrom('', '("forbid")', '( "a\\"b" )', '("//")', '("@x(")', '("\\\\")', '(// "\n"x")', '("\n;")');
    const annotation = fc.tuple(blank, blank, name, blank, value).map((parts) => `${parts[0]}@${parts.slice(1).join('')}`);
    fc.assert(
      fc.property(fc.array(annotation, { maxLength: 4 }), blank, fc.constantFrom('forbid', 'permit'), blank, (annotations, before, effect, after) => {
        const text = `${annotations.join('')} ${before}${effect}${after} ${head};`;
        const parsed = cedar().policyToJson(text);
        if (parsed.type !== 'success') return;
        const turned = cedar().policyToJson(asPermit(text));
        expect(turned.type === 'success' && turned.json).toEqual({ ...parsed.json, effect: 'permit' });
      }),
      { numRuns: 1_500 },
    );
  });
});

test.each<[string, string]>([
  ['brackets', '('.repeat(33)],
  ['brackets of all kinds', '([{'.repeat(11)],
  ['attributes', `context${'.a'.repeat(65)}`],
  ['attributes between blanks and comments', `context${' . //.\n a'.repeat(65)}`],
  ['attributes by index', `context${'["a"]'.repeat(65)}`],
  ['calls of methods', `context${'.contains("a")'.repeat(65)}`],
  ['sums', Array(202).fill('1').join('+')],
  ['products', Array(202).fill('1').join('*')],
  ['differences', Array(202).fill('1').join('-')],
  ['alternatives', Array(202).fill('a').join('||')],
  ['conditions inside conditions', 'if a then b else '.repeat(130)],
  ['clauses', ' when { true }'.repeat(202)],
  ['mixed clauses', ' when { true } unless { false }'.repeat(101)],
])('abuse 18: too many %s never reach the parser', (_name, text) => {
  expect(tooComplex(`forbid ${head} when { ${text} };`)).toMatch(/^more than/);
});

test('story: texts and comments make nothing complex, and an ordinary policy is not', () => {
  expect(tooComplex(`forbid ${head} when { context.session.purpose == "${'(['.repeat(1_000)}" };// ${'('.repeat(1_000)}`)).toBeUndefined();
  const ordinary = Array.from({ length: 40 }, (_, i) => `(context.args has verified${i} && context.args.verified${i}.notified.greaterThan(decimal("${i}.0")))`).join(' || ');
  expect(tooComplex(`forbid ${head} when { ${ordinary} };`)).toBeUndefined();
});
