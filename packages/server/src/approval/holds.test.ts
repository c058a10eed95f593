import { describe, expect, test } from 'vitest';
import { codeOf, oneNode, said } from '../../../../test/support/approval-world.js';
import { limits } from '../lib/limits.js';

const policies = `
@id("one") @outcome("step_up") @approvers("finance") @within("10m")
forbid (principal, action == Action::"payment.release", resource);
@id("two") @outcome("step_up") @approvers("finance:2") @apart("owner") @within("10m")
forbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };
@id("ticketed") @outcome("step_up") @approvers("security") @evidence("ticket") @within("10m")
forbid (principal, action == Action::"shell.run", resource);
@id("signed") @outcome("step_up") @approvers("security") @signature("webauthn") @within("10m")
forbid (principal, action == Action::"object.copy", resource);
@id("facts") @outcome("defer") @needs("vendor") @within("10m")
forbid (principal, action == Action::"payment.refund", resource) unless { context.facts has vendor && context.facts.vendor.checked };
`;
const house = () => oneNode(policies);

describe('answers', () => {
  test('story: agreed to, it runs once; every answer is bound to the digest', async () => {
    const { world, node, entries } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.agree(hold, 'ann');
    expect(await node.stateOf(hold)).toBe('approved');
    expect([said(await node.ask({ amount: 5 })), said(await node.ask({ amount: 5 }))]).toEqual(['done', 'held']);
    expect(world.effects).toEqual([{ amount: 5 }]);
    expect(await node.stateOf(hold)).toBe('used');
    expect(entries('approval').map(({ body }) => (body as { digest: string }).digest)).toEqual([(entries('intent')[0]?.body as { digest: string }).digest]);
  });

  test.each<[string, string, object, string]>([
    ['who is in no group', 'eve', {}, 'approval_refused'],
    ['who is nobody', 'mallory', {}, 'approval_refused'],
    ['who is of another group', 'dan', {}, 'approval_refused'],
    ['the operator', 'operator', {}, 'approval_refused'],
    ['who saw another question', 'ann', { seen: 'sha256:other' }, 'approval_refused'],
    ['evidence that is none', 'ann', { evidence: [{ kind: 'ticket', value: 'x' }] }, 'request_malformed'],
    ['evidence without end', 'ann', { evidence: Array.from({ length: 51 }, () => ({ kind: 'plan', value: 1 })) }, 'request_malformed'],
    ['evidence of a megabyte', 'ann', { evidence: [{ kind: 'plan', value: 'x'.repeat(1e6) }] }, 'request_too_large'],
    ['a standing approval that no rule accepts', 'ann', { standing: { count: 1, withinMs: 1_000 } }, 'approval_refused'],
    ['more than was asked', 'ann', { narrow: { caps: { amount: 6 } } }, 'request_malformed'],
  ])('attack: not accepted: %s', async (_name, person, over, code) => {
    const { node, entries } = await house();
    const hold = await node.hold({ amount: 5 });
    expect(await codeOf(node.agree(hold, person, over))).toBe(code);
    expect([entries('approval').length, await node.stateOf(hold)]).toEqual([0, 'pending']);
  });

  test('abuse 32: nobody agrees to what they asked for, by no account, in nobody\'s name, and with no service between', async () => {
    const { node } = await house();
    const holds = [await node.hold({ amount: 5 }, { onBehalfOf: 'ann' }), await node.hold({ amount: 5 }, { onBehalfOf: 'Ann.Admin' }), await node.hold({ amount: 5 }, { onBehalfOf: 'carl', chain: ['ann'] })];
    await node.approval.delegations.give({ from: 'ben', to: 'ann', groups: ['finance'], untilMs: startOf(node) + 60_000 });
    await node.approval.delegations.give({ from: 'ann', to: 'eve', groups: ['finance'], untilMs: startOf(node) + 60_000 });
    for (const hold of holds) for (const person of ['ann', 'ann.admin', 'eve']) expect(await codeOf(node.agree(hold, person))).toBe('approval_refused');
    for (const hold of holds) expect(await codeOf(node.agree(hold, 'ben'))).toBe('none');
  });

  test('abuse 32: the owner is kept apart where the rule says so', async () => {
    const { node } = await house();
    const hold = await node.hold({ amount: 2_000 }, { as: 'other' });
    // The rule for small amounts takes the owner; the one for large ones has to be met as well.
    await node.agree(hold, 'ann');
    await node.agree(hold, 'ben');
    expect(await node.stateOf(hold)).toBe('pending');
    await node.agree(hold, 'cyd');
    expect(said(await node.ask({ amount: 2_000 }, { as: 'other' }))).toBe('done');
  });

  test('abuse 35: one person once, whichever account', async () => {
    const { node } = await house();
    const hold = await node.hold({ amount: 2_000 });
    const answers = await Promise.all([codeOf(node.agree(hold, 'ann')), codeOf(node.agree(hold, 'ann')), codeOf(node.agree(hold, 'ann.admin'))]);
    expect(answers.sort()).toEqual(['approval_refused', 'approval_refused', 'none']);
    expect(await node.stateOf(hold)).toBe('pending');
  });

  test('abuse 37: yes and no at once: one order; who comes after the end is told so, and is in the record once', async () => {
    const { node, entries } = await house();
    const hold = await node.hold({ amount: 5 });
    await Promise.all([codeOf(node.agree(hold, 'ann')), node.refuse(hold, 'ben')]);
    expect(await node.stateOf(hold)).toBe('refused');
    expect(said(await node.ask({ amount: 5 }))).toBe('refused: approval_refused');
    for (let turn = 0; turn < 3; turn++) expect(await codeOf(node.agree(hold, 'cyd'))).toBe('already_settled');
    const late = entries('answer.late').filter(({ body }) => (body as { agrees: boolean }).agrees);
    expect(late.map(({ body }) => (body as { state: string }).state)).toContain('refused');
    expect(new Set(late.map(({ body }) => (body as { person: string }).person)).size).toBe(late.length);
  });

  test('attack: who may not answer adds nothing to the record after its end either', async () => {
    const { node, entries } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.refuse(hold, 'ben');
    const before = entries('answer.late').length;
    for (const person of ['eve', 'dan', 'mallory']) expect(await codeOf(node.agree(hold, person))).toBe('already_settled');
    expect(entries('answer.late')).toHaveLength(before);
  });

  test('story: evidence first, from who asks or with the answer', async () => {
    const { node } = await house();
    const hold = await node.hold({ command: 'ls' }, { tool: 'run' });
    expect(await codeOf(node.agree(hold, 'dan'))).toBe('approval_refused');
    expect(await codeOf(node.approval.holds.attach(hold, { kind: 'ticket', value: 'none' }))).toBe('request_malformed');
    await node.approval.holds.attach(hold, { kind: 'ticket', value: 7 });
    await node.agree(hold, 'dan');
    expect(said(await node.ask({ command: 'ls' }, { tool: 'run' }))).toBe('done');
    const other = await node.hold({ command: 'ps' }, { tool: 'run' });
    await node.agree(other, 'dan', { evidence: [{ kind: 'ticket', value: 8 }] });
    expect(await node.stateOf(other)).toBe('approved');
  });

  test('attack: evidence without end is not taken', async () => {
    const { node } = await house();
    const hold = await node.hold({ command: 'ls' }, { tool: 'run' });
    for (let n = 0; n < limits.evidencePerHoldMax; n++) await node.approval.holds.attach(hold, { kind: 'plan', value: n });
    expect(await codeOf(node.approval.holds.attach(hold, { kind: 'plan', value: 1 }))).toBe('overloaded');
  });

  test('attack: what has to be signed is not agreed to without, nor with others', async () => {
    const { node } = await house();
    const hold = await node.hold({ source: 'a', destination: 'b' }, { tool: 'copy' });
    expect(await codeOf(node.agree(hold, 'dan'))).toBe('approval_refused');
    expect(await codeOf(node.approval.holds.answerAll([hold], { person: 'dan', agrees: true, reason: '' }))).toBe('approval_refused');
    expect(await codeOf(node.refuse(hold, 'dan'))).toBe('none');
  });

  test('story: what waits for facts nobody can answer; when they are there it is told once', async () => {
    const { node, entries } = await house();
    const hold = await node.hold({}, { tool: 'refund' });
    expect(await codeOf(node.agree(hold, 'ann'))).toBe('approval_refused');
    await node.approval.holds.arrived(hold, ['vendor']);
    await node.approval.holds.arrived(hold, ['vendor']);
    expect(entries('facts.arrived')).toHaveLength(1);
    expect((await node.approval.questions.status(hold)).arrived).toBe(true);
  });

  test('story: narrower: less, and not so long', async () => {
    const { world, node } = await house();
    const hold = await node.hold({ amount: 500 });
    await node.agree(hold, 'ann', { narrow: { caps: { amount: 100 }, untilMs: world.clock.ms + 1_000 } });
    expect(said(await node.ask({ amount: 500 }))).toBe('done');
    expect(world.effects).toEqual([{ amount: 100 }]);
    const next = await node.hold({ amount: 400 });
    await node.agree(next, 'ann', { narrow: { untilMs: world.clock.ms + 1_000 } });
    world.clock.ms += 1_000;
    expect(said(await node.ask({ amount: 400 }))).toBe('held');
  });
});

