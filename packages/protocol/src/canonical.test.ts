import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalText, digestOf } from './canonical.js';

const bits = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE(0);

describe('RFC 8785', () => {
  test('story: the example of section 3.2.2 to 3.2.4', () => {
    const input = JSON.parse('{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}') as unknown;
    expect(canonicalText(input)).toBe('{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
  });

  test('story: members are sorted by UTF-16 code units, as in section 3.2.3', () => {
    const input = { '\u20ac': 'Euro Sign', '\r': 'Carriage Return', '\ufb33': 'Hebrew Letter Dalet With Dagesh', '1': 'One', '\ud83d\ude00': 'Emoji: Grinning Face', '\u0080': 'Control', '\u00f6': 'Latin Small Letter O With Diaeresis' };
    expect(Object.values(JSON.parse(canonicalText(input)) as object).length).toBe(7);
    expect([...canonicalText(input).matchAll(/:"([^"]+)"/g)].map((match) => match[1])).toEqual(['Carriage Return', 'One', 'Control', 'Latin Small Letter O With Diaeresis', 'Euro Sign', 'Emoji: Grinning Face', 'Hebrew Letter Dalet With Dagesh']);
  });

  test.each<[string, string]>([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('story: the double %s of appendix B is %s', (hex, expected) => {
    expect(canonicalText(bits(hex))).toBe(expected);
  });

  test.each<[string, unknown, string]>([
    ['nothing at all', {}, '{}'],
    ['an own `__proto__`', JSON.parse('{"__proto__":{"a":1},"a":2}'), '{"__proto__":{"a":1},"a":2}'],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    ['an empty name', { '': 1, ' ': 2 }, '{"":1," ":2}'],
    ['names that look like numbers', { 10: 'a', 9: 'b', '01': 'c' }, '{"01":"c","10":"a","9":"b"}'],
    ['controls and separators', '\u0000\b\t\n\u000b\f\r\u001f\u007f\u2028\u2029"\\/', '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u007f\u2028\u2029\\"\\\\/"'],
    ['composed and decomposed letters', ['\u00e9', 'e\u0301'], '["\u00e9","e\u0301"]'],
    ['members that are not there', { a: undefined, b: [undefined, 1] }, '{"b":[null,1]}'],
  ])('story: %s', (_name, value, expected) => {
    expect(canonicalText(value)).toBe(expected);
  });
});

describe('what JSON cannot carry', () => {
  test.each<[string, unknown]>([
    ['NaN', NaN],
    ['infinity', [Infinity]],
    ['minus infinity', { a: -Infinity }],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate as a name', { '\udc00': 1 }],
    ['nothing', undefined],
    ['a big integer', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a function as a member', { a: () => 1 }],
    ['a date', new Date(0)],
    ['a map', new Map([['a', 1]])],
    ['a set', { a: new Set([1]) }],
    ['bytes', new Uint8Array([1])],
    ['a regular expression', [/a/]],
    ['a boxed text', Object('a')],
    ['an error', new Error('a')],
    ['a list with a hole', Object.assign([], { 2: 'c' })],
  ])('abuse 82: %s has no canonical text', (_name, value) => {
    expect(() => canonicalText(value)).toThrow(expect.objectContaining({ code: 'not_canonical' }) as Error);
  });
});

describe('laws', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, shuffled(item)]));
  };
  const wellFormed = (value: unknown) => JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(value));

  test('law: the canonical text is JSON of the same value, and canonical again', () => {
    fc.assert(
      fc.property(json.filter(wellFormed), (value) => {
        const text = canonicalText(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalText(JSON.parse(text))).toBe(text);
      }),
    );
  });

  test('law: the order of members does not matter, the order of items does', () => {
    fc.assert(fc.property(json.filter(wellFormed), (value) => canonicalText(shuffled(value)) === canonicalText(value)));
    expect(canonicalText([1, 2])).not.toBe(canonicalText([2, 1]));
  });

  test('law: two values share a digest only if they are the same JSON', () => {
    fc.assert(
      fc.property(json.filter(wellFormed), json.filter(wellFormed), (left, right) => {
        const same = (() => {
          try {
            expect(JSON.parse(JSON.stringify(left))).toEqual(JSON.parse(JSON.stringify(right)));
            return true;
          } catch {
            return false;
          }
        })();
        expect(digestOf(left) === digestOf(right)).toBe(same);
      }),
    );
  });

  test.each<[string, unknown, unknown]>([
    ['a number and a text', { a: 1 }, { a: '1' }],
    ['null and a text', { a: null }, { a: 'null' }],
    ['null and nothing', { a: null }, {}],
    ['a list and its first item', { a: [1] }, { a: 1 }],
    ['separators in a text', { a: 'x', b: 'y' }, { a: 'x","b":"y' }],
    ['separators in a name', { 'a":1,"b': 2 }, { a: 1, b: 2 }],
    ['nested lists', [[1], [2]], [[1, 2]]],
    ['an empty list and an empty object', [], {}],
    ['true and a text', true, 'true'],
    ['an escaped and a real line break', 'a\\n', 'a\n'],
    ['large neighbours', 9007199254740991, 9007199254740992],
    ['half and a half', 0.1 + 0.2, 0.3],
  ])('abuse 14: %s have two digests', (_name, left, right) => {
    expect(digestOf(left)).not.toBe(digestOf(right));
  });

  test('abuse 14: zero and minus zero are one number to every reader of JSON, and one here', () => {
    expect(digestOf({ a: -0 })).toBe(digestOf({ a: 0 }));
  });
});
