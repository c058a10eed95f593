import fc from 'fast-check';
import { expect, test } from 'vitest';
import { given, holds, judge } from '../test-kit/judge.js';
import { checkpointOf, type LogFiles, promiseOf, publish, receiptOf } from '../test-kit/log-files.js';
import { story } from '../test-kit/story.js';
import { canonical, chained, hashOf, type TestEntry } from '../test-kit/writer.js';

const { entries } = story(3).writer;
const files = publish(entries);
const size = entries.length;

/** A log with one thing done to it, and an entry whose leaf or place that changed. */
interface Mutated {
  readonly name: string;
  readonly entries: readonly TestEntry[];
  readonly touched: number;
}

const fields: readonly ((entry: TestEntry) => void)[] = [
  (entry) => void (entry.at += 1),
  (entry) => void (entry.body = { ...entry.body, identity: 'another' }),
  (entry) => void (entry.body = { ...entry.body, zz: 1 }),
  (entry) => void (entry.payload = `sha256:${'0'.repeat(64)}`),
  (entry) => void (entry.id = entry.id.replace(/.$/, '1')),
  (entry) => entry.deadline !== undefined && void (entry.deadline += 1),
  (entry) => void (entry.tenant = 'other'),
];

const places = fc.nat({ max: size - 1 });
const edit = fc.record({ at: places, field: fc.constantFrom(...fields) }).map(({ at, field }): Mutated => {
  const copy = structuredClone(entries) as TestEntry[];
  const entry = copy[at];
  if (entry) field(entry);
  return { name: 'edit', entries: copy, touched: at };
});
const remove = places.map((at): Mutated => ({ name: 'delete', entries: entries.filter((_, index) => index !== at), touched: at }));
const cut = fc.integer({ min: 1, max: size - 1 }).map((at): Mutated => ({ name: 'cut', entries: entries.slice(0, at), touched: size - 1 }));
/** Inserted before another entry of the same stream, so that this one is touched. */
const insert = places.map((at): Mutated => {
  const stream = entries[at]?.streams[0]?.stream ?? '';
  const copy: TestEntry = { ...structuredClone(entries[at]), id: '01990000-0000-7000-8000-000000000042', streams: [{ stream, version: 1 }] } as TestEntry;
  return { name: 'insert', entries: [...entries.slice(0, at), copy, ...entries.slice(at)], touched: at };
});
const reorder = fc.tuple(places, places).filter(([left, right]) => left !== right).map(([left, right]): Mutated => {
  const copy = [...entries];
  [copy[left], copy[right]] = [entries[right] as TestEntry, entries[left] as TestEntry];
  return { name: 'reorder', entries: copy, touched: left };
});
const mutation = fc.oneof(edit, remove, cut, insert, reorder).filter((mutated) => canonical(mutated.entries) !== canonical(entries));

test('law: any one change to a log that is signed again with the right key is found by a receipt or an earlier checkpoint of what it touched', async () => {
  await fc.assert(
    fc.asyncProperty(mutation, fc.boolean(), fc.constantFrom('checkpoint', 'receipt'), fc.nat(), async (mutated, isChained, kept, seed) => {
      const log = publish(isChained ? chained(mutated.entries) : mutated.entries);
      const firstChanged = entries.findIndex((entry, at) => hashOf(entry) !== hashOf((isChained ? chained(mutated.entries) : mutated.entries)[at] ?? null));
      fc.pre(firstChanged >= 0);
      const known = firstChanged + 1 + (seed % (size - firstChanged));
      const earlier = [given('earlier', checkpointOf(publish(entries.slice(0, known))))];
      const verdict = await judge(log, kept === 'checkpoint' ? { earlier } : { receipts: [given('receipt', await receiptOf(files, entries, mutated.touched))] });
      expect([mutated.name, verdict.integrity.holds]).toEqual([mutated.name, false]);
    }),
    { numRuns: 250 },
  );
}, 120_000);

test('law: any one change to a log that is signed again with the right key is found by a promise whose entry it touched', async () => {
  const newest = entries.at(-1)?.at ?? 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(edit, remove, insert).filter(({ entries: changed }) => canonical(changed) !== canonical(entries)), async (mutated) => {
      // Whoever chains anew changes all that follows in the stream; whoever does not breaks the chain.
      for (const changed of [chained(mutated.entries), mutated.entries]) {
        const verdict = await judge(publish(changed), { promises: [given('promise', promiseOf(entries[mutated.touched] as TestEntry))], now: newest + 120_000 });
        expect([mutated.name, holds(verdict)]).toEqual([mutated.name, false]);
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);

test('law: any one change to a log that is not signed again is found by integrity alone', async () => {
  const signed = files.get('checkpoint') ?? new Uint8Array();
  await fc.assert(
    fc.asyncProperty(mutation, fc.boolean(), fc.boolean(), async (mutated, isChained, isRebuilt) => {
      const other = publish(isChained ? chained(mutated.entries) : mutated.entries);
      fc.pre(checkpointOf(other) !== checkpointOf(files));
      // Either all tiles are those of the new entries, or only the bundles are.
      const mixed: LogFiles = new Map([...files, ...[...other].filter(([path]) => isRebuilt || path.includes('entries')), ['checkpoint', signed]]);
      const verdict = await judge(mixed);
      // A tree of another size has other files beside the old ones: those are still there, and nobody asks for the new.
      const isUntouched = [...files].every(([path, bytes]) => Buffer.compare(bytes, mixed.get(path) ?? new Uint8Array()) === 0);
      expect([mutated.name, verdict.integrity.holds]).toEqual([mutated.name, isUntouched]);
    }),
    { numRuns: 250 },
  );
}, 120_000);

test('law: whatever a signed entry has in the place of anything, there is a verdict and no exception', async () => {
  const strange = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>('__proto__', 'constructor', -1, 1e300, '', [null], { quorum: 1e9 }, [{ quorum: -1 }], 'session:', 'sha256:'));
  await fc.assert(
    fc.asyncProperty(places, fc.nat(), strange, fc.boolean(), async (at, seed, value, isInBody) => {
      const copy = structuredClone(entries) as TestEntry[];
      const target = isInBody ? copy[at]?.body : copy[at];
      const names = [...Object.keys(target ?? {}), 'decision', 'approvals', 'deadline', 'settles', 'payload', 'entries', 'person'];
      if (target) target[names[seed % names.length] ?? ''] = value;
      expect((await judge(publish(copy), { bodies: [] })).size).toBe(BigInt(size));
    }),
    { numRuns: 400 },
  );
}, 120_000);
