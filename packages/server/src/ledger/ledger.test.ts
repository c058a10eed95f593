import { type Entry, FlyballError } from '@flyball/protocol';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { ended } from '../../../../test/support/entries.js';
import { type Gate, MemoryStore, MemoryTables } from '../../../../test/support/memory-store.js';
import { startPostgres } from '../../../../test/support/postgres.js';
import type { Clock } from '../lib/clock.js';
import { openPostgres } from '../store/open.js';
import { Ledger } from './ledger.js';
import { type Fold, Projections } from './projections.js';
import type { EntryStore } from './store.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

let now = 1_700_000_000_000;
const clock: Clock = { now: () => ++now, offsetMs: 0 };

/** Keeps every id in order: a fold in which any lost, repeated or reordered entry shows. */
const history: Fold<unknown> = (state, entry) => [...((state as readonly string[] | undefined) ?? []), entry.id];
const folds = { session: history, identity: history };

function node(store: EntryStore, most?: number): Ledger {
  return new Ledger('default', store, new Projections(store, folds, most), clock);
}

const stateOf = async (ledger: Ledger, stream: string) => (await ledger.projections.get<readonly string[]>(stream)).state ?? [];
const inStore = async (store: EntryStore, stream: string) => (await store.readStream(stream, 0, 10_000)).map(({ id }) => id);
const versionsOf = async (store: EntryStore, stream: string) => (await store.readStream(stream, 0, 10_000)).map((entry) => entry.streams.find((at) => at.stream === stream)?.version);
const upTo = (length: number) => Array.from({ length }, (_, index) => index + 1);
const draft = (streams: readonly { stream: string; expected?: number }[], more: Partial<Parameters<Ledger['append']>[0]> = {}) => ({ kind: 'intent' as const, streams, body: {}, ...more });

/** Decides on what it sees and appends on condition, until it was through, as the flow does. */
async function decideAndAppend(ledger: Ledger, stream: string, seen: number[]): Promise<Entry> {
  for (;;) {
    const { version, state } = await ledger.projections.get<readonly string[]>(stream);
    expect(state?.length ?? 0).toBe(version);
    const entry = await ledger.append(draft([{ stream, expected: version }]));
    if (!entry) continue;
    seen.push(version);
    return entry;
  }
}

