import { describe, expect, test } from 'vitest';
import { codeOf, oneNode, said } from '../../../../test/support/approval-world.js';

const rule = (standing: string, approvers = 'finance', more = '') => `@id("one") @outcome("step_up") @approvers("${approvers}") @standing("${standing}") ${more} @within("10m")\nforbid (principal, action == Action::"payment.release", resource);`;
const bounds = 'count=3, within=1h, sum=amount:100, free=payee';
const wish = { count: 3, withinMs: 60_000, sum: { argument: 'amount', most: 100 } };

async function house(policies = rule(bounds)) {
  const { node, ...more } = await oneNode(policies);
  const agreeFor = async (args: object = { amount: 10 }, person = 'ann') => {
    const hold = await node.hold(args as { amount: number });
    await node.agree(hold, person, { standing: wish });
    return hold;
  };
  return { node, agreeFor, ...more };
}

test('story: agreed to once for several: what is like it runs without a question, so often, so much, so long', async () => {
  const { world, node, agreeFor, entries } = await house();
  await agreeFor();
  // The question itself is used up by the first; the standing approval covers the others.
  expect(said(await node.ask({ amount: 10 }))).toBe('done');
  for (const amount of [20, 30]) expect(said(await node.ask({ amount, payee: `p${amount}` }))).toBe('done');
  expect(said(await node.ask({ amount: 51 }))).toBe('held');
  expect(said(await node.ask({ amount: 50 }))).toBe('done');
  expect(said(await node.ask({ amount: 1 }))).toBe('held');
  expect(world.effects).toHaveLength(4);
  expect(entries('intent').map(({ body }) => (body as { means?: readonly { spent?: number }[] }).means?.map(({ spent }) => spent))).toEqual([undefined, [200_000], [300_000], [500_000]]);
});

test('story: over when its time is, also for a node that was not there', async () => {
  const { world, agreeFor } = await house();
  await agreeFor();
  const other = await world.node();
  world.clock.ms += 59_999;
  expect(said(await other.ask({ amount: 20 }))).toBe('done');
  world.clock.ms += 1;
  expect(said(await other.ask({ amount: 20 }))).toBe('held');
  expect(await other.approval.standing.list()).toEqual([]);
});

test.each<[string, object]>([
  ['more often than the rule accepts', { ...wish, count: 4 }],
  ['longer than the rule accepts', { ...wish, withinMs: 3_600_001 }],
  ['more than the rule accepts', { ...wish, sum: { argument: 'amount', most: 101 } }],
  ['without a sum', { count: 3, withinMs: 60_000 }],
  ['of another sum', { ...wish, sum: { argument: 'count', most: 1 } }],
  ['none at all', { ...wish, count: 0 }],
  ['half of one', { ...wish, count: 1.5 }],
  ['for no time', { ...wish, withinMs: NaN }],
])('attack: nobody agrees to %s', async (_name, standing) => {
  const { node, entries } = await house();
  const hold = await node.hold({ amount: 10 });
  expect(['approval_refused', 'request_malformed']).toContain(await codeOf(node.agree(hold, 'ann', { standing: standing as typeof wish })));
  expect(entries('standing.granted')).toEqual([]);
});