describe('several at once', () => {
  test('story: like questions, each an entry of its own and bound to its own digest', async () => {
    const { node, entries } = await house();
    const holds = [await node.hold({ amount: 1 }), await node.hold({ amount: 2 }), await node.hold({ amount: 3 })];
    await node.approval.holds.answerAll(holds, { person: 'ann', agrees: true, reason: 'all of them' });
    expect(new Set(entries('approval').map(({ body }) => (body as { digest: string }).digest)).size).toBe(3);
    expect(await Promise.all(holds.map(node.stateOf))).toEqual(['approved', 'approved', 'approved']);
  });

  test('abuse 39: unlike ones, too many, and those that are answered by themselves are not', async () => {
    const { node } = await house();
    const [pay, run] = [await node.hold({ amount: 1 }), await node.hold({ command: 'ls' }, { tool: 'run' })];
    const all = (holds: readonly string[]) => codeOf(node.approval.holds.answerAll(holds, { person: 'cyd', agrees: true, reason: '' }));
    expect(await all([pay, run])).toBe('request_malformed');
    expect(await all([])).toBe('request_malformed');
    expect(await all(Array.from({ length: 51 }, () => pay))).toBe('request_malformed');
    expect(await all([pay, 'none'])).toBe('not_found');
    expect(await node.stateOf(pay)).toBe('pending');
  });

  test('story: a fault in the middle says which, and how many before it were answered', async () => {
    const { node } = await house();
    const holds = [await node.hold({ amount: 1 }), await node.hold({ amount: 2 }), await node.hold({ amount: 3 })];
    await node.refuse(holds[1] ?? '', 'ben');
    await expect(node.approval.holds.answerAll(holds, { person: 'ann', agrees: true, reason: '' })).rejects.toMatchObject({ code: 'already_settled', message: expect.stringContaining(`${holds[1]}; 1 before it`) as string });
    expect(await Promise.all(holds.map(node.stateOf))).toEqual(['approved', 'refused', 'pending']);
  });

  test('law: of several, each is agreed to as it was seen, and the record says so', async () => {
    const { node, entries } = await house();
    const holds = [await node.hold({ amount: 1 }), await node.hold({ amount: 2 })];
    const seen = new Map<string, string>();
    for (const hold of holds) seen.set(hold, (await node.approval.questions.preview(await node.approval.questions.find(hold))).digest);
    const other = new Map([...seen, [holds[1] ?? '', `sha256:${'0'.repeat(64)}`]]);
    await expect(node.approval.holds.answerAll(holds, { person: 'ann', agrees: true, reason: '' }, other)).rejects.toMatchObject({ code: 'approval_refused', message: expect.stringContaining(`${holds[1]}; 1 before it`) as string });
    await node.approval.holds.answerAll(holds.slice(1), { person: 'ann', agrees: true, reason: '' }, seen);
    expect(entries('approval').map(({ body }) => (body as { seen?: string }).seen)).toEqual(holds.map((hold) => seen.get(hold)));
  });

  test('story: the same one twice is answered once', async () => {
    const { node, entries } = await house();
    const hold = await node.hold({ amount: 1 });
    await node.approval.holds.answerAll([hold, hold], { person: 'ann', agrees: true, reason: '' });
    expect(entries('approval')).toHaveLength(1);
  });
});

