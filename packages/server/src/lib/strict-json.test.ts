import { expect, test } from 'vitest';
import { parseStrictJson } from './strict-json.js';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

test('JSON that every parser reads alike is read', () => {
  expect(parse('{"a":[1,-0.5,1e3,"\\u00e9",true,null],"b":{"a":1}}')).toEqual({ a: [1, -0.5, 1000, 'é', true, null], b: { a: 1 } });
});

test.each([
  ['a member twice', '{"a":1,"a":2}', 'each member once'],
  ['a member twice, once escaped', '{"a":1,"\\u0061":2}', 'each member once'],
  ['a member twice, deeper', '{"x":[{"k":1,"k":1}]}', 'each member once'],
  ['a prototype', '{"__proto__":{"admin":true}}', '__proto__'],
  ['an integer beyond 2^53', '{"n":9007199254740993}', 'a double carries exactly'],
  ['a number beyond all', '{"n":1e400}', 'a double carries exactly'],
  ['half a character', '{"s":"\\ud800"}', 'lone surrogates'],
  ['no JSON', '{"a":', 'a JSON text'],
])('attack: %s is refused', (_name, text, expected) => {
  expect(() => parse(text)).toThrow(expected);
});

test('attack: bytes that are no UTF-8 are refused', () => {
  expect(() => parseStrictJson(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toThrow('valid UTF-8');
});

test('abuse 88: 20,000 levels of nesting and 10 MB of body are refused before anything recurses', () => {
  expect(() => parse('['.repeat(20_000) + ']'.repeat(20_000))).toThrow('levels of nesting');
  expect(() => parse(`"${'x'.repeat(10_000_000)}"`)).toThrow('expected at most');
});

test('equal keys in different objects and brackets inside strings are no fault', () => {
  expect(parse('[{"a":"}{[\\"","b":1},{"a":2}]')).toEqual([{ a: '}{["', b: 1 }, { a: 2 }]);
});