describe('one node', () => {
  test('law: a state is the fold of the stored entries, also after it was forgotten', async () => {
    const store = new MemoryStore(new MemoryTables());
    const ledger = node(store);
    for (let round = 0; round < 30; round++) {
      await Promise.all([ledger.append(draft([{ stream: 'session:a' }])), ledger.append(draft([{ stream: 'session:b' }, { stream: 'session:a' }]))]);
      if (round % 7 === 0) ledger.projections.forget('session:a');
      expect(await stateOf(ledger, 'session:a')).toEqual(await inStore(store, 'session:a'));
    }
    expect(await versionsOf(store, 'session:a')).toEqual(upTo(60));
  });

  test('law: a state of more than one page is rebuilt whole', async () => {
    const store = new MemoryStore(new MemoryTables());
    const ledger = node(store);
    await Promise.all(upTo(1_000).map(() => ledger.append(draft([{ stream: 'session:a' }]))));
    ledger.projections.forget('session:a');
    expect(await ledger.projections.get('session:a')).toMatchObject({ version: 1_000, state: await inStore(store, 'session:a') });
  });

  test('law: an append that expects a version which is gone is void and leaves nothing behind', async () => {
    const store = new MemoryStore(new MemoryTables());
    const ledger = node(store);
    await ledger.append(draft([{ stream: 'session:a', expected: 0 }]));
    for (const stale of [0, 2, -1]) expect(await ledger.append(draft([{ stream: 'session:a', expected: stale }, { stream: 'session:b' }]))).toBeUndefined();
    expect([await inStore(store, 'session:a'), await inStore(store, 'session:b')].map((ids) => ids.length)).toEqual([1, 0]);
    expect(ledger.projections.peek('session:a')?.version).toBe(1);
  });

  test('law: of a hundred decisions on one version exactly one counts, in one tick', async () => {
    const ledger = node(new MemoryStore(new MemoryTables()));
    await ledger.append(draft([{ stream: 'session:a' }]));
    const results = await Promise.all(upTo(100).map(() => ledger.append(draft([{ stream: 'session:a', expected: 1 }]))));
    expect(results.filter((entry) => entry !== undefined)).toHaveLength(1);
  });

  test('law: when the store fails, memory goes back to what is stored', async () => {
    let down = false;
    const gate: Gate = (what) => (down && what === 'write' ? Promise.reject(new Error('gone')) : Promise.resolve());
    const store = new MemoryStore(new MemoryTables(), gate);
    const ledger = node(store);
    await ledger.append(draft([{ stream: 'session:a' }]));
    down = true;
    const failed = await Promise.all(upTo(20).map(() => ended(ledger.append(draft([{ stream: 'session:a' }])))));
    expect(new Set(failed)).toEqual(new Set(['store_unavailable']));
    down = false;
    expect((await ledger.projections.get('session:a')).version).toBe(1);
    expect(await ledger.append(draft([{ stream: 'session:a', expected: 1 }]))).toBeDefined();
  });

  test('law: what is on its way into the store stays in memory, however little room there is', async () => {
    let open = (): void => undefined;
    const closed = new Promise<void>((resolve) => (open = resolve));
    const ledger = node(new MemoryStore(new MemoryTables(), (what) => (what === 'write' ? closed : Promise.resolve())), 2);
    const appends: Promise<unknown>[] = [];
    for (const index of upTo(6)) {
      await ledger.projections.get(`session:${index}`);
      appends.push(ledger.append(draft([{ stream: `session:${index}` }])));
    }
    expect(upTo(6).map((index) => ledger.projections.peek(`session:${index}`)?.version)).toEqual(upTo(6).map(() => 1));
    open();
    await Promise.all(appends);
  });

  test('attack: a stream that was forgotten while it was being read is not kept as it was', async () => {
    let open = (): void => undefined;
    const closed = new Promise<void>((resolve) => (open = resolve));
    const ledger = node(new MemoryStore(new MemoryTables(), (what) => (what === 'read' ? closed : Promise.resolve())));
    const reading = ledger.projections.get('session:a');
    ledger.projections.forget('session:a');
    open();
    expect((await reading).version).toBe(0);
    expect(ledger.projections.peek('session:a')).toBeUndefined();
  });

  test('law: memory is bounded', async () => {
    const ledger = node(new MemoryStore(new MemoryTables()), 20);
    for (const round of upTo(10)) {
      const written = await Promise.all(upTo(20).map((index) => ledger.append(draft([{ stream: `session:${round}-${index}` }]))));
      expect(written.every((entry) => entry !== undefined)).toBe(true);
    }
    await ledger.append(draft([{ stream: 'session:last' }]));
    const held = upTo(10).flatMap((round) => upTo(20).filter((index) => ledger.projections.peek(`session:${round}-${index}`) !== undefined));
    expect(held.length).toBeLessThanOrEqual(20);
  });

  test('attack: asking for sessions that do not exist does not fill the memory', async () => {
    const ledger = node(new MemoryStore(new MemoryTables()), 10);
    await Promise.all(upTo(500).map((index) => ledger.projections.get(`session:guess-${index}`)));
    expect(upTo(500).filter((index) => ledger.projections.peek(`session:guess-${index}`) !== undefined).length).toBeLessThanOrEqual(11);
  });
});

type Step = { readonly node: 0 | 1; readonly streams: readonly ('session:a' | 'session:b' | 'identity:i')[]; readonly conditional: boolean; readonly forget: boolean; readonly settles: boolean };
const step: fc.Arbitrary<Step> = fc.record({ node: fc.constantFrom(0, 1), streams: fc.uniqueArray(fc.constantFrom('session:a', 'session:b', 'identity:i'), { minLength: 1, maxLength: 3 }), conditional: fc.boolean(), forget: fc.boolean(), settles: fc.boolean() });

