import { describe, expect, test } from 'vitest';
import { codeOf, oneNode, said } from '../../../../test/support/approval-world.js';

const policies = `
@id("one") @outcome("step_up") @approvers("security:2") @emergency("outage") @within("10m")
forbid (principal, action == Action::"payment.release", resource);
@id("facts") @outcome("defer") @needs("vendor") @emergency("outage") @within("10m")
forbid (principal, action == Action::"payment.refund", resource) unless { context.facts has vendor && context.facts.vendor.checked };
@id("never") forbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };
@id("plain") @outcome("step_up") @approvers("security") @within("10m")
forbid (principal, action == Action::"shell.run", resource);
`;

async function house() {
  const { world, node, shared } = await oneNode(policies);
  const { emergencies } = node.approval;
  const declare = (person: string, over: object = {}) => emergencies.declare({ name: 'outage', person, incident: 'INC-1', reason: 'it is down', identity: '*', action: '*', ...over });
  return { world, node, emergencies, declare, shared };
}

describe('abuse 44', () => {
  test('abuse 44: two people open it, it lets through what names it, counts it, ends by itself, and is reviewed by somebody else', async () => {
    const { world, node, emergencies, declare } = await house();
    const { id } = await declare('ann');
    expect(said(await node.ask({ amount: 5 }))).toBe('held');
    await emergencies.confirm('outage', id, 'ben');
    expect([said(await node.ask({ amount: 5 })), said(await node.ask({ amount: 5 })), said(await node.ask({}, { tool: 'refund' }))]).toEqual(['done', 'done', 'done']);
    expect(said(await node.ask({ command: 'ls' }, { tool: 'run' }))).toBe('held');
    expect(said(await node.ask({ amount: 1_001 }))).toBe('refused: denied');
    expect((await emergencies.list(['outage']))[0]).toMatchObject({ uses: 3, ended: false });
    world.clock.ms += 3_600_000;
    expect(said(await node.ask({ amount: 5 }))).toBe('held');
    await node.settler.run();
    expect(await codeOf(emergencies.review('outage', id, 'dan', 'it was down'))).toBe('none');
    expect(await emergencies.list(['outage'])).toEqual([]);
  });

  test('abuse 44: who declared or confirmed one neither declares nor confirms another until somebody else has reviewed it', async () => {
    const { emergencies, declare } = await house();
    const { id } = await declare('ann');
    expect(await codeOf(declare('ann.admin'))).toBe('approval_refused');
    await emergencies.confirm('outage', id, 'cyd');
    await emergencies.end('outage', id, 'ann');
    for (const person of ['ann', 'cyd']) expect(await codeOf(declare(person))).toBe('approval_refused');
    const next = await declare('ben');
    for (const person of ['ann', 'cyd']) expect(await codeOf(emergencies.confirm('outage', next.id, person))).toBe('approval_refused');
    // Cyd reviews, but not what cyd confirmed.
    expect(await codeOf(emergencies.review('outage', id, 'cyd', 'fine'))).toBe('approval_refused');
    expect(await codeOf(emergencies.review('outage', id, 'ben', 'fine'))).toBe('approval_refused');
    expect(await codeOf(emergencies.review('outage', id, 'dan', 'fine'))).toBe('none');
    expect(await codeOf(emergencies.confirm('outage', next.id, 'ann'))).toBe('none');
  });

  test('story: two who declare the same trouble at once: one of them confirms the other\'s', async () => {
    const { node, emergencies, declare } = await house();
    const [first, second] = [await declare('ann'), await declare('ben')];
    expect(await codeOf(emergencies.confirm('outage', first.id, 'ben'))).toBe('none');
    expect(await codeOf(emergencies.confirm('outage', second.id, 'ann'))).toBe('approval_refused');
    expect(said(await node.ask({ amount: 5 }))).toBe('done');
  });

  test.each<[string, string, object, string]>([
    ['who is not named for it', 'dan', {}, 'approval_refused'],
    ['who is nobody', 'mallory', {}, 'approval_refused'],
    ['without an incident', 'ann', { incident: ' ' }, 'request_malformed'],
    ['without a reason', 'ann', { reason: '' }, 'request_malformed'],
    ['under a name that nobody declared', 'ann', { name: '__proto__' }, 'not_found'],
    ['for no time', 'ann', { forMs: 0 }, 'request_malformed'],
    ['for a time that is none', 'ann', { forMs: NaN }, 'request_malformed'],
    ['with somebody\'s own words where they would stay for ever', 'ann', { action: 'Jane Roe\'s payment' }, 'request_malformed'],
    ['for nobody', 'ann', { identity: '' }, 'request_malformed'],
  ])('attack: not declared: %s', async (_name, person, over, code) => {
    const { declare } = await house();
    expect(await codeOf(declare(person, over))).toBe(code);
  });

  test('attack: not longer than it may be, whatever is asked', async () => {
    const { world, declare } = await house();
    expect((await declare('ann', { forMs: 1e15 })).deadline).toBe(world.clock.ms + 3_600_000);
  });

  test('attack: who declared it does not confirm it, by no account; nobody confirms twice, nor what is over', async () => {
    const { emergencies, declare } = await house();
    const { id } = await declare('ann');
    expect(await codeOf(emergencies.confirm('outage', id, 'ann.admin'))).toBe('approval_refused');
    expect(await codeOf(emergencies.confirm('outage', id, 'dan'))).toBe('approval_refused');
    expect((await Promise.all(['ben', 'cyd'].map((person) => codeOf(emergencies.confirm('outage', id, person))))).sort()).toEqual(['already_settled', 'none']);
    await emergencies.end('outage', id, 'dan');
    expect(await codeOf(emergencies.end('outage', id, 'dan'))).toBe('already_settled');
    expect(await codeOf(emergencies.confirm('outage', id, 'ben'))).toBe('already_settled');
    expect(await codeOf(emergencies.confirm('outage', 'constructor', 'ben'))).toBe('not_found');
  });

  test('attack: it is not reviewed while it is open, not without a finding, and once', async () => {
    const { emergencies, declare } = await house();
    const { id } = await declare('ann');
    expect(await codeOf(emergencies.review('outage', id, 'dan', 'x'))).toBe('conflict');
    await emergencies.end('outage', id, 'ann');
    expect(await codeOf(emergencies.review('outage', id, 'dan', ' '))).toBe('request_malformed');
    expect(await codeOf(emergencies.review('outage', id, 'dan', 'x'))).toBe('none');
    expect(await codeOf(emergencies.review('outage', id, 'dan', 'x'))).toBe('not_found');
  });

  test('attack: who declared it was erased: it could have been anybody, so nobody of them reviews it', async () => {
    const { world, node, emergencies, declare, shared } = await house();
    const { id } = await declare('ann');
    await emergencies.end('outage', id, 'ann');
    await shared.names.eraseName('ann');
    node.names.forget();
    expect(await codeOf(emergencies.review('outage', id, 'dan', 'x'))).toBe('approval_refused');
    expect(world.effects).toEqual([]);
  });

  test('attack: what was decided in an emergency and comes to be recorded after its end is decided again', async () => {
    const { world, node, emergencies, declare } = await house();
    const { id } = await declare('ann');
    await emergencies.confirm('outage', id, 'ben');
    const room = node.approval as { approve: typeof node.approval.approve };
    const approve = room.approve.bind(room);
    room.approve = async (decided) => {
      const approval = await approve(decided);
      await codeOf(emergencies.end('outage', id, 'dan'));
      return approval;
    };
    expect(said(await node.ask({ amount: 5 }))).toBe('held');
    expect(world.effects).toEqual([]);
  });

  test('law: nothing is let through that is recorded after its end, whichever node ended it', async () => {
    const { world, node, emergencies, declare, shared } = await house();
    const { id } = await declare('ann');
    await emergencies.confirm('outage', id, 'ben');
    const other = await world.node();
    await Promise.all([...Array.from({ length: 10 }, (_, n) => (n % 2 ? node : other).ask({ amount: n })), other.approval.emergencies.end('outage', id, 'dan'), ...Array.from({ length: 10 }, (_, n) => (n % 2 ? node : other).ask({ amount: 20 + n }))]);
    const stream = shared.tables.stream('emergency:outage').map(({ kind }) => kind);
    expect(stream.slice(stream.indexOf('emergency.ended') + 1)).toEqual([]);
  });

  test('story: a refused question stays refused in an emergency', async () => {
    const { node, emergencies, declare } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.refuse(hold, 'dan');
    const { id } = await declare('ann');
    await emergencies.confirm('outage', id, 'ben');
    expect(said(await node.ask({ amount: 5 }))).toBe('refused: approval_refused');
  });
});
