import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binary, bothEngines, ofContext, policyWhen, uid } from '../../../../test/support/cedar-kit.js';
import { CedarError } from '../errors.js';
import { depthMax, fromValue, type Json, type JsonObject, toRecord, toValue } from './json.js';
import { CedarRecord, CedarSet, equals, identityOf, type Value } from './value.js';

const names = ['', 'a', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'Value', 'Var', '.', 'é😀', '\u0000', '"', '\u202e', ' '];
const extensions: readonly JsonObject[] = [['decimal', '1.0'], ['decimal', '1.00'], ['ip', '::1'], ['ip', '0:0:0:0:0:0:0:1'], ['datetime', '1970-01-01'], ['datetime', '1970-01-01T00:00:00Z'], ['duration', '0ms'], ['duration', '1h'], ['duration', '60m']].map(([fn = '', arg = '']) => ({ __extn: { fn, arg } }));
const entities: readonly JsonObject[] = [['User', 'ann'], ['User', ''], ['A', '"'], ['A', '::"'], ['A', '__proto__']].map(([type = '', id = '']) => ({ __entity: uid(type, id) }));
const leaf = fc.oneof(fc.boolean(), fc.constantFrom<Json>(0, 1, -1, '0', '1', 'true', 'entity "User::\\"ann"', '[]', '{}', 'decimal 10000', ...extensions, ...entities), fc.constantFrom(...names));
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('json'), { maxLength: 4 }), fc.uniqueArray(fc.tuple(fc.constantFrom(...names), tie('json')), { maxLength: 3, selector: ([name]) => name }).map((members): Json => Object.fromEntries(members))),
}));

test('law: two values are equal, or one is in a set of the other, as the reference engine has it', () => {
  const [a, b] = [ofContext('a'), ofContext('b')];
  const ask = bothEngines({
    equal: policyWhen(binary('==', a, b)),
    in: policyWhen(binary('contains', { Set: [a] }, b)),
    member: policyWhen(binary('contains', a, b)),
    all: policyWhen(binary('containsAll', a, b)),
    any: policyWhen(binary('containsAny', a, b)),
    same: policyWhen(binary('==', { Set: [a, b, a] }, { Set: [b, a] })),
    empty: policyWhen({ isEmpty: { arg: a } }),
  });
  fc.assert(fc.property(fc.oneof(fc.tuple(json, json), json.map((one) => [one, one] as const), fc.tuple(json, json).map(([one, other]) => [[one, other, one], [other, one]] as const)), ([left, right]) => {
    const { own, reference } = ask({ a: left, b: right });
    expect(own).toEqual(reference);
  }), { numRuns: 3_000 });
});

test('law: two values share an identity if and only if they are equal', () => {
  fc.assert(fc.property(json, json, (left, right) => {
    const [one, other] = [toValue(left), toValue(right)];
    expect(identityOf(one) === identityOf(other)).toBe(equals(one, other));
    expect(equals(one, toValue(left))).toBe(true);
  }), { numRuns: 3_000 });
});

test('law: a value that is written as JSON is read back as the same value', () => {
  fc.assert(fc.property(json, (one) => {
    expect(equals(toValue(fromValue(toValue(one))), toValue(one))).toBe(true);
  }));
});

test('law: neither the order nor the number of members makes another set', () => {
  fc.assert(fc.property(fc.array(json, { maxLength: 6 }).chain((items) => fc.tuple(fc.constant(items), fc.shuffledSubarray([...items, ...items], { minLength: items.length * 2 }))), ([items, shuffled]) => {
    const [set, other] = [toValue(items), toValue(shuffled)];
    expect(equals(set, other)).toBe(true);
    if (set instanceof CedarSet && other instanceof CedarSet) expect([set.size, set.includes(other), other.includes(set), items.every((item) => set.has(toValue(item)))]).toEqual([other.size, true, true, true]);
  }));
});

test('abuse 19: attributes named for what objects inherit are there only when somebody gave them', () => {
  const record = toRecord(JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as JsonObject);
  expect([...record.attributes.keys()]).toEqual(['__proto__', 'constructor']);
  const ask = bothEngines(Object.fromEntries(names.map((name) => [`has ${JSON.stringify(name)}`, policyWhen({ has: { left: ofContext(), attr: name } })])));
  for (const context of [{}, JSON.parse('{"__proto__":{"toString":1}}') as JsonObject, Object.fromEntries(names.map((name) => [name, 1]))]) {
    const { own, reference } = ask(context);
    expect(own).toEqual(reference);
  }
});

test.each<[string, unknown]>([
  ['null', null],
  ['nothing', undefined],
  ['a fraction', 1.5],
  ['half a surrogate pair', '\ud800'],
  ['half a surrogate pair as a name', { '\ud800': 1 }],
  ['an expression', { __expr: 'principal' }],
  ['an entity without an id', { __entity: { type: 'User' } }],
  ['an entity whose type is no name', { __entity: { type: 'User || true', id: 'x' } }],
  ['an entity of a reserved type', { __entity: { type: 'A::in', id: 'x' } }],
  ['a function that does not exist', { __extn: { fn: 'constructor', arg: '1' } }],
  ['a function without a text', { __extn: { fn: 'decimal' } }],
  ['a function of another kind', { __extn: { fn: 'offset', args: [1, 2] } }],
  ['a decimal that is none', { __extn: { fn: 'decimal', arg: '1' } }],
  ['null in a set in a record', { a: [null] }],
  ['a function', () => 1],
])('attack: %s is no value', (_name, wrong) => {
  expect(() => toValue(wrong as Json)).toThrow(CedarError);
});

test('abuse 18: values too deep are refused, up to there they are read, compared and written', () => {
  const deep = (levels: number, wrap: (inner: Json) => Json) => Array.from({ length: levels }).reduce<Json>(wrap, 1);
  for (const wrap of [(inner: Json): Json => [inner], (inner: Json): Json => ({ a: inner }), (inner: Json): Json => [{ '': inner }]]) {
    const most = toValue(deep(depthMax / 2, wrap));
    expect(equals(most, toValue(fromValue(most)))).toBe(true);
    expect(() => toValue(deep(depthMax + 1, wrap))).toThrow(CedarError);
    expect(() => toValue(deep(5_000, wrap))).toThrow(CedarError);
  }
});

test('attack: a set of a million members, and one of records, are built and searched', () => {
  const numbers = toValue(Array.from({ length: 1 << 20 }, (_, index) => index));
  const records = toValue(Array.from({ length: 1 << 16 }, (_, index) => ({ index, '': [index] })));
  expect(numbers instanceof CedarSet && numbers.has(1 << 19)).toBe(true);
  expect(records instanceof CedarSet && records.has(new CedarRecord(new Map<string, Value>([['', new CedarSet([7])], ['index', 7]])))).toBe(true);
});
