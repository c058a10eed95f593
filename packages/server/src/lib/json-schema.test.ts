import type { Json, JsonObject } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { schemaFault } from './json-schema.js';
import { limits } from './limits.js';

/** Milliseconds of this process, so that what else runs on the machine does not count. */
const elapsed = (run: () => unknown): number => {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
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

  const levels = 22;
  type Make = (next: JsonObject) => JsonObject;
  const numbers = Array.from({ length: levels }, (_, i) => i);
  /** Definitions of which each refers to the next one in the given way; the last one is a text. */
  const chain = (make: Make, name: (i: number) => string = (i) => `#/$defs/d${i}`, mark: (i: number) => JsonObject = () => ({})): JsonObject => ({
    $defs: Object.fromEntries(numbers.map((i) => [`d${i}`, { ...mark(i), ...(i === levels - 1 ? { type: 'string' } : make({ $ref: name(i + 1) })) }])),
    $ref: name(0),
  });
  const twice: Make = (next) => ({ anyOf: [next, next] });
  const recursive = (make: Make): JsonObject => ({ $defs: { n: make({ $ref: '#/$defs/n' }) }, $ref: '#/$defs/n' });
  const nestedValue = (depth: number, wrap: (inner: Json) => Json): Json => (depth === 0 ? 1 : wrap(nestedValue(depth - 1, wrap)));
  const member = (inner: Json): Json => ({ a: inner });

  test.each<[string, JsonObject, Json]>([
    ['anyOf', chain(twice), 5],
    ['oneOf', chain((next) => ({ oneOf: [next, next] })), 5],
    ['if, then and else', chain((next) => ({ if: next, then: next, else: next })), 5],
    ['not and allOf', chain((next) => ({ not: next, allOf: [next] })), 5],
    ['names in percent letters', chain(twice, (i) => `#/%24defs/d${i}`), 5],
    ['anchors', chain(twice, (i) => `#a${i}`, (i) => ({ $anchor: `a${i}` })), 5],
    ['ids of its own', chain(twice, (i) => `https://schema.example/a${i}`, (i) => ({ $id: `https://schema.example/a${i}` })), 5],
    ['a member looked at twice', recursive((next) => ({ type: 'object', properties: { a: twice(next) } })), nestedValue(20, member)],
    ['a member by name and by pattern', recursive((next) => ({ properties: { a: next }, patternProperties: { a: next, '^a': next } })), nestedValue(13, member)],
    ['items that are also contained', recursive((next) => ({ items: next, contains: next })), nestedValue(23, (inner) => [inner])],
    ['the root itself', { type: 'object', properties: { a: { anyOf: [{ $ref: '#' }, { $ref: '#' }] } } }, nestedValue(20, member)],
  ])('abuse 18: references that fan out by %s are refused or answered within a second', (_name, schema, value) => {
    const answered = () => {
      try {
        return typeof schemaFault(schema, value);
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(elapsed(() => expect(answered()).toMatch(/string|undefined|config_invalid/))).toBeLessThan(1_000);
  });

  test('story: a tree, of which every part is looked at once, may be as deep as it is', () => {
    const tree = recursive((next) => ({ type: 'object', properties: { name: { type: 'string' }, children: { type: 'array', items: next }, left: next, right: next }, additionalProperties: false }));
    expect(schemaFault(tree, { name: 'a', children: [{ children: [{}] }], left: { right: {} } })).toBeUndefined();
    expect(schemaFault(tree, { children: [{ children: [{ name: 1 }] }] })).toBe('`/children/0/children/0/name` must be string');
  });
});
