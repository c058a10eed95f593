import type { Json, JsonObject } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { schemaFault } from './json-schema.js';
import { limits } from './limits.js';

const elapsed = (run: () => unknown): number => {
  const start = performance.now();
  run();
  return performance.now() - start;
};

describe('what a schema says is checked', () => {
  test.each<[string, JsonObject, Json, string | undefined]>([
    ['a value that fits', { type: 'object', properties: { a: { type: 'integer', maximum: 5 } }, required: ['a'] }, { a: 5 }, undefined],
    ['a number too large', { properties: { a: { maximum: 5 } } }, { a: 6 }, '`/a` must be <= 5'],
    ['a member that is not there', { required: ['a'] }, {}, "`` must have required property 'a'"],
    ['a member that is not allowed', { type: 'object', additionalProperties: false }, { a: 1 }, '`` must NOT have additional properties'],
    ['half a number for a whole one', { type: 'integer' }, 1.5, '`` must be integer'],
    ['a text for a number', { type: 'number' }, '1', '`` must be number'],
    ['a pattern that matches', { pattern: '^a+$' }, 'aaa', undefined],
    ['a pattern that does not match', { pattern: '^a+$' }, 'b', '`` must match pattern "^a+$"'],
    ['a pattern that no number sign tells apart', { pattern: '^[a-z]+$' }, '; rm -rf /', '`` must match pattern "^[a-z]+$"'],
    ['the second of two patterns', { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } }, { a: 'a', b: 'a' }, '`/b` must match pattern "^b$"'],
    ['a name by pattern', { patternProperties: { '^a': { type: 'number' }, '^b': { type: 'string' } }, additionalProperties: false }, { b: 5 }, '`/b` must be string'],
    ['a name that no pattern allows', { patternProperties: { '^a$': true }, additionalProperties: false }, { c: 5 }, '`` must NOT have additional properties'],
    ['an own `constructor` only', { required: ['constructor'] }, {}, "`` must have required property 'constructor'"],
    ['a `$id` and a dialect of its own', { $id: 'https://schema.example/x', $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'string' }, 1, '`` must be string'],
  ])('story: %s', (_name, schema, value, expected) => {
    expect(schemaFault(schema, value)).toBe(expected);
  });

  test('attack: two strangers with one `$id` have two schemas', () => {
    const [first, second]: readonly JsonObject[] = [{ $id: 'https://schema.example/x', type: 'string' }, { $id: 'https://schema.example/x', type: 'number' }];
    expect([schemaFault(first ?? {}, 1), schemaFault(second ?? {}, 1)]).toEqual(['`` must be string', undefined]);
  });

  test('attack: a schema that calls itself asynchronous is checked like any other', async () => {
    expect(schemaFault({ $async: true, type: 'object', required: ['a'] }, {})).toContain("must have required property 'a'");
    await new Promise((resolve) => setTimeout(resolve, 10));
  });

  test('attack: a message repeats no more than 300 characters of what a stranger sent', () => {
    expect(schemaFault({ additionalProperties: { type: 'number' } }, { ['a'.repeat(100_000)]: 'x' })?.length).toBeLessThanOrEqual(300);
  });
});

describe('a schema is a stranger\'s', () => {
  const nested = (levels: number): JsonObject => (levels === 0 ? {} : { properties: { a: nested(levels - 1) } });

  test.each<[string, JsonObject]>([
    ['a reference to elsewhere', { $ref: 'http://127.0.0.1:1/schema' }],
    ['a reference to a file', { $ref: 'file:///etc/passwd' }],
    ['a reference to nothing', { $ref: '#/$defs/nothing' }],
    ['references that only lead to each other', { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }],
    ['`$dynamicRef` to itself', { $dynamicRef: '#x' }],
    ['a schema of 1,000 levels', nested(1_000)],
    ['a schema of 100,000 levels', JSON.parse(`${'{"not":'.repeat(100_000)}{}${'}'.repeat(100_000)}`) as JsonObject],
    ['a schema of a megabyte', { enum: ['x'.repeat(limits.schemaBytesMax)] }],
    ['a type that is none', { type: 'anything' }],
    ['an older dialect\'s list of items', { type: 'array', items: [{ type: 'string' }] as unknown as Json }],
  ])('abuse 66: %s is refused with one kind of error, and nothing is fetched', (_name, schema) => {
    expect(() => schemaFault(schema, 1)).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(/^the schema cannot be used: /) as string }) as Error);
  });

  test.each(['^(a+)+$', '(a|a)*b', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$', '(\\w+\\s?)*$', '(.*a){20}b', '(a{500}){2}b', '((a{100}){100}){100}', '(?=a+)+b'])('abuse 18: the pattern %s on 50,000 letters takes no longer than a second', (pattern) => {
    expect(elapsed(() => schemaFault({ pattern }, `${'a'.repeat(50_000)}!`))).toBeLessThan(1_000);
    expect(elapsed(() => schemaFault({ patternProperties: { [pattern]: { type: 'number' } } }, { [`${'a'.repeat(50_000)}!`]: 1 }))).toBeLessThan(1_000);
  });

  test('abuse 18: 16,000 unique items take no longer than a second', () => {
    const items = Array.from({ length: 16_000 }, (_, i) => ({ a: i }));
    expect(schemaFault({ uniqueItems: true }, [{ a: 1 }, { b: 1 }, { a: 1 }])).toContain('must NOT have duplicate items');
    expect(schemaFault({ uniqueItems: true }, [1, '1', true, null, [1], { a: 1 }])).toBeUndefined();
    expect(elapsed(() => schemaFault({ type: 'array', uniqueItems: true }, items))).toBeLessThan(1_000);
  });

  test('abuse 18: references that fan out without end are refused or answered within a second', () => {
    const levels = 22;
    const twice = (ref: string): Json => ({ anyOf: [{ $ref: ref }, { $ref: ref }] });
    const $defs = Object.fromEntries(Array.from({ length: levels }, (_, i) => [`d${i}`, i === levels - 1 ? { type: 'string' } : twice(`#/$defs/d${i + 1}`)]));
    const recursive = { $defs: { n: { type: 'object', properties: { a: twice('#/$defs/n') }, additionalProperties: false } }, $ref: '#/$defs/n' };
    let deep: Json = 1;
    for (let i = 0; i < 20; i++) deep = { a: deep };
    const answered = (schema: JsonObject, value: Json) => {
      try {
        return typeof schemaFault(schema, value);
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(elapsed(() => expect(answered({ $defs, $ref: '#/$defs/d0' }, 5)).toMatch(/string|config_invalid/))).toBeLessThan(1_000);
    expect(elapsed(() => expect(answered(recursive, deep)).toMatch(/string|config_invalid/))).toBeLessThan(1_000);
  });
});
