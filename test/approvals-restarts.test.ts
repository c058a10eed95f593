import { afterAll, beforeAll, expect, test } from 'vitest';
import { moneyBundle, reached, readRecord, transferTo, wasDone } from './support/exported-record.js';
import type { Method } from './support/governor.js';
import { decisionOf } from './support/mcp.js';
import { MoneyHouse } from './support/money-house.js';
import { resultOf } from './support/wire.js';

const guards = `
@id("two") @outcome("step_up") @approvers("finance:2") @within("1h")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.lessThanOrEqual(decimal("100.0")) };
@id("often") @outcome("step_up") @approvers("finance") @standing("count=3, within=1h, sum=amount:10000") @within("1h")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("100.0")) && context.args.amount.lessThan(decimal("1000.0")) };
@id("glass") @outcome("step_up") @approvers("finance:3") @emergency("outage") @within("1h")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("5000.0")) };
`;
const people = `people:
  - { id: ann, groups: [finance] }
  - { id: ben, groups: [finance] }
  - { id: cyd, groups: [finance] }
  - { id: dan, groups: [security] }
  - { id: eve }
  - { id: boss, administrator: true }
emergencies:
  - { name: outage, groups: [finance], reviewers: security, longest: 1h }
  - { name: older, groups: [finance], reviewers: security, longest: 1h, second: false }
`;

let house: MoneyHouse;
beforeAll(async () => void (house = await MoneyHouse.open(moneyBundle(guards, people))));
afterAll(() => house.close());

const as = async (person: string, method: Method, path: string, body?: object): Promise<Record<string, unknown>> => (await house.governor.ask(person, method, path, body)).value;
const answer = (hold: string, person: string, agrees = true, more: object = {}) => as(person, 'POST', `/v1/holds/${hold}/answer`, { agrees, ...more });

async function held(to: string, amount = 10): Promise<string> {
  const { hold } = decisionOf(resultOf(await transferTo(house.client, to, { amount })));
  if (hold === undefined) throw new Error('not held');
  return hold;
}

/** All that people can see of what waits and of what was agreed to. */
async function seen(holds: Readonly<Record<string, string>>): Promise<unknown> {
  const questions = await Promise.all(Object.entries(holds).map(async ([name, id]) => [name, await as('boss', 'GET', `/v1/questions/${id}`)] as const));
  const inbox = (await as('cyd', 'GET', '/v1/inbox')) as { rows: { hold: string; like: number }[] };
  return { questions: Object.fromEntries(questions), inbox: inbox.rows, standing: await as('boss', 'GET', '/v1/standing'), delegations: await as('boss', 'GET', '/v1/delegations'), emergencies: await as('boss', 'GET', '/v1/emergencies') };
}

