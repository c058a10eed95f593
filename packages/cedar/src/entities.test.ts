import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cedar, uid } from '../../../test/support/cedar-kit.js';
import { Entities } from './entities.js';
import { CedarError } from './errors.js';
import { EntityUid } from './values/entity-uid.js';
import type { JsonObject } from './values/json.js';

const ids = ['a', 'b', 'c', 'd', 'e', 'f', '__proto__', '"', '', '\u0000'];
const entity = (id: string, parents: readonly string[], attrs: JsonObject = {}): JsonObject => ({ uid: uid('G', id), attrs, parents: parents.map((parent) => uid('G', parent)) });
const key = (id: string) => new EntityUid('G', id).key;
const change = fc.record({ id: fc.constantFrom(...ids), parents: fc.array(fc.constantFrom(...ids), { maxLength: 3 }), remove: fc.boolean() });

function stateOf(entities: Entities): Readonly<Record<string, unknown>> {
  const known = [...entities.values()].map(({ uid: own, parents, ancestors, attributes }) => [own.key, { parents: parents.map(String), ancestors: [...ancestors].sort(), attributes: [...attributes.attributes] }] as const);
  return Object.fromEntries(known.sort(([left], [right]) => (left < right ? -1 : 1)));
}

const below = (entities: Entities): readonly (readonly string[])[] => ids.map((id) => entities.descendants(new EntityUid('G', id)).map((one) => one.uid.key).sort());

/** Whatever parents lead to, one step after another. */
function closure(list: ReadonlyMap<string, readonly string[]>, id: string, found = new Set<string>()): ReadonlySet<string> {
  for (const parent of list.get(id) ?? []) if (!found.has(parent)) closure(list, parent, found.add(parent));
  return found;
}

test('law: entities changed in place are those built anew, and a change that is refused has changed nothing', () => {
  fc.assert(fc.property(fc.array(change, { maxLength: 25 }), fc.boolean(), (changes, asksBetween) => {
    const entities = Entities.fromJson([]);
    const list = new Map<string, readonly string[]>();
    for (const [step, { id, parents, remove }] of changes.entries()) {
      if (asksBetween) stateOf(entities);
      if (remove) {
        entities.remove(new EntityUid('G', id));
        list.delete(id);
      } else {
        const next = new Map(list).set(id, parents);
        if (closure(next, id).has(id)) {
          const before = stateOf(entities);
          expect(() => entities.put(entity(id, parents, { step }))).toThrow(CedarError);
          expect(stateOf(entities)).toEqual(before);
          continue;
        }
        entities.put(entity(id, parents));
        list.set(id, parents);
      }
      const anew = Entities.fromJson([...list].map(([one, above]) => entity(one, above)));
      expect(stateOf(entities)).toEqual(stateOf(anew));
      expect(below(entities)).toEqual(below(anew));
      for (const one of list.keys()) expect(new Set(entities.get(key(one))?.ancestors)).toEqual(new Set([...closure(list, one)].map(key)));
    }
  }), { numRuns: 300 });
});

test('law: a list of entities is refused for a cycle if and only if the reference engine refuses it', () => {
  const seen = { taken: 0, refused: 0 };
  fc.assert(fc.property(fc.uniqueArray(change, { maxLength: 8, selector: ({ id }) => id }), (list) => {
    const json = list.map(({ id, parents }) => entity(id, parents.slice(0, 2)));
    const { type } = cedar.checkParseEntities({ entities: json } as never);
    if (type === 'success') expect(Entities.fromJson(json).size).toBe(list.length);
    else expect(() => Entities.fromJson(json)).toThrow('is in itself');
    seen[type === 'success' ? 'taken' : 'refused']++;
  }), { numRuns: 500 });
  expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(20);
});

test('law: what a reader holds of an entity is never older than the entities', () => {
  const entities = Entities.fromJson([entity('a', ['b']), entity('b', [])]);
  const held = entities.get(key('a'));
  expect([...(held?.ancestors ?? [])]).toEqual([key('b')]);
  entities.put(entity('b', ['c']));
  expect([...(held?.ancestors ?? [])].sort()).toEqual([key('b'), key('c')]);
  entities.remove(new EntityUid('G', 'a'));
  expect([...(held?.ancestors ?? [])]).toEqual([]);
  entities.put(entity('a', ['d']));
  expect([...(entities.get(key('a'))?.ancestors ?? [])]).toEqual([key('d')]);
});

