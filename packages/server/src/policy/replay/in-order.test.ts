import type { Entry } from '@flyball/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InOrder } from './in-order.js';
import type { Row } from './record.js';

const row = (id: string, ...streams: readonly (readonly [string, number])[]): Row => ({ entry: { v: 1, tenant: 'main', id, kind: 'intent', at: 0, streams: streams.map(([stream, version]) => ({ stream, version })), body: {} } satisfies Entry });
const ids = (rows: readonly Row[]) => rows.map(({ entry }) => entry.id);

test('law: in whatever order entries come, each stream is in its own', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 }), fc.infiniteStream(fc.nat()), (names, keys) => {
      const versions = new Map<string, number>();
      const next = (stream: string) => [stream, versions.set(stream, (versions.get(stream) ?? 0) + 1).get(stream) ?? 0] as const;
      // Some are in two streams.
      const rows = names.map((name, index) => row(`${index}`, next(name), ...(index % 4 === 0 ? [next('shared')] : [])));
      const shuffled = rows.map((each) => ({ each, key: Number(keys.next().value) })).sort((left, right) => left.key - right.key).map(({ each }) => each);
      const order = new InOrder();
      const taken = [...shuffled.flatMap((each) => order.take(each)), ...order.rest()];
      const seen = new Map<string, number>();
      for (const { entry } of taken) for (const { stream, version } of entry.streams) {
        expect(version).toBe((seen.get(stream) ?? 0) + 1);
        seen.set(stream, version);
      }
      expect(taken).toHaveLength(rows.length);
      expect(order.gaps).toBe(0);
    }),
  );
});

test('law: what waits for an entry that is not there is given in the end, in its order, and counted once', () => {
  const order = new InOrder();
  expect(ids(order.take(row('third', ['a', 3])))).toEqual([]);
  expect(ids(order.take(row('fourth', ['a', 4])))).toEqual([]);
  expect(ids(order.take(row('other', ['b', 1])))).toEqual(['other']);
  expect(ids(order.rest())).toEqual(['third', 'fourth']);
  expect(order.gaps).toBe(1);
});

test('law: nobody waits for ever for an entry that was archived', () => {
  const order = new InOrder();
  const taken = [row('late', ['a', 9]), ...Array.from({ length: 10_001 }, (_, index) => row(`${index}`, ['b', index + 1]))].flatMap((each) => order.take(each));
  expect(ids(taken)).toContain('late');
});
