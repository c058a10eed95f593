import { expect, test } from 'vitest';
import { codeOf, oneNode, said, startMs } from '../../../../test/support/approval-world.js';
import { limits } from '../lib/limits.js';

const policies = `@id("one") @outcome("step_up") @approvers("finance") @within("10m")\nforbid (principal, action == Action::"payment.release", resource);
@id("two") @outcome("step_up") @approvers("finance:2") @within("10m")\nforbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };`;
const untilMs = startMs + 60_000;

const house = () => oneNode(policies);

test('story: somebody answers for who is away, until the end that was given, or until one of the two ends it', async () => {
  const { world, node } = await house();
  const { id } = await node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs });
  const hold = await node.hold({ amount: 5 });
  await node.agree(hold, 'eve');
  expect(said(await node.ask({ amount: 5 }))).toBe('done');
  expect(await codeOf(node.approval.delegations.end(id, 'ben'))).toBe('approval_refused');
  expect(await codeOf(node.approval.delegations.end(id, 'Ann.Admin'))).toBe('none');
  expect(await codeOf(node.agree(await node.hold({ amount: 6 }), 'eve'))).toBe('approval_refused');
  await node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs });
  const late = await node.hold({ amount: 7 });
  world.clock.ms = untilMs;
  expect(await codeOf(node.agree(late, 'eve'))).toBe('approval_refused');
});

test.each<[string, Partial<{ from: string; to: string; groups: readonly string[]; untilMs: number }>, string]>([
  ['a group that one is not in', { groups: ['finance', 'security'] }, 'approval_refused'],
  ['no group', { groups: [] }, 'approval_refused'],
  ['nobody who is known', { to: 'mallory' }, 'approval_refused'],
  ['oneself', { to: 'ann' }, 'approval_refused'],
  ['oneself, by another account', { to: 'ann.admin' }, 'approval_refused'],
  ['an end in the past', { untilMs: startMs }, 'request_malformed'],
  ['no end', { untilMs: Infinity }, 'request_malformed'],
  ['an end that is none', { untilMs: NaN }, 'request_malformed'],
  ['an end in years', { untilMs: startMs + limits.delegationMsMax + 1 }, 'request_malformed'],
])('attack: nobody delegates to or for %s', async (_name, over, code) => {
  const { node } = await house();
  expect(await codeOf(node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs, ...over }))).toBe(code);
  expect(await node.approval.delegations.list()).toEqual([]);
});

test('law: one step and no further: what was lent to somebody they cannot lend', async () => {
  const { node } = await house();
  await node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs });
  expect(await codeOf(node.approval.delegations.give({ from: 'eve', to: 'dan', groups: ['finance'], untilMs }))).toBe('approval_refused');
  await node.approval.delegations.give({ from: 'ben', to: 'ann', groups: ['finance'], untilMs });
  const hold = await node.hold({ amount: 5 }, { onBehalfOf: 'ann' });
  // Eve speaks for ann, who asks; that ann speaks for ben is no right of eve's.
  expect(await codeOf(node.agree(hold, 'eve'))).toBe('approval_refused');
});

test('law: two people cannot each speak for the other, also when they try at the same moment', async () => {
  const { node } = await house();
  const codes = await Promise.all([codeOf(node.approval.delegations.give({ from: 'ann', to: 'ben', groups: ['finance'], untilMs })), codeOf(node.approval.delegations.give({ from: 'ben', to: 'ann', groups: ['finance'], untilMs }))]);
  expect(codes.sort()).toEqual(['approval_refused', 'none']);
});

test('attack: a person lends so often and no more', async () => {
  const { node } = await house();
  const give = () => codeOf(node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs }));
  for (let n = 0; n < limits.delegationsPerPersonMax; n++) expect(await give()).toBe('none');
  expect(await give()).toBe('overloaded');
});

test('abuse 35: who is away and who speaks for them are one voice', async () => {
  const { node } = await house();
  await node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs });
  const hold = await node.hold({ amount: 2_000 });
  await node.agree(hold, 'eve');
  await node.agree(hold, 'ann');
  expect(await node.stateOf(hold)).toBe('pending');
  const other = await node.hold({ amount: 3_000 });
  await node.agree(other, 'ann');
  expect(await codeOf(node.agree(other, 'eve'))).toBe('approval_refused');
  // Who speaks for two lends their voice to the one who has not been heard.
  await node.approval.delegations.give({ from: 'cyd', to: 'eve', groups: ['finance'], untilMs });
  await node.agree(other, 'eve');
  expect(await node.stateOf(other)).toBe('approved');
  await node.agree(hold, 'ben');
  expect(said(await node.ask({ amount: 2_000 }))).toBe('done');
});

test('abuse 33: who lent their right leaves the group, or who speaks for them is gone: it does not count', async () => {
  const { world, node } = await house();
  await node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs });
  const agreed = async (amount: number) => node.agree(await node.hold({ amount }), 'eve');
  // Answers of the same bundle count by the people of now, so only people change here.
  await agreed(1);
  world.bundle = { ...world.bundle, people: new Map([...world.bundle.people].filter(([id]) => id !== 'eve')) , digest: world.bundle.digest };
  expect((await (await world.node()).ask({ amount: 1 })).kind).toBe('held');
});