test('attack: a chain of 10,000 parents neither overflows the stack nor fills the memory, built at once or one by one', () => {
  const length = 10_000;
  const chain = Array.from({ length }, (_, index) => entity(String(index), index === 0 ? [] : [String(index - 1)]));
  for (const list of [chain, chain.toReversed()]) {
    const entities = Entities.fromJson(list);
    expect(entities.get(key(String(length - 1)))?.ancestors.size).toBe(length - 1);
    expect(entities.descendants(new EntityUid('G', '0'))).toHaveLength(length);
    expect(() => entities.put(entity('0', [String(length - 1)]))).toThrow('is in itself');
    entities.put(entity('5000', []));
    expect(entities.get(key(String(length - 1)))?.ancestors.size).toBe(length - 1 - 5_000);
    // All of them, which would be fifty million keys at once.
    for (const { ancestors } of entities.values()) expect(ancestors.size).toBeLessThan(length);
  }
  expect(() => Entities.fromJson([...chain.slice(1), entity('0', [String(length - 1)])])).toThrow('is in itself');
});

test('attack: diamonds as wide as they are many are followed once, not once for each way', () => {
  const [layers, width] = [40, 40];
  const json = Array.from({ length: layers }, (_, layer) => Array.from({ length: width }, (_, index) => entity(`${layer}-${index}`, layer === 0 ? [] : Array.from({ length: width }, (_, parent) => `${layer - 1}-${parent}`)))).flat();
  const entities = Entities.fromJson(json);
  expect(entities.get(key(`${layers - 1}-0`))?.ancestors.size).toBe((layers - 1) * width);
  expect(entities.descendants(new EntityUid('G', '0-0'))).toHaveLength((layers - 1) * width + 1);
});

test('attack: an entity with 300,000 parents, or as many members, is taken', () => {
  const many = Array.from({ length: 300_000 }, (_, index) => String(index));
  const entities = Entities.fromJson([...many.map((id) => entity(id, [])), entity('x', many)]);
  expect(entities.get(key('x'))?.ancestors.size).toBe(many.length);
  entities.put(entity('y', ['x']));
  expect(entities.get(key('y'))?.ancestors.size).toBe(many.length + 1);
});

test.each<[string, unknown]>([
  ['no list', {}],
  ['null', [null]],
  ['no parents', [{ uid: uid('G', 'a'), attrs: {} }]],
  ['no attributes', [{ uid: uid('G', 'a'), parents: [] }]],
  ['a parent that is a text', [{ uid: uid('G', 'a'), attrs: {}, parents: ['G::"b"'] }]],
  ['tags that are a list', [{ uid: uid('G', 'a'), attrs: {}, parents: [], tags: [] }]],
  ['a type with a quote', [{ uid: uid('G::"x', 'a'), attrs: {}, parents: [] }]],
  ['half a surrogate pair', [{ uid: uid('G', '\udc00'), attrs: {}, parents: [] }]],
  ['an id that is a number', [{ uid: { type: 'G', id: 1 }, attrs: {}, parents: [] }]],
  ['the same entity twice', [entity('a', []), entity('a', ['b'])]],
  ['an entity in itself', [entity('a', ['a'])]],
])('attack: %s is refused, and what was there is as it was', (_name, json) => {
  expect(() => Entities.fromJson(json)).toThrow(CedarError);
  const entities = Entities.fromJson([entity('a', ['c']), entity('c', [])]);
  const before = stateOf(entities);
  for (const one of Array.isArray(json) ? (json as readonly unknown[]).slice(0, 1) : [json]) {
    try {
      entities.put(one);
      entities.put(entity('a', ['c']));
    } catch (error) {
      expect(error).toBeInstanceOf(CedarError);
    }
  }
  expect(stateOf(entities)).toEqual(before);
});
