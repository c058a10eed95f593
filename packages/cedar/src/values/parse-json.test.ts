import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CedarError } from '../errors.js';
import { parseJson } from './parse-json.js';

const attempted = (read: () => unknown): unknown => {
  try {
    return { value: read() };
  } catch (error) {
    return error instanceof CedarError || error instanceof SyntaxError ? 'refused' : error;
  }
};
const own = (text: string) => attempted(() => parseJson(text));
const standard = (text: string) => attempted(() => JSON.parse(text) as unknown);

/** A name twice is refused here on purpose, large integers are exact, and depth has a bound. */
const differs = (text: string): boolean => /[0-9]{16}/.test(text) || /"([^"]*)"\s*:.*"\1"\s*:/s.test(text);

test('law: what JSON.parse reads is read as the same value, however it is spaced', () => {
  fc.assert(fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t', '\n \r'), (json, space) => {
    const text = JSON.stringify(JSON.parse(json), undefined, space);
    if (!differs(text)) expect(own(text)).toEqual(standard(text));
  }));
});

test('law: fuzzed texts are read as the same value as by JSON.parse, or refused by both', () => {
  const fragments = ['{', '}', '[', ']', ':', ',', '"', '\\', '\\"', '\\u00', '\\ud83d', '\\n', '\\x', 'true', 'false', 'null', 'nul', '0', '-', '1', '00', '1.', '.5', '1e5', 'E+', '1e400', '-0', ' ', '\n', '\u00a0', '\ufeff', '\u2028', '\u0000', '\u001f', '\u007f', '😀', '\ud800', '"a"', '"a":', '"__proto__":', '//', 'NaN', "'"];
  const seen = { read: 0, refused: 0 };
  fc.assert(fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 8 }).map((parts) => parts.join('')), (text) => {
    if (differs(text)) return;
    const answer = own(text);
    expect(answer, JSON.stringify(text)).toEqual(standard(text));
    seen[answer === 'refused' ? 'refused' : 'read']++;
  }), { numRuns: 20_000 });
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(100);
});

test('law: a good text with one character changed is read as by JSON.parse, or refused by both', () => {
  fc.assert(fc.property(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom(...'{}[]:,"\\019-+.eE tn\u0000'), (json, position, character) => {
    const at = position % (json.length + 1);
    const text = json.slice(0, at) + character + json.slice(at + 1);
    if (!differs(text)) expect(own(text), text).toEqual(standard(text));
  }), { numRuns: 5_000 });
});

test('law: integers are exact, whatever their size', () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 200n), 2n ** 200n), (exact) => {
    const read = parseJson(`[${exact}]`);
    expect(read).toEqual([Number.isSafeInteger(Number(exact)) ? Number(exact) : exact]);
  }));
});

test.each([
  ['plain', '{"a":1,"a":1}'],
  ['with an escape', '{"a":1,"\\u0061":2}'],
  ['deep inside', '[{"x":{"a":1,"b":2,"a":3}}]'],
  ['of the prototype', '{"__proto__":1,"__proto__":2}'],
])('attack: a name that stands twice, %s, is refused', (_name, text) => {
  expect(() => parseJson(text)).toThrow(CedarError);
});

test('abuse 19: members named for what objects inherit are members like others', () => {
  const read = parseJson('{"__proto__":{"admin":true},"constructor":1,"toString":2,"":3}') as Readonly<Record<string, unknown>>;
  expect(Object.keys(read)).toEqual(['__proto__', 'constructor', 'toString', '']);
  expect(read['admin']).toBeUndefined();
  expect(({} as Readonly<Record<string, unknown>>)['admin']).toBeUndefined();
});

test.each([
  ['brackets', '['.repeat(1_000_000)],
  ['braces', '{"a":'.repeat(1_000_000)],
  ['a string without an end', `"${'a'.repeat(20_000_000)}`],
  ['backslashes', `"${'\\'.repeat(9_999_999)}"`],
  ['digits', '9'.repeat(5_000_000)],
  ['spaces', ' '.repeat(5_000_000)],
])('attack: megabytes of %s are refused as malformed, not by running out of stack', (_name, text) => {
  expect(() => parseJson(text)).toThrow(CedarError);
});

test('attack: a string of twenty megabytes is read', () => {
  expect(parseJson(`"${'a\\n'.repeat(7_000_000)}"`)).toHaveLength(14_000_000);
});