test('law: in every interleaving of two nodes, streams have no gap, what was acknowledged is there once, what was void is not, one settles', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 2, maxLength: 14 }), async (scheduler, steps) => {
      const tables = new MemoryTables();
      const gate: Gate = (what) => scheduler.schedule(Promise.resolve(), what);
      const nodes = [node(new MemoryStore(tables, gate), 3), node(new MemoryStore(tables, gate), 3)];
      const waiting = '00000000-0000-7000-8000-000000000000';
      const attempts = steps.map(async (each) => {
        const ledger = nodes[each.node];
        if (!ledger) throw new Error('unreachable');
        if (each.forget) each.streams.forEach((stream) => ledger.projections.forget(stream));
        const streams = await Promise.all(each.streams.map(async (stream) => ({ stream, ...(each.conditional && { expected: (await ledger.projections.get(stream)).version }) })));
        try {
          const entry = await ledger.append(draft(streams, each.settles ? { settles: waiting } : {}));
          return { each, streams, entry };
        } catch (error) {
          return { each, streams, code: error instanceof FlyballError ? error.code : String(error) };
        }
      });
      await scheduler.waitFor(Promise.all(attempts));
      const results = await Promise.all(attempts);
      const acknowledged = results.flatMap(({ entry }) => (entry ? [entry] : []));
      expect([...tables.entries.keys()].toSorted()).toEqual(acknowledged.map(({ id }) => id).toSorted());
      for (const stream of ['session:a', 'session:b', 'identity:i']) {
        const stored = tables.stream(stream);
        expect(stored.map((entry) => entry.streams.find((at) => at.stream === stream)?.version)).toEqual(upTo(stored.length));
      }
      for (const { each, streams, entry, code } of results) {
        if (entry && each.conditional) expect(entry.streams.map(({ version }) => version - 1)).toEqual(streams.map(({ expected }) => expected));
        if (code !== undefined) expect(['already_settled', 'conflict']).toContain(each.settles ? code : code === 'conflict' && !each.conditional ? code : 'never');
      }
      expect(acknowledged.filter(({ settles }) => settles === waiting).length).toBeLessThanOrEqual(1);
      const fresh = node(new MemoryStore(tables));
      for (const ledger of nodes) {
        for (const stream of ['session:a', 'session:b', 'identity:i']) {
          ledger.projections.forget(stream);
          const state = scheduler.waitFor(stateOf(ledger, stream));
          expect(await state).toEqual(await stateOf(fresh, stream));
        }
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);

describe.skipIf(postgres === undefined)('two nodes on one PostgreSQL', () => {
  const open = async (url: string) => openPostgres(url, 'default');

  test('law: racing on one session, no version is decided on twice', async () => {
    const url = (await postgres?.database()) ?? '';
    const stores = await Promise.all([open(url), open(url)]);
    const ledgers = stores.map(({ entries }) => node(entries));
    const seen: number[] = [];
    const entries = await Promise.all(upTo(60).map((index) => decideAndAppend(ledgers[index % 2] ?? node(stores[0].entries), 'session:race', seen)));
    expect(seen.toSorted((a, b) => a - b)).toEqual(upTo(60).map((version) => version - 1));
    expect((await inStore(stores[0].entries, 'session:race')).toSorted()).toEqual(entries.map(({ id }) => id).toSorted());
    await Promise.all(stores.map((store) => store.close()));
  });

  test('law: outcomes without a condition are all recorded while both nodes write to one session', async () => {
    const url = (await postgres?.database()) ?? '';
    const stores = await Promise.all([open(url), open(url)]);
    const ledgers = stores.map(({ entries }) => node(entries));
    const results = await Promise.all(upTo(100).map((index) => ended((ledgers[index % 2] ?? node(stores[0].entries)).append(draft([{ stream: 'session:busy' }], { kind: 'outcome' })))));
    expect(results.filter((result) => result !== 'ok')).toEqual([]);
    expect(await versionsOf(stores[0].entries, 'session:busy')).toEqual(upTo(100));
    await Promise.all(stores.map((store) => store.close()));
  });
});
