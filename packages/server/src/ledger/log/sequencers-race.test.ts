import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { place, record } from '../../../../../test/support/entries.js';
import { faultsOf, origin, sequencerOn, Signed } from '../../../../../test/support/log-kit.js';
import { MemoryLog, MemoryLogTables } from '../../../../../test/support/log-memory.js';

const folder = mkdtempSync(join(tmpdir(), 'flyball-race-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const startMs = 1_700_000_000_000;
const leaseMs = 5_000;

/** Nodes whose every step waits until the test lets it happen, on a clock that only the test moves. */
class World {
  #now = startMs;
  readonly tables = new MemoryLogTables(() => this.#now);
  readonly signed = new Signed();
  readonly waiting: (() => void)[] = [];
  readonly acknowledged: string[] = [];
  readonly troubles: unknown[] = [];
  readonly #idle: boolean[];
  readonly #nodes;

  constructor(count: number) {
    const gate = () => new Promise<void>((go) => void this.waiting.push(go));
    this.#nodes = Array.from({ length: count }, (_, index) => sequencerOn({ store: new MemoryLog(this.tables, gate), file: join(folder, `${++files}`), holder: `node-${index}`, signed: this.signed, now: () => this.#now }));
    this.#idle = this.#nodes.map(() => true);
    void new MemoryLog(this.tables).open(origin);
  }

  /** An entry whose time is up to some milliseconds older than what was written before it. */
  write(lateMs: number): void {
    const one = record([place('session:a', 1)], { at: ++this.#now - lateMs });
    this.tables.commit(one);
    this.acknowledged.push(one.entry.id);
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  begin(index: number): void {
    const node = this.#nodes[index % this.#nodes.length];
    if (!node || !this.#idle[index % this.#nodes.length]) return;
    this.#idle[index % this.#nodes.length] = false;
    void node.round().catch((error: unknown) => this.troubles.push(error)).finally(() => (this.#idle[index % this.#nodes.length] = true));
  }

  async step(which: number): Promise<void> {
    const [go] = this.waiting.splice(which % Math.max(1, this.waiting.length), 1);
    go?.();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  async finish(): Promise<void> {
    for (let round = 0; this.tables.waiting.size > 0 || this.#idle.includes(false); round++) {
      if (round > 10_000) throw new Error('the log does not go on');
      if (this.waiting.length === 0) {
        this.pass(leaseMs + 1);
        this.#nodes.forEach((_, index) => this.begin(index));
      }
      await this.step(round);
      await new Promise((done) => setImmediate(done));
    }
  }
}

type Move = readonly [kind: 'write' | 'pass' | 'begin' | 'step', value: number];
const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('write' as const), fc.nat(20)),
    fc.tuple(fc.constant('pass' as const), fc.constantFrom(10, 1_700, leaseMs + 1)),
    fc.tuple(fc.constant('begin' as const), fc.nat(2)),
    { arbitrary: fc.tuple(fc.constant('step' as const), fc.nat(9)), weight: 6 },
  ),
  { maxLength: 120 },
);

async function play(list: readonly Move[], nodes: number): Promise<World> {
  const world = new World(nodes);
  for (const [kind, value] of list) {
    if (kind === 'write') world.write(value);
    else if (kind === 'pass') world.pass(value);
    else if (kind === 'begin') world.begin(value);
    else await world.step(value);
  }
  await world.finish();
  return world;
}

const runs = { numRuns: 400 };

test.each([2, 3])('abuse 70: law: %i sequencers in any order, with leases that end in between: one log, every entry once, and no tree signed, shown or not, that is no beginning of it', async (nodes) => {
  await fc.assert(fc.asyncProperty(moves, async (list) => {
    const world = await play([['write', 0], ...list], nodes);
    expect(await faultsOf(new MemoryLog(world.tables), world.signed.signed, world.acknowledged)).toEqual([]);
  }), runs);
}, 60_000);

test('abuse 70: law: sequencers that only meet each other have no trouble to tell', async () => {
  await fc.assert(fc.asyncProperty(moves, async (list) => {
    const world = await play([['write', 0], ...list], 3);
    expect(world.troubles).toEqual([]);
  }), runs);
}, 60_000);
