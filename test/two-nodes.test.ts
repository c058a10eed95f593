import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { command, type RunningGovernor, waitFor } from './support/governor.js';
import { decisionOf } from './support/mcp.js';
import { startPostgres } from './support/postgres.js';
import { moneyBundle, openClient, reached, readRecord, startTwoNodes, transferTo, wasDone } from './support/exported-record.js';
import { resultOf, type WireClient } from './support/wire.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const guards = `
@id("ten-at-most") forbid (principal == Identity::"tester", action == Action::"money.move", resource)
when { context.session.counts has "money.move" && context.session.counts["money.move"] >= 10 };
@id("ask") @outcome("step_up") @approvers("finance")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };
`;

const identities = `identities:\n${['tester', 'other', 'third'].map((id) => `  - { id: ${id}, kind: service-account, autonomy: scripted, owner: tests, purpose: testing, groups: [testers] }\n`).join('')}`;

describe.skipIf(postgres === undefined)('two nodes on one PostgreSQL', () => {
  let canary: Canary;
  let nodes: readonly RunningGovernor[];
  let url: string;
  beforeAll(async () => {
    canary = await startCanary();
    url = (await postgres?.database()) ?? '';
    nodes = await startTwoNodes({ files: { ...moneyBundle(guards), 'bundle/identities.yaml': identities }, upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 10 }` }, url);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
    canary.stop();
  });

  const clients = (...more: [string?, ...string[]]): Promise<WireClient[]> => Promise.all(nodes.map((node) => openClient(node, ...more)));
  const split = <T>(count: number, each: (index: number) => Promise<T>) => Promise.all(Array.from({ length: count }, (_, index) => each(index)));
  const pick = (list: readonly WireClient[], index: number): WireClient => {
    const client = list[index % list.length];
    if (!client) throw new Error('no client');
    return client;
  };

  test('law: of 100 calls at once over both nodes exactly the ten that policy allows come through', async () => {
    const both = await clients('tester');
    const before = reached(canary).length;
    const answers = await split(100, (index) => transferTo(pick(both, index), `limited-${index}`));
    expect(reached(canary).length - before).toBe(10);
    expect(answers.filter(wasDone)).toHaveLength(10);
    expect(wasDone(await transferTo(pick(both, 0), 'one-more'))).toBe(false);
  });

  test.each([['on the node that did not write last', 1], ['over both nodes', 2]])('law: 100 permitted calls at once on one session, %s, are all made', async (name, used) => {
    const both = await clients('third');
    expect(wasDone(await transferTo(pick(both, 1), `${name}-elsewhere`))).toBe(true);
    const answers = await split(100, (index) => transferTo(pick(both, index % used), `${name}-${index}`));
    expect(answers.filter((answer) => !wasDone(answer)).length).toBe(0);
  });

  test.each([0, 1])('story: agreed to over one node, called again over the other: it happens (asked over node %i)', async (asked) => {
    const both = await clients('other');
    const to = `crossing-${asked}`;
    await Promise.all(both.map((client, index) => transferTo(client, `${to}-warm-${index}`)));
    const hold = decisionOf(resultOf(await transferTo(pick(both, asked), to, { amount: 4_000 }))).hold ?? '';
    expect(decisionOf(resultOf(await transferTo(pick(both, asked + 1), to, { amount: 4_000 }))).hold).toBe(hold);
    expect((await command(nodes[asked]?.directory ?? '', ['approve', hold, '--as', 'ann'])).stderr).toBe('');
    expect(wasDone(await transferTo(pick(both, asked + 1), to, { amount: 4_000 }))).toBe(true);
  });

  test('abuse 30: 16 redemptions of one approval over both nodes: one effect, and the hold is used on both', async () => {
    const both = await clients('other');
    const [first, second] = await Promise.all(both.map((client) => transferTo(client, 'shared', { amount: 5_000 })));
    const hold = first && decisionOf(resultOf(first)).hold;
    expect(second && decisionOf(resultOf(second)).hold).toBe(hold);
    expect((await command(nodes[1]?.directory ?? '', ['approve', hold ?? '', '--as', 'ann'])).stderr).toBe('');
    const answers = await split(16, (index) => transferTo(pick(both, index), 'shared', { amount: 5_000 }));
    expect(reached(canary).filter((to) => to === 'shared')).toHaveLength(1);
    expect(answers.filter(wasDone)).toHaveLength(1);
    const after = await Promise.all(both.map((client) => transferTo(client, 'shared', { amount: 5_000 })));
    expect(after.map((answer) => decisionOf(resultOf(answer)).hold === hold)).toEqual([false, false]);
  });

  test('abuse 35: two people agree on two nodes at the same moment: both votes are in the record', async () => {
    const both = await clients('other');
    const hold = decisionOf(resultOf(await transferTo(pick(both, 0), 'voted', { amount: 6_000 }))).hold ?? '';
    const votes = await Promise.all(nodes.map((node, index) => command(node.directory, ['approve', hold, '--as', index === 0 ? 'ann' : 'ben'])));
    expect(votes.map(({ stderr }) => stderr)).toEqual(['', '']);
    expect((await readRecord(nodes[0]?.directory ?? '', { FLYBALL_DATABASE_URL: url })).entries.filter(({ kind, body }) => kind === 'approval' && body['hold'] === hold)).toHaveLength(2);
  });

  test('law: a node that is killed: the other one settles what it left, and goes on', async () => {
    const [survivor, victim] = nodes;
    if (!survivor || !victim) throw new Error('unreachable');
    const both = await clients('other');
    await canary.control({ hang: true });
    const before = canary.calls().length;
    const lost = transferTo(pick(both, 1), 'orphan').catch(() => undefined);
    await waitFor(() => canary.calls().length > before || undefined, 10_000);
    await victim.kill('SIGKILL');
    await lost;
    await canary.control({ hang: false });
    expect(wasDone(await transferTo(pick(both, 0), 'survivor'))).toBe(true);
    const record = await waitFor(async () => {
      const now = await readRecord(survivor.directory, { FLYBALL_DATABASE_URL: url });
      return now.effectOf('orphan') === undefined ? undefined : now;
    }, 40_000);
    expect([record.effectOf('orphan'), record.effectOf('survivor')]).toEqual(['unknown', 'succeeded']);
    expect(record.faults()).toEqual([]);
  });
});
