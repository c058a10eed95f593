import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attribute, binary, bothEngines, environmentOf, ofContext, outcomeOf, policyWhen, uid, value, variable } from '../../../../test/support/cedar-kit.js';
import { authorize } from '../decisions/authorize.js';
import { search } from '../decisions/search.js';
import { Entities } from '../entities.js';
import { CedarError } from '../errors.js';
import { explainPolicy } from '../explanations/explain.js';
import { findSmallestChange } from '../explanations/smallest-change.js';
import { PolicySet } from '../policies/policy-set.js';
import type { Json, JsonObject } from '../values/json.js';
import { compile } from './compile.js';
import { nestingMax } from './compiled.js';
import { printExpression } from './print.js';

const nested = (levels: number, wrap: (inner: JsonObject, level: number) => JsonObject, innermost: JsonObject = value(true)): JsonObject => Array.from({ length: levels }).reduce<JsonObject>((inner, _, level) => wrap(inner, level), innermost);
const amount = (level: number): JsonObject => binary('==', ofContext(`a${level}`), value(level));

const shapes: readonly [string, (levels: number) => JsonObject][] = [
  ['&& from the left', (levels) => nested(levels, (inner, level) => binary('&&', inner, amount(level)))],
  ['&& from the right', (levels) => nested(levels, (inner, level) => binary('&&', amount(level), inner))],
  ['|| from the left', (levels) => nested(levels, (inner, level) => binary('||', inner, amount(level)), amount(0))],
  ['|| from the right', (levels) => nested(levels, (inner, level) => binary('||', amount(level), inner), amount(0))],
  ['!', (levels) => nested(levels, (arg) => ({ '!': { arg } }))],
  ['sums', (levels) => binary('==', nested(levels, (inner) => binary('+', inner, value(1)), value(0)), value(levels))],
  ['sums of the context', (levels) => binary('==', nested(levels, (inner) => binary('+', value(1), inner), ofContext('n')), value(levels))],
  ['if in its condition', (levels) => nested(levels, (inner) => ({ 'if-then-else': { if: inner, then: value(true), else: value(false) } }))],
  ['if in its else', (levels) => nested(levels, (inner, level) => ({ 'if-then-else': { if: amount(level), then: value(false), else: inner } }))],
  ['attributes', (levels) => binary('==', attribute(variable('principal'), ...Array.from({ length: levels }, () => 'self')), variable('principal'))],
  ['sets', (levels) => binary('==', nested(levels, (inner) => ({ Set: [inner] })), nested(levels, (inner) => ({ Set: [inner] })))],
  ['sets of the context', (levels) => binary('!=', nested(levels, (inner) => ({ Set: [inner] }), variable('context')), nested(levels, (inner) => ({ Set: [inner] }), variable('principal')))],
  ['records', (levels) => ({ has: { left: nested(levels, (inner) => ({ Record: { '': inner } }), variable('context')), attr: 'x' } })],
  ['functions', (levels) => ({ isIpv4: [nested(levels, (inner) => ({ toDate: [inner] }), variable('context'))] })],
  ['groups', (levels) => nested(levels, (inner) => ({ is: { left: variable('principal'), entity_type: 'User', in: inner } }), variable('principal'))],
];
const self = Entities.fromJson([{ uid: uid('User', 'ann'), attrs: { self: { __entity: uid('User', 'ann') } }, parents: [] }]);