describe('of several who agree', () => {
  test('attack: answers beyond those that were needed begin no second one', async () => {
    const { node, agreeFor, entries } = await house();
    const hold = await agreeFor();
    await node.agree(hold, 'ben', { standing: wish });
    await node.agree(hold, 'cyd', { standing: wish });
    expect(entries('standing.granted')).toHaveLength(1);
  });

  test('attack: two who answer at the same moment begin one', async () => {
    const { node, entries } = await house(rule(bounds, 'finance:2'));
    const hold = await node.hold({ amount: 10 });
    await Promise.all(['ann', 'ben', 'cyd'].map((person) => node.agree(hold, person, { standing: wish })));
    expect(entries('standing.granted')).toHaveLength(1);
  });

  test('story: it goes as far as the most careful of them, and not at all where one agreed to this once', async () => {
    const { node, entries } = await house(rule(bounds, 'finance:2'));
    const [first, second] = [await node.hold({ amount: 10 }), await node.hold({ amount: 20 })];
    await node.agree(first, 'ann', { standing: wish });
    await node.agree(first, 'ben', { standing: { count: 1, withinMs: 5_000, sum: { argument: 'amount', most: 7 } } });
    await node.agree(second, 'ann', { standing: wish });
    await node.agree(second, 'ben');
    expect(entries('standing.granted').map(({ body, deadline, at }) => [(body as typeof wish).count, (body as typeof wish).sum.most, (deadline ?? 0) - at])).toEqual([[1, 7, 5_000]]);
  });

  test('attack: a cap is of one question: with it there is no standing approval', async () => {
    const { node } = await house();
    const hold = await node.hold({ amount: 10 });
    expect(await codeOf(node.agree(hold, 'ann', { standing: wish, narrow: { caps: { amount: 5 } } }))).toBe('request_malformed');
  });

  test('attack: what somebody refused at the same moment begins nothing', async () => {
    const { node, entries } = await house(rule(bounds, 'finance:2'));
    const hold = await node.hold({ amount: 10 });
    await node.agree(hold, 'ann', { standing: wish });
    const { standing, questions } = node.approval;
    const begin = standing.begin.bind(standing);
    // Between the answer that completes the others and what it begins.
    standing.begin = async () => {
      await node.refuse(hold, 'cyd');
      await begin(await questions.find(hold));
    };
    await node.agree(hold, 'ben', { standing: wish });
    expect(entries('standing.granted')).toEqual([]);
    expect(said(await node.ask({ amount: 10 }))).toBe('refused: approval_refused');
  });
});

describe('its end', () => {
  test('story: who may answer such questions takes it back, and so does an administrator; nobody else', async () => {
    const { node, agreeFor } = await house();
    await agreeFor();
    const [{ id } = { id: '' }] = await node.approval.standing.list();
    expect(await codeOf(node.approval.standing.end(id, 'dan', false))).toBe('approval_refused');
    expect(await codeOf(node.approval.standing.end('none', 'ann', false))).toBe('not_found');
    expect(await codeOf(node.approval.standing.end(id, 'ben', false))).toBe('none');
    expect(await codeOf(node.approval.standing.end(id, 'operator', true))).toBe('not_found');
    expect(said(await node.ask({ amount: 20 }))).toBe('held');
  });

  test('abuse 33: who agreed leaves the group: it stands no longer', async () => {
    const { world, node, agreeFor } = await house();
    await agreeFor();
    world.activate({ policies: rule(bounds), people: 'people:\n  - { id: ann, groups: [sales] }\n  - { id: ben, groups: [finance] }\n' });
    expect(said(await node.ask({ amount: 20 }))).toBe('held');
  });

  test('abuse 34: the rule becomes narrower: what was agreed to before goes no further', async () => {
    const { world, node, agreeFor } = await house();
    await agreeFor();
    world.activate({ policies: rule('count=3, within=1h, sum=amount:25, free=payee') });
    expect([said(await node.ask({ amount: 20 })), said(await node.ask({ amount: 20, payee: 'x' }))]).toEqual(['done', 'held']);
  });

  test('attack: its scope is erased: it covers nothing, also after a restart', async () => {
    const { world, agreeFor, shared, entries } = await house();
    await agreeFor();
    const [granted] = entries('standing.granted');
    const record = shared.tables.entries.get(granted?.id ?? '');
    if (record) shared.tables.entries.set(record.entry.id, { entry: record.entry, text: record.text, leaf: record.leaf });
    expect(said(await (await world.node()).ask({ amount: 20 }))).toBe('held');
  });
});

test('law: two nodes race for its last uses: never one more than was agreed to', async () => {
  const { world, node, agreeFor, entries } = await house();
  await agreeFor();
  await node.ask({ amount: 10 });
  const nodes = [node, await world.node(), await world.node()];
  const ends = await Promise.all(Array.from({ length: 30 }, (_, n) => (nodes[n % 3] ?? node).ask({ amount: 5 })));
  expect(ends.filter((ending) => said(ending) === 'done')).toHaveLength(3);
  expect(entries('intent').filter(({ body }) => (body as { means?: unknown }).means !== undefined)).toHaveLength(3);
});
