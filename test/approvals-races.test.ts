import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ending } from '../packages/server/src/action/run.js';
import { limits } from '../packages/server/src/lib/limits.js';
import { openEmbedded, openPostgres, type OpenStore } from '../packages/server/src/store/open.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApprovalNode, ApprovalWorld, codeOf, onStores, said } from './support/approval-world.js';
import { startPostgres } from './support/postgres.js';

const policies = `
@id("one") @outcome("step_up") @approvers("finance") @within("1h")
forbid (principal, action == Action::"payment.release", resource);
@id("standing") @outcome("step_up") @approvers("security") @standing("count=10, within=1h") @within("1h")
forbid (principal, action == Action::"shell.run", resource);
`;
/** Attempts in all; a hundred thousand where there is time for them. */
const tries = Number(process.env['FLYBALL_APPROVAL_RACES'] ?? 500);
const atOnce = 50;

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

describe.skipIf(postgres === undefined)('two nodes on one PostgreSQL', () => {
  const stores: OpenStore[] = [];
  let world: ApprovalWorld;
  let nodes: readonly [ApprovalNode, ApprovalNode];
  beforeAll(async () => {
    const url = (await postgres?.database()) ?? '';
    const [first, second] = [await openPostgres(url, 'main'), await openPostgres(url, 'main')];
    stores.push(first, second);
    world = new ApprovalWorld({ policies }, onStores([first, second]));
    nodes = [await world.node(), await world.node()];
  });
  afterAll(() => Promise.all(stores.map((store) => store.close())));

  const race = (count: number, each: (node: ApprovalNode) => Promise<Ending>) => Promise.all(Array.from({ length: count }, (_, n) => each(nodes[n % 2] ?? nodes[0])));
  const done = (ends: readonly Ending[]) => ends.filter((ending) => said(ending) === 'done').length;

  test(`abuse 30: ${tries} attempts, ${atOnce} at a time over two nodes, on approvals: each is used once, never twice`, async () => {
    for (let round = 0; round * atOnce < tries; round++) {
      world.clock.ms += 60_000;
      const args = { amount: round };
      const hold = await nodes[round % 2 === 0 ? 0 : 1].hold(args);
      await nodes[1].agree(hold, 'ann');
      const before = world.effects.length;
      const ends = await race(atOnce, (node) => node.ask(args));
      expect([round, done(ends), world.effects.length - before]).toEqual([round, 1, 1]);
      expect(await nodes[0].stateOf(hold)).toBe('used');
      // What came after it is another question, and one for all of them.
      const others = new Set(ends.flatMap((ending) => (ending.kind === 'held' ? [ending.hold.id] : [])));
      expect([others.has(hold), others.size <= 1]).toEqual([false, true]);
      for (const other of others) await nodes[0].approval.holds.cancel(other, { identity: 'robot' });
    }
  }, 3_600_000);

  test('law: the last uses of a standing approval are raced for over two nodes: never one more than was agreed to', async () => {
    for (let round = 0; round < Math.max(2, tries / 1_000); round++) {
      world.clock.ms += 60_000;
      const args = { command: `ls ${round}` };
      const hold = await nodes[0].hold(args, { tool: 'run' });
      await nodes[1].agree(hold, 'dan', { standing: { count: 5, withinMs: 600_000 } });
      const before = world.effects.length;
      const ends = await race(30, (node) => node.ask(args, { tool: 'run' }));
      // The question itself once, and five by the standing approval.
      expect([done(ends), world.effects.length - before]).toEqual([6, 6]);
    }
  }, 600_000);

  test('abuse 37: yes on one node and no on the other: one order, the same on both, and nothing happens', async () => {
    for (let round = 0; round < 10; round++) {
      world.clock.ms += 60_000;
      const args = { amount: 1_000_000 + round };
      const hold = await nodes[0].hold(args);
      const [yes, no] = await Promise.all([codeOf(nodes[0].agree(hold, 'ann')), codeOf(nodes[1].refuse(hold, 'ben'))]);
      expect([no, ['none', 'already_settled'].includes(yes)]).toEqual(['none', true]);
      expect(await Promise.all(nodes.map((node) => node.stateOf(hold)))).toEqual(['refused', 'refused']);
      expect((await race(4, (node) => node.ask(args))).map(said)).toEqual(Array.from({ length: 4 }, () => 'refused: approval_refused'));
      const late = await stores[0]?.pool.query<{ count: string }>(`select count(*) from entry where kind = 'answer.late' and body like $1`, [`%${hold}%`]);
      expect(Number(late?.rows[0]?.count)).toBe(yes === 'none' ? 0 : 1);
    }
  }, 120_000);
});

describe('a flood', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flyball-flood-'));
  let store: OpenStore;
  beforeAll(async () => void (store = await openEmbedded(directory, 'main')));
  afterAll(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  test('abuse 39: an agent that asks 10,000 times: it is throttled, others\' questions are asked and seen, and answers come through', async () => {
    const world = new ApprovalWorld({ policies }, onStores([store]));
    const node = await world.node();
    const words = new Map<string, number>();
    for (let n = 0; n < 10_000; n += 200) {
      const ends = await Promise.all(Array.from({ length: 200 }, (_, k) => node.ask({ amount: n + k })));
      for (const ending of ends) words.set(said(ending), (words.get(said(ending)) ?? 0) + 1);
    }
    expect(words.get('held')).toBeLessThanOrEqual(limits.holdsPerSessionMax);
    expect((words.get('held') ?? 0) + (words.get('refused: overloaded') ?? 0) + (words.get('refused: conflict') ?? 0)).toBe(10_000);
    const hold = await node.hold({ amount: 1 }, { as: 'other', onBehalfOf: 'zoe' });
    const { rows } = node.board.page(new Set(['finance']), undefined, 50);
    expect(rows.map((row) => [row.hold.identity, row.like])).toEqual([['robot', words.get('held')], ['other', 1]]);
    await node.agree(hold, 'ann');
    expect(said(await node.ask({ amount: 1 }, { as: 'other', onBehalfOf: 'zoe' }))).toBe('done');
    world.clock.ms += 60_000;
    expect(said(await node.ask({ amount: 20_000 }))).toBe('refused: overloaded');
    world.clock.ms += 3_600_000;
    await node.settler.run();
    expect(said(await node.ask({ amount: 20_000 }))).toBe('held');
  }, 300_000);
});
