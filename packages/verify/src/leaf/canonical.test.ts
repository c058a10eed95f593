import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalText, readCanonical } from './canonical.js';

test('law: a text is read exactly when writing its value anew gives the same text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = canonicalText(value) ?? '';
      // -0 is printed as 0; its value is another one, its text is not.
      expect(readCanonical(text)).toEqual({ value: JSON.parse(text) as unknown });
      const usual = JSON.stringify(value);
      expect(readCanonical(usual) !== undefined).toBe(usual === canonicalText(JSON.parse(usual)));
    }),
    { numRuns: 2_000 },
  );
});

test('law: one letter more, less or other never leads to another text that is read as the same value', () => {
  const letters = [...'{}[]":,0123456789.eE+-\\u /nft\u2028é'];
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.constantFrom(...letters), fc.constantFrom(0, 1), (value, seed, letter, cut) => {
      const text = canonicalText(value) ?? '';
      const at = seed % (text.length + 1);
      const other = text.slice(0, at) + letter + text.slice(at + cut);
      const read = readCanonical(other);
      if (read) expect(canonicalText(read.value)).toBe(other);
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  ['white space', '{"a": 1}'],
  ['a line at the end', '{"a":1}\n'],
  ['names in another order', '{"b":1,"a":2}'],
  ['a name twice', '{"a":1,"a":2}'],
  ['names that numbers would be ordered by', '{"9":1,"10":2}'],
  ['a number with a fraction of zero', '{"a":1.0}'],
  ['a negative zero', '{"a":-0}'],
  ['a number in another form', '{"a":1e3}'],
  ['a number that JavaScript rounds', '{"a":9007199254740993}'],
  ['a number without end', '{"a":1e999}'],
  ['an escape that is not needed', '{"a":"\\u0041"}'],
  ['an escaped slash', '{"a":"\\/"}'],
  ['an escape in capitals', '{"a":"\\u001F"}'],
  ['a lone surrogate', '{"a":"\\ud800"}'],
  ['a byte order mark', '\ufeff{"a":1}'],
  ['65 brackets', `${'['.repeat(65)}${']'.repeat(65)}`],
  ['a million brackets', '['.repeat(1_000_000)],
  ['a million brackets behind an escape', `["\\n",${'['.repeat(1_000_000)}`],
  ['names in another order behind an escape', '{"a":"\\n","c":1,"b":2}'],
  ['nothing', ''],
  ['half of it', '{"a":"b'],
])('attack: %s is not canonical', (_, text) => {
  expect(readCanonical(text)).toBeUndefined();
});

test.each([['{"10":1,"9":2}'], ['{"a":"\\u001f\\n\\"\\\\"}'], ['{"__proto__":1}'], ['{"a":1e+21,"b":1e-7,"c":0.1,"d":-5}'], ['"\\\\ud800"'], ['{"é":1,"€":2,"😀":3,"\ufb33":4}'], [`${'['.repeat(64)}${']'.repeat(64)}`]])('%s is canonical', (text) => {
  expect(readCanonical(text)).toEqual({ value: JSON.parse(text) as unknown });
});
