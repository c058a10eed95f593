import { expect, test } from 'vitest';
import { encodeAttributes } from './attributes.js';
import { entityTypesDocument } from './entity-types.js';

const types = entityTypesDocument.parse({
  user: {},
  record: { attributes: { name: 'string', count: 'integer', price: 'decimal', open: 'boolean', at: 'datetime', tags: 'set of string', owner: 'user', readers: 'set of user', level: { type: 'integer', required: true } } },
});
const record = types['record'];
if (!record) throw new Error('no type');

const shown = (given: Record<string, unknown>) => encodeAttributes(given as never, record);

test('law: a property is shown to policies as exactly its declared type, or not at all', () => {
  const rows: readonly (readonly [string, unknown, unknown])[] = [
    ['name', 'a', 'a'],
    ['count', 3, 3],
    ['price', 1.25, { __extn: { fn: 'decimal', arg: '1.2500' } }],
    ['open', false, false],
    ['at', '2026-03-01T10:00+01:00', { __extn: { fn: 'datetime', arg: '2026-03-01T09:00:00.000Z' } }],
    ['tags', ['x', 'y'], ['x', 'y']],
    ['owner', 'ann', { __entity: { type: 'user', id: 'ann' } }],
    ['readers', ['ann'], [{ __entity: { type: 'user', id: 'ann' } }]],
  ];
  for (const [name, given, seen] of rows) expect(shown({ [name]: given })).toEqual({ value: { [name]: seen }, undeclared: [], unfit: [] });
});

test('attack: a value of another type is not shown, and named', () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ['name', 1],
    ['name', null],
    ['count', 1.5],
    ['count', '1'],
    ['price', 1.23456],
    ['open', 'true'],
    ['at', '2026-02-30T10:00:00Z'],
    ['at', '2026-03-01'],
    ['at', '2026-03-01T10:00:00.1234Z'],
    ['tags', 'x'],
    ['tags', ['x', 1]],
    ['owner', { type: 'user', id: 'ann' }],
    ['owner', ['ann']],
  ];
  for (const [name, given] of rows) expect(shown({ [name]: given }), `${name}: ${JSON.stringify(given)}`).toEqual({ value: {}, undeclared: [], unfit: [name] });
});

test('attack: a property is never read as an entity or an extension of Cedar', () => {
  const hostile = { __entity: { type: 'Group', id: 'administrators' } };
  expect(shown({ name: hostile, tags: [hostile], count: { __extn: { fn: 'decimal', arg: '1.0' } } })).toEqual({ value: {}, undeclared: [], unfit: ['name', 'tags', 'count'] });
  expect(shown({ __entity: { type: 'user', id: 'root' } })).toEqual({ value: {}, undeclared: ['__entity'], unfit: [] });
});

test('law: what is not declared is not shown, and named', () => {
  expect(shown({ colour: 'red', toString: 'x' })).toEqual({ value: {}, undeclared: ['colour', 'toString'], unfit: [] });
});

test('law: a type cannot take the name of what is there already', () => {
  for (const name of ['Identity', 'Group', 'Resource', 'Action', 'string', 'if', '__cedar', 'a::b', '9a']) expect(entityTypesDocument.safeParse({ [name]: {} }).success, name).toBe(false);
});
