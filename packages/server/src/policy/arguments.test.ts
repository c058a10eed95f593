import type { Json, JsonObject } from '@flyball/protocol';
import { expect, test } from 'vitest';
import { verifyArguments } from './arguments.js';

const check = (inputSchema: Json | undefined, args: JsonObject) => {
  try {
    verifyArguments({ name: 'tool', digest: 'd', accepted: true, definition: { name: 'tool', ...(inputSchema !== undefined && { inputSchema }) } }, args);
    return 'accepted';
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
};

const pay = { type: 'object', properties: { amount: { type: 'number', minimum: 0 }, to: { type: 'object', properties: { iban: { type: 'string' } } }, list: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' } } } } }, required: ['amount'] };

test.each<[string, Json | undefined, JsonObject]>([
  ['what the schema allows', pay, { amount: 5, to: { iban: 'DE' }, list: [{ id: 'a' }] }],
  ['anything where there is no schema', undefined, { a: 1 }],
  ['anything where the schema says nothing of members', { type: 'object' }, { a: 1 }],
  ['more members where the schema says there may be', { ...pay, additionalProperties: true }, { amount: 5, note: 'x' }],
  ['members by pattern', { type: 'object', properties: {}, patternProperties: { '^x-': { type: 'string' } } }, { 'x-a': 'b' }],
  ['one of two shapes', { anyOf: [{ properties: { a: { type: 'string' } }, required: ['a'] }, { properties: { b: { type: 'string' } }, required: ['b'] }] }, { b: 'x' }],
  ['more members inside where the schema says so', { type: 'object', properties: { o: { type: 'object', additionalProperties: true } } }, { o: { anything: 1 } }],
])('story: %s is accepted', (_name, schema, args) => {
  expect(check(schema, args)).toBe('accepted');
});

test.each<[string, Json, JsonObject, RegExp]>([
  ['an argument missing', pay, {}, /must have required property 'amount'/],
  ['an argument of the wrong type', pay, { amount: '5' }, /`\/amount` must be number/],
  ['an argument out of range', pay, { amount: -1 }, /`\/amount` must be >= 0/],
  ['an argument that the tool does not name', pay, { amount: 5, dry_run: false }, /the tool has no argument `dry_run`/],
  ['an argument in other letters', pay, { amount: 5, Amount: 1 }, /the tool has no argument `Amount`/],
  ['an argument with a blank at its end', pay, { amount: 5, 'to ': {} }, /the tool has no argument `to `/],
  ['`__proto__`', pay, JSON.parse('{"amount":5,"__proto__":{}}') as JsonObject, /the tool has no argument `__proto__`/],
  ['`constructor`', pay, { amount: 5, constructor: 1 } as unknown as JsonObject, /the tool has no argument `constructor`/],
  ['a member of a member that the tool does not name', pay, { amount: 5, to: { iban: 'DE', bic: 'X' } }, /bic/],
  ['a member of an item that the tool does not name', pay, { amount: 5, list: [{ id: 'a' }, { id: 'b', admin: true }] }, /admin/],
  ['an unknown argument where the schema only adds a condition', { ...pay, anyOf: [{ required: ['amount'] }, { required: ['to'] }] }, { amount: 5, dry_run: false }, /dry_run/],
  ['any argument of a tool that takes none', { type: 'object', properties: {}, additionalProperties: false }, { a: 1 }, /must NOT have additional properties/],
])('abuse 59: %s is refused before anything runs', (_name, schema, args, expected) => {
  expect(check(schema, args)).toMatch(/^request_malformed: the arguments do not fit the tool's schema: /);
  expect(check(schema, args)).toMatch(expected);
});

test('attack: a schema that cannot be used lets nothing through', () => {
  expect(check({ $ref: 'http://127.0.0.1:1/x' }, {})).toMatch(/^config_invalid/);
});
