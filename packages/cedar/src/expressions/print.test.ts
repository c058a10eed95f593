import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binary, cedar, environmentOf, uid, value, variable } from '../../../../test/support/cedar-kit.js';
import { makeWorld, seeded } from '../../../../test/support/cedar-world.js';
import { Entities } from '../entities.js';
import { CedarError, EvaluationError } from '../errors.js';
import { safeText } from '../large-integers.js';
import { fromValue, type Json, type JsonObject } from '../values/json.js';
import { compile } from './compile.js';
import type { Environment } from './compiled.js';
import { attempt } from './parts.js';
import { printExpression } from './print.js';

/** The condition as the reference engine reads it. */
function readBack(text: string): Json {
  const safe = safeText(`permit(principal, action, resource) when { ${text} };`);
  const parsed = cedar.policyToJson(safe.text);
  if (parsed.type !== 'success') throw new Error(`${parsed.errors.map(({ message }) => message).join('; ')}: ${text}`);
  const { conditions } = safe.restore(parsed.json as unknown as Json) as unknown as { readonly conditions: readonly { readonly body: Json }[] };
  if (conditions.length !== 1) throw new Error(`expected one condition: ${text}`);
  return conditions[0]?.body ?? null;
}

/** Which of several errors comes first depends on the order of a record's members, which the reference engine sorts. */
function resultOf(json: Json, environment: Environment): unknown {
  const result = attempt(() => compile(json).run(environment));
  return result instanceof EvaluationError ? 'no value' : fromValue(result);
}

const odd = ['a', 'b c', '', '__proto__', 'constructor', 'if', 'in', 'is', 'has', 'like', 'true', 'then', '__cedar', 'principal', 'context', 'permit', 'when', 'contains', 'ip', 'é', '😀', '"', '\\', '\n', '\u0000', '\u2028', '\u202e', '*', '\\*', '//', '/*', '";', '{', '\\u{41}', '\u00ad', '\ufeff', '\u{e0001}', 'Value', 'Var', '_', '1'];
const text = fc.oneof(fc.constantFrom(...odd), fc.string({ unit: 'binary', maxLength: 6 }).filter((one) => one.isWellFormed()));
const literal: fc.Arbitrary<JsonObject> = fc.oneof(text, fc.boolean(), fc.constantFrom<Json>(0, -1, 7, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, { __extn: { fn: 'decimal', arg: '-1.5' } }, { __extn: { fn: 'ip', arg: '::1/8' } }), text.map((id): Json => ({ __entity: uid('A::B', id) })), text.map((name): Json => ({ [name]: [1, { __entity: uid('User', name) }], x: { [name]: -1 } }))).map(value);

const { expression } = fc.letrec<{ expression: JsonObject }>((tie) => {
  const inner = tie('expression');
  const two = (...operators: readonly string[]) => fc.tuple(fc.constantFrom(...operators), inner, inner).map(([operator, left, right]) => binary(operator, left, right));
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(literal, fc.constantFrom('principal', 'action', 'resource', 'context').map(variable)),
      two('==', '!=', '<', '<=', '>', '>='),
      two('&&', '||'),
      two('+', '-', '*'),
      two('in', 'contains', 'containsAll', 'containsAny', 'hasTag', 'getTag'),
      fc.tuple(fc.constantFrom('!', 'neg', 'isEmpty'), inner).map(([operator, arg]): JsonObject => ({ [operator]: { arg } })),
      fc.tuple(inner, text).map(([left, attr]): JsonObject => ({ '.': { left, attr } })),
      fc.tuple(inner, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }))).map(([left, attr]): JsonObject => ({ has: { left, attr } })),
      fc.tuple(inner, fc.array(fc.oneof(fc.constant<Json>('Wildcard'), text.map((one): Json => ({ Literal: one }))), { maxLength: 3 })).map(([left, pattern]): JsonObject => ({ like: { left, pattern } })),
      fc.tuple(inner, fc.option(inner)).map(([left, group]): JsonObject => ({ is: { left, entity_type: 'A::B', ...(group && { in: group }) } })),
      fc.tuple(inner, inner, inner).map(([condition, then, otherwise]): JsonObject => ({ 'if-then-else': { if: condition, then, else: otherwise } })),
      fc.array(inner, { maxLength: 3 }).map((items): JsonObject => ({ Set: items })),
      fc.uniqueArray(fc.tuple(text, inner), { maxLength: 3, selector: ([name]) => name }).map((members): JsonObject => ({ Record: Object.fromEntries(members) })),
      fc.tuple(fc.constantFrom('ip', 'decimal', 'datetime', 'duration', 'isIpv4', 'toDate', 'toMilliseconds'), inner).map(([name, arg]): JsonObject => ({ [name]: [arg] })),
      fc.tuple(fc.constantFrom('lessThan', 'isInRange', 'offset', 'durationSince'), inner, inner).map(([name, left, right]): JsonObject => ({ [name]: [left, right] })),
    ),
  };
});

const entities = Entities.fromJson([{ uid: uid('User', 'ann'), attrs: Object.fromEntries(odd.map((name) => [name, name])), parents: [uid('A::B', 'a')], tags: { a: 'a' } }]);
const environments = [{}, Object.fromEntries(odd.map((name) => [name, { a: name, if: [name], '': true }])), { a: 1, if: true, in: { a: { if: 1 } } }].map((context) => environmentOf(context, entities));

test('law: an expression that is printed and read by the reference engine comes to the same, and prints as the same', () => {
  fc.assert(fc.property(expression, (json) => {
    const printed = printExpression(json);
    const back = readBack(printed);
    for (const environment of environments) expect(resultOf(back, environment), printed).toEqual(resultOf(json, environment));
    expect(printExpression(readBack(printExpression(back)))).toBe(printExpression(back));
  }), { numRuns: 1_500 });
});

test('law: the conditions of random worlds come to the same after they were printed and read', () => {
  fc.assert(fc.property(fc.integer(), (seed) => {
    const world = makeWorld(seeded(seed), 1);
    for (const { json } of Object.values(world.policies)) for (const { body } of json['conditions'] as unknown as readonly { readonly body: JsonObject }[]) expect(resultOf(readBack(printExpression(body)), environmentOf({}, entities))).toEqual(resultOf(body, environmentOf({}, entities)));
  }), { numRuns: 300 });
});

test.each<[string, Json]>([
  ['half a surrogate pair as an attribute', { '.': { left: variable('context'), attr: '\ud800' } }],
  ['a variable that goes on', variable('context || true')],
  ['a type that goes on', { is: { left: variable('principal'), entity_type: 'User || true' } }],
  ['an entity whose type goes on', value({ __entity: { type: 'User::"x" || A', id: 'x' } })],
  ['a function that goes on', { 'ip("1") || f': [value(1)] }],
  ['a slot', { Slot: '?principal' }],
  ['a set of what is no expression', { Set: 5 }],
  ['a function of no list', { ip: value('1') }],
  ['nothing', {}],
  ['null', null],
  ['a member that objects inherit', { toString: {} }],
])('attack: %s is not printed', (_name, json) => {
  expect(() => printExpression(json)).toThrow(CedarError);
});

test('attack: a record with a member named as an escape, beside others, is printed as a record', () => {
  const record = value({ __entity: { type: 'User', id: 'ann' }, x: 1 });
  expect(printExpression(record)).toBe('{ "__entity": { "type": "User", "id": "ann" }, "x": 1 }');
  expect(cedar.policyToJson(`permit(principal, action, resource) when { ${printExpression(record)} == 1 };`).type).toBe('success');
});