describe('questions that end otherwise', () => {
  test('story: taken back, it cannot be agreed to; asked again, it is another question', async () => {
    const { node } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.approval.holds.cancel(hold, { identity: 'robot' });
    expect(await node.stateOf(hold)).toBe('cancelled');
    expect(await codeOf(node.approval.holds.cancel(hold, { person: 'operator' }))).toBe('already_settled');
    expect(await codeOf(node.agree(hold, 'ann'))).toBe('already_settled');
    const next = await node.hold({ amount: 5 });
    expect(next).not.toBe(hold);
    expect(await node.stateOf(hold)).toBe('cancelled');
  });

  test('story: how a question ended is known also when the same was asked again', async () => {
    const { world, node } = await house();
    const used = await node.hold({ amount: 1 });
    await node.agree(used, 'ann');
    await node.ask({ amount: 1 });
    const expired = await node.hold({ amount: 2 });
    world.clock.ms += 600_000;
    await node.settler.run();
    await node.hold({ amount: 1 });
    await node.hold({ amount: 2 });
    expect([await node.stateOf(used), await node.stateOf(expired)]).toEqual(['used', 'expired']);
  });

  test('abuse 34: another policy is another question; the one before is superseded and takes no answers', async () => {
    const { world, node } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.agree(hold, 'ann');
    world.activate({ policies: policies.replace('@approvers("finance") @within', '@approvers("finance:2") @within') });
    const next = await node.hold({ amount: 5 });
    expect([next === hold, await node.stateOf(hold), await node.stateOf(next)]).toEqual([false, 'superseded', 'pending']);
    expect(await codeOf(node.agree(hold, 'ben'))).toBe('already_settled');
    expect(world.effects).toEqual([]);
  });

  test('abuse 34: what waits because of something else now is asked anew of whom that concerns, and ends the question before it', async () => {
    const { node, shared } = await oneNode(`@id("one") @outcome("step_up") @approvers("finance") @within("10m") forbid (principal, action == Action::"payment.release", resource);
@id("after") @outcome("step_up") @approvers("security") @within("10m") forbid (principal, action == Action::"payment.release", resource) when { context.session.counts has "shell.run" };`);
    const hold = await node.hold({ amount: 5 });
    await node.agree(hold, 'ann');
    expect(said(await node.ask({ command: 'ls' }, { tool: 'run' }))).toBe('done');
    const next = await node.hold({ amount: 5 });
    expect([await node.stateOf(hold), shared.tables.settling.get(hold)]).toEqual(['superseded', next]);
    expect(await node.hold({ amount: 5 })).toBe(next);
    await node.agree(next, 'ann');
    expect(await node.stateOf(next)).toBe('pending');
    await node.agree(next, 'dan');
    expect(said(await node.ask({ amount: 5 }))).toBe('done');
    expect([...node.board.list()]).toEqual([]);
  });

  test('abuse 29, 53: approved, then the tool changes: another question', async () => {
    const { world, node } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.agree(hold, 'ann');
    expect(said(await node.ask({ amount: 5 }, { digest: 'sha256:changed' }))).toBe('held');
    expect(await node.stateOf(hold)).toBe('superseded');
    expect(world.effects).toEqual([]);
  });

  test.each([-1, 0, 1])('abuse 36: %i ms from the deadline, by the store\'s clock', async (ms) => {
    const { world, node } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.agree(hold, 'ann');
    world.clock.ms += 600_000 + ms;
    expect(said(await node.ask({ amount: 5 }))).toBe(ms < 0 ? 'done' : 'held');
  });

  test('abuse 36: expired by a clock that was set, and back: what was settled stays settled', async () => {
    const { world, node } = await house();
    const hold = await node.hold({ amount: 5 });
    await node.agree(hold, 'ann');
    world.clock.ms += 600_000;
    await node.settler.run();
    world.clock.ms -= 600_000;
    expect(await node.stateOf(hold)).toBe('expired');
    expect(said(await node.ask({ amount: 5 }))).toBe('held');
    expect(world.effects).toEqual([]);
  });

  test('story: an identity that is not registered any more: nobody answers, and what is over can still be looked at', async () => {
    const { world, node } = await house();
    const [open, over] = [await node.hold({ amount: 5 }), await node.hold({ amount: 6 })];
    await node.refuse(over, 'ann');
    world.activate({ policies, files: { 'identities.yaml': 'identities: []\n' } });
    expect(await codeOf(node.agree(open, 'ann'))).toBe('approval_refused');
    expect(await node.stateOf(over)).toBe('refused');
  });
});

test('attack: the arguments were erased: nobody can see what they would agree to', async () => {
  const { node, shared } = await house();
  const hold = await node.hold({ amount: 5 });
  const record = shared.tables.entries.get(hold);
  if (record) shared.tables.entries.set(hold, { entry: record.entry, text: record.text, leaf: record.leaf });
  expect(await codeOf(node.agree(hold, 'ann'))).toBe('approval_refused');
});

test('attack: a megabyte of arguments cannot be agreed to, and can be refused', async () => {
  const { node } = await house();
  const hold = await node.hold({ amount: 5, payee: 'x'.repeat(900_000) });
  expect(await codeOf(node.agree(hold, 'ann'))).toBe('approval_refused');
  expect(await codeOf(node.refuse(hold, 'ann'))).toBe('none');
});

const startOf = (node: { readonly ledger: unknown }) => (node.ledger as { clock: { now(): number } }).clock.now();