test.each(shapes)('attack: %s nested as deep as is taken are compiled, decided, printed, explained, searched and changed in little time', (_name, shape) => {
  const body = shape(nestingMax - 3);
  const began = performance.now();
  for (const effect of ['permit', 'forbid']) {
    const policies = new PolicySet({ staticPolicies: { deep: { ...policyWhen(body), effect }, all: policyWhen() } });
    const deep = policies.get('deep');
    if (!deep) throw new Error('expected the policy');
    const environment = environmentOf({ n: 0, a3: 3 }, self);
    authorize(policies, environment);
    explainPolicy(deep, environment);
    search(policies, 'principal', 'User', environment, self);
    findSmallestChange(policies, environment);
    findSmallestChange(new PolicySet({ staticPolicies: { deep: { ...policyWhen(body, value(false)), effect } } }), environment);
  }
  expect(printExpression(body).length).toBeGreaterThan(nestingMax);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test.each(shapes)('attack: %s nested deeper are refused when they are loaded, not by running out of stack', (_name, shape) => {
  for (const levels of [nestingMax + 1, 10_000, 100_000]) {
    const body = shape(levels);
    expect(() => new PolicySet({ staticPolicies: { deep: policyWhen(body) } })).toThrow(CedarError);
    expect(() => new PolicySet({ templates: { deep: { ...policyWhen(body), principal: { op: '==', slot: '?principal' } } }, templateLinks: [{ templateId: 'deep', newId: 'x', values: { '?principal': uid('User', 'ann') } }] })).toThrow(CedarError);
    expect(() => compile(body)).toThrow(CedarError);
    expect(() => printExpression(body)).toThrow(CedarError);
  }
});

test('abuse 18: a policy of 10,000 clauses, which are not inside each other, is decided', () => {
  const policies = new PolicySet({ staticPolicies: { wide: policyWhen(...Array.from({ length: 10_000 }, (_, index) => binary('!=', ofContext('n'), value(index)))) } });
  expect(authorize(policies, environmentOf({ n: -1 })).decision).toBe('allow');
  expect(authorize(policies, environmentOf({ n: 9_999 })).decision).toBe('deny');
});

test('attack: `has` follows a circle of entities as long as is taken, and a longer path is refused', () => {
  const path = (length: number): Json => ({ has: { left: variable('principal'), attr: Array.from({ length }, () => 'self') } });
  expect(outcomeOf(path(nestingMax), environmentOf({}, self))).toBe('allow');
  for (const length of [nestingMax + 1, 100_000]) expect(() => outcomeOf(path(length))).toThrow(CedarError);
});

test('law: `has` with a path is `has` of each name in turn, as the reference engine has it', () => {
  const names = ['a', 'b', '__proto__', 'constructor', ''];
  const context = fc.letrec<{ record: JsonObject }>((tie) => ({ record: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.oneof({ maxDepth: 3 }, fc.constantFrom<Json>(1, true, 'a', []), tie('record'))), { maxLength: 4, selector: ([name]) => name }).map((members) => Object.fromEntries(members)) })).record;
  const seen = new Map<string, number>();
  fc.assert(fc.property(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }), context, (path, given) => {
    const [left, attr] = [ofContext(), path];
    const each = path.map((name, index): JsonObject => ({ has: { left: ofContext(...path.slice(0, index)), attr: name } })).reduce((one, other) => binary('&&', one, other));
    const { own, reference } = bothEngines({ at: policyWhen({ has: { left, attr } }), each: policyWhen(each) })(given);
    expect(own).toEqual(reference);
    expect(own.reasons.length % 2 + own.errors.length % 2).toBe(0);
    const kind = own.errors.length > 0 ? 'error' : own.decision;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }), { numRuns: 1_000 });
  expect(seen.size).toBe(3);
});

test('attack: a set of 300,000 members, or a record of as many, is compiled and asked', () => {
  const many = Array.from({ length: 300_000 }, (_, index) => index);
  expect(outcomeOf(binary('contains', { Set: many.map((index) => value(index)) }, ofContext('n')), environmentOf({ n: 299_999 }))).toBe('allow');
  expect(outcomeOf(binary('==', attribute({ Record: Object.fromEntries(many.map((index) => [`a${index}`, value(index)])) }, 'a299999'), ofContext('n')), environmentOf({ n: 299_999 }))).toBe('allow');
});

test('law: what is folded when it is compiled is what it would come to, errors included', () => {
  const [big, zero] = [value(9_223_372_036_854_775_807n), value(0)];
  expect(outcomeOf(binary('||', value(true), binary('==', binary('+', big, value(1)), zero)))).toBe('allow');
  expect(outcomeOf(binary('||', value(false), binary('==', binary('+', big, value(1)), zero)))).toContain('overflow');
  expect(outcomeOf(binary('&&', binary('<', value('a'), zero), value(true)))).toContain('expected long, got string');
  expect(outcomeOf(value(1))).toContain('expected bool, got long');
});
