import { expect, test } from 'vitest';
import { type ApprovalNode, codeOf, oneNode, said } from '../../../../test/support/approval-world.js';
import { StandingResume } from './standing-resume.js';

const policies = '@id("one") @outcome("step_up") @approvers("finance") @standing("count=3, within=1h") @within("10m")\nforbid (principal, action == Action::"payment.release", resource);';
const wish = { count: 3, withinMs: 60_000 };

/** A node that took the answer that completed a question, and died before what it leads to began. */
async function died() {
  const { world, node, entries } = await oneNode(policies);
  const hold = await node.hold({ amount: 10 });
  node.approval.standing.begin = () => Promise.reject(new Error('gone'));
  const told = await codeOf(node.agree(hold, 'ann', { standing: wish }));
  const [approval] = entries('approval');
  if (!approval) throw new Error('not recorded');
  const troubles: unknown[] = [];
  const resumeOf = ({ board, approval: { standing } }: ApprovalNode) => new StandingResume({ board, standing, now: () => world.clock.now(), trouble: (error) => troubles.push(error) });
  const begun = () => entries('standing.granted').length;
  return { world, hold, told, approval, troubles, resumeOf, begun };
}

test('law: a node that comes after it begins it, once, and as of the answer', async () => {
  const { world, told, troubles, resumeOf, begun } = await died();
  expect([told, begun()]).toEqual(['store_unavailable', 0]);
  world.clock.ms += 20_000;
  for (const node of [await world.node(), await world.node()]) {
    const resume = resumeOf(node);
    for (let round = 0; round < 3; round++) await resume.round();
  }
  expect([begun(), troubles]).toEqual([1, []]);
  const node = await world.node();
  expect((await node.approval.standing.list()).map(({ untilMs }) => untilMs - world.clock.now())).toEqual([40_000]);
  for (const amount of [10, 10]) expect(said(await node.ask({ amount }))).toBe('done');
});

test('law: a node that was there all the time begins it as well, also when the question was used meanwhile', async () => {
  const { world, approval, resumeOf, begun } = await died();
  const node = await world.node();
  const resume = resumeOf(node);
  await resume.round();
  expect(begun()).toBe(1);
  const second = await died();
  const other = await second.world.node();
  expect(said(await other.ask({ amount: 10 }))).toBe('done');
  const late = second.resumeOf(other);
  await late.round();
  late.notice(second.approval);
  late.notice(approval);
  await late.round();
  // The node that took the answer has its time.
  expect(second.begun()).toBe(0);
  second.world.clock.ms += 5_000;
  await late.round();
  expect(second.begun()).toBe(1);
});

test('law: two nodes at the same moment begin one', async () => {
  const { world, resumeOf, begun } = await died();
  const nodes = [await world.node(), await world.node(), await world.node()];
  await Promise.all(nodes.map((node) => resumeOf(node).round()));
  expect(begun()).toBe(1);
});

test('attack: what was taken back is not begun again', async () => {
  const { world, resumeOf, begun } = await died();
  const node = await world.node();
  await resumeOf(node).round();
  const [standing] = await node.approval.standing.list();
  await node.approval.standing.end(standing?.id ?? '', 'ben', false);
  const later = await world.node();
  await resumeOf(later).round();
  expect([begun(), await later.approval.standing.list()]).toEqual([1, []]);
});

test('attack: past its time, refused, or with nobody left who may agree, nothing begins', async () => {
  const late = await died();
  late.world.clock.ms += 60_000;
  await late.resumeOf(await late.world.node()).round();
  const refused = await died();
  await (await refused.world.node()).refuse(refused.hold, 'ben');
  const node = await refused.world.node();
  const resume = refused.resumeOf(node);
  resume.notice(refused.approval);
  refused.world.clock.ms += 5_000;
  await resume.round();
  const left = await died();
  left.world.activate({ policies, people: 'people:\n  - { id: ann, groups: [sales] }\n  - { id: ben, groups: [finance] }\n' });
  await left.resumeOf(await left.world.node()).round();
  expect([late.begun(), refused.begun(), left.begun()]).toEqual([0, 0, 0]);
});

test('law: what cannot be recorded now is tried again, and what nobody finds is let be', async () => {
  const { world, hold, approval, troubles, resumeOf, begun } = await died();
  const node = await world.node();
  const resume = resumeOf(node);
  const { standing } = node.approval;
  const again = standing.resume.bind(standing);
  standing.resume = () => Promise.reject(new Error('not now'));
  await resume.round();
  expect([troubles.length, begun()]).toEqual([1, 0]);
  standing.resume = again;
  resume.notice({ ...approval, body: { hold: hold.replace(/^..../, '0000'), standing: wish } });
  world.clock.ms += 5_000;
  for (let round = 0; round < 2; round++) await resume.round();
  expect([troubles.length, begun()]).toEqual([1, 1]);
});