test('law: killed in every state of every wait: nothing is lost, nothing is doubled, and everything goes on', async () => {
  const holds = { pending: await held('pending'), partly: await held('partly'), agreed: await held('agreed'), refused: await held('refused'), cancelled: await held('cancelled'), used: await held('used'), standing: await held('often', 200), superseded: await held('superseded') };
  await answer(holds.partly, 'ann');
  for (const hold of [holds.agreed, holds.used]) for (const person of ['ann', 'ben']) await answer(hold, person);
  await answer(holds.refused, 'ann', false);
  await as('boss', 'POST', `/v1/holds/${holds.cancelled}/cancel`, {});
  expect(wasDone(await transferTo(house.client, 'used'))).toBe(true);
  expect(await answer(holds.standing, 'ben', true, { standing: { count: 3, withinMs: 600_000, sum: { argument: 'amount', most: 10_000 } } })).toMatchObject({ answer: 'agreed' });
  for (const amount of [200, 300]) expect([amount, wasDone(await transferTo(house.client, 'often', { amount }))]).toEqual([amount, true]);
  await as('ann', 'POST', '/v1/delegations', { to: 'eve', groups: ['finance'], until: new Date(Date.now() + 3_600_000).toISOString() });
  const open = await as('ann', 'POST', '/v1/emergencies/outage', { incident: 'INC-1', reason: 'down', action: 'money.*' });
  expect(await as('ben', 'POST', `/v1/emergencies/outage/${String(open['emergency'])}/confirm`, {})).toHaveProperty('confirmed');
  expect(wasDone(await transferTo(house.client, 'glass', { amount: 6_000 }))).toBe(true);
  const older = await as('cyd', 'POST', '/v1/emergencies/older', { incident: 'INC-0', reason: 'was down' });
  await as('cyd', 'POST', `/v1/emergencies/older/${String(older['emergency'])}/end`, {});
  const before = await seen(holds);
  expect(before).toMatchObject({ questions: { pending: { state: 'pending' }, partly: { state: 'pending', agreed: [{ person: 'ann' }] }, agreed: { state: 'approved' }, refused: { state: 'refused' }, cancelled: { state: 'cancelled' }, used: { state: 'used' } }, standing: [{ used: '1 of 3' }], delegations: [{ from: 'ann', to: 'eve' }], emergencies: [{ state: 'open', uses: 1 }, { state: 'to review' }] });

  await house.governor.kill('SIGKILL');
  await house.restart();
  expect(await seen(holds)).toEqual(before);

  // What was waiting goes on where it was.
  expect(wasDone(await transferTo(house.client, 'agreed'))).toBe(true);
  expect(decisionOf(resultOf(await transferTo(house.client, 'partly'))).hold).toBe(holds.partly);
  expect(await answer(holds.partly, 'ann')).toMatchObject({ error: { code: 'approval_refused' } });
  expect(await answer(holds.partly, 'eve')).toMatchObject({ error: { code: 'approval_refused' } });
  await answer(holds.partly, 'cyd');
  expect(wasDone(await transferTo(house.client, 'partly'))).toBe(true);
  expect(decisionOf(resultOf(await transferTo(house.client, 'refused')))).toMatchObject({ kind: 'approval_refused' });
  for (const to of ['cancelled', 'used']) expect(Object.values(holds)).not.toContain(decisionOf(resultOf(await transferTo(house.client, to))).hold);
  for (const [amount, done] of [[400, true], [500, true], [600, false]] as const) expect([amount, wasDone(await transferTo(house.client, 'often', { amount }))]).toEqual([amount, done]);
  expect(wasDone(await transferTo(house.client, 'glass', { amount: 6_000 }))).toBe(true);
  expect(await as('ann', 'POST', '/v1/emergencies/outage', { incident: 'INC-2', reason: 'again' })).toMatchObject({ error: { code: 'approval_refused' } });
  expect(await as('dan', 'POST', `/v1/emergencies/older/${String(older['emergency'])}/review`, { finding: 'it was down' })).toHaveProperty('reviewed');
  expect(['agreed', 'partly', 'used', 'refused', 'cancelled', 'often', 'glass'].map((to) => house.effects(to))).toEqual([1, 1, 1, 0, 0, 4, 2]);

  await house.governor.kill('SIGTERM');
  const record = await readRecord(house.governor.directory);
  const approvals = record.entries.filter(({ kind }) => kind === 'intent').flatMap(({ body }) => body['approvals'] as string[]);
  expect([record.faults(), new Set(approvals).size]).toEqual([[], approvals.length]);
});

test('law: killed while people answer and machines call again, over and over: an approval is used once', async () => {
  await house.restart();
  for (let turn = 0; turn < 4; turn++) {
    const names = Array.from({ length: 6 }, (_, n) => `kill-${turn}-${n}`);
    const holds = await Promise.all(names.map((to) => held(to)));
    const busy = Promise.allSettled(
      names.map(async (to, n) => {
        for (const person of ['ann', 'ben']) await answer(holds[n] ?? '', person);
        await Promise.all([transferTo(house.client, to), transferTo(house.client, to)]);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 10 + 25 * turn));
    await house.governor.kill('SIGKILL');
    await busy;
    await house.restart();
    for (const [n, to] of names.entries()) {
      const hold = holds[n] ?? '';
      for (const person of ['ann', 'ben']) await answer(hold, person);
      await transferTo(house.client, to);
      expect([to, (await as('boss', 'GET', `/v1/questions/${hold}`))['state']]).toEqual([to, 'used']);
    }
  }
  expect(reached(house.canary).filter((to) => to.startsWith('kill-')).every((to) => house.effects(to) === 1)).toBe(true);
  await house.governor.kill('SIGTERM');
  const record = await readRecord(house.governor.directory);
  const approvals = record.entries.filter(({ kind }) => kind === 'intent').flatMap(({ body }) => body['approvals'] as string[]);
  expect(new Set(approvals).size).toBe(approvals.length);
  expect(record.faults().filter((fault) => !fault.includes('0 outcomes'))).toEqual([]);
});
