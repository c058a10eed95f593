import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from './support/governor.js';
import { decisionOf, type RawAnswer } from './support/mcp.js';
import { moneyBundle, openClient, transferTo, wasDone } from './support/exported-record.js';
import { MoneyHouse } from './support/money-house.js';
import { resultOf, rpc, type WireClient } from './support/wire.js';

const guards = `
@id("one-of-finance") @outcome("step_up") @approvers("finance") @within("10m")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("100.0")) };
@id("quick") @outcome("step_up") @approvers("finance") @within("2s")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount == decimal("102.0") };
`;
const people = 'people:\n  - { id: ann, groups: [finance] }\n';
const bundle = moneyBundle(guards, people);
const catalogue = (bundle['bundle/catalogue.yaml'] ?? '').replace('name: anything.use, tier: inspect, match: { upstream: "*", name: "*" }', 'name: anything.use, tier: inspect, after: [money.move], match: { upstream: "*", name: "*" }');

let house: MoneyHouse;
beforeAll(async () => void (house = await MoneyHouse.open({ ...bundle, 'bundle/catalogue.yaml': catalogue })));
afterAll(() => house.close());

const kindOf = (answer: RawAnswer) => decisionOf(resultOf(answer)).outcome;
const holdOf = (answer: RawAnswer) => decisionOf(resultOf(answer)).hold ?? '';
const answer = (hold: string, agrees: boolean) => house.governor.ask('ann', 'POST', `/v1/holds/${hold}/answer`, { agrees });
const refuse = (hold: string) => answer(hold, false);
const openHolds = async () => ((await house.governor.ask('operator', 'GET', '/v1/holds')).value as { readonly id: string }[]).map(({ id }) => id);
const inSession = async () => openClient(house.governor);
/** A transfer that its caller says depends on holds. */
const following = (by: WireClient, to: string, after: readonly unknown[], amount = 10) => by.post(rpc(`${to}-${amount}`, 'tools/call', { name: 'transfer', arguments: { to, amount }, _meta: { 'flyball/after': after } }));

test('story: what follows a question waits with it, and passes when that was done', async () => {
  const first = holdOf(await transferTo(house.client, 'first', { amount: 101 }));
  const waiting = await following(house.client, 'second', [first]);
  expect(kindOf(waiting)).toBe('defer');
  expect(wasDone(await following(house.client, 'independent', []))).toBe(true);
  expect((await answer(first, true)).status).toBe(200);
  // Agreed to, and not done yet: what follows still waits.
  expect(kindOf(await following(house.client, 'second', [first]))).toBe('defer');
  expect(wasDone(await transferTo(house.client, 'first', { amount: 101 }))).toBe(true);
  expect(wasDone(await following(house.client, 'second', [first]))).toBe(true);
  expect(house.effects('second')).toBe(1);
});

test('story: what follows something that was done, and was asked again since, passes', async () => {
  const first = holdOf(await transferTo(house.client, 'twice', { amount: 101 }));
  expect(kindOf(await following(house.client, 'after-twice', [first]))).toBe('defer');
  await answer(first, true);
  expect(wasDone(await transferTo(house.client, 'twice', { amount: 101 }))).toBe(true);
  const again = holdOf(await transferTo(house.client, 'twice', { amount: 101 }));
  expect(again).not.toBe(first);
  expect(wasDone(await following(house.client, 'after-twice', [first]))).toBe(true);
  await refuse(again);
});

test('attack: leaving the dependence away the second time does not let it pass', async () => {
  const first = holdOf(await transferTo(house.client, 'kept', { amount: 101 }));
  expect(kindOf(await following(house.client, 'dependent', [first]))).toBe('defer');
  expect(kindOf(await transferTo(house.client, 'dependent'))).toBe('defer');
  await refuse(first);
});

test('story: what follows a question that is refused does not happen, and does not wait on', async () => {
  const first = holdOf(await transferTo(house.client, 'refused', { amount: 101 }));
  const second = holdOf(await following(house.client, 'after-refused', [first]));
  await refuse(first);
  expect(kindOf(await following(house.client, 'after-refused', [first]))).toBe('deny');
  await waitFor(async () => ((await openHolds()).includes(second) ? undefined : true));
  expect(house.effects('after-refused')).toBe(0);
});

test('law: what follows a question that nobody answers ends with it', async () => {
  const first = holdOf(await transferTo(house.client, 'unanswered', { amount: 102 }));
  const second = holdOf(await following(house.client, 'after-unanswered', [first]));
  await waitFor(async () => ((await openHolds()).some((id) => id === first || id === second) ? undefined : true));
  expect(kindOf(await following(house.client, 'after-unanswered', [first]))).toBe('deny');
});

test('law: a chain of what waits is bounded; what goes beyond is denied', async () => {
  const chain = [holdOf(await transferTo(house.client, 'chain', { amount: 101 }))];
  for (let depth = 1; depth <= 4; depth++) {
    const next = await following(house.client, `chain-${depth}`, [chain.at(-1)]);
    expect(kindOf(next)).toBe('defer');
    chain.push(holdOf(next));
  }
  expect(kindOf(await following(house.client, 'chain-5', [chain.at(-1)]))).toBe('deny');
  await refuse(chain[0] ?? '');
  await waitFor(async () => ((await openHolds()).length === 0 ? true : undefined));
});

test('story: an action that the catalogue lets follow another waits without being told to', async () => {
  const other = await inSession();
  const first = holdOf(await transferTo(other, 'catalogued', { amount: 101 }));
  const read = await other.post(rpc('read', 'tools/call', { name: 'echo', arguments: { message: 'x' } }));
  expect(kindOf(read)).toBe('defer');
  await refuse(first);
  const again = await other.post(rpc('again', 'tools/call', { name: 'echo', arguments: { message: 'y' } }));
  expect(JSON.stringify(resultOf(again))).toContain('y');
});

test.each([['a hold that never was', ['01a20360-0000-7000-8000-000000000000']], ['no id at all', ['all']], ['no list', 'all'], ['too many', Array.from({ length: 21 }, () => 'x')], ['numbers', [1]]])('attack: %s is nothing to follow', async (_name, after) => {
  const answer = await following(house.client, 'malformed', after as unknown[]);
  expect(answer.text).toContain('expected');
  expect(house.effects('malformed')).toBe(0);
});

test('attack: a hold of another session is nothing to follow', async () => {
  const id = await house.governor.openSession(house.client.token);
  const first = holdOf(await transferTo(house.client, 'mine', { amount: 101 }));
  const response = await house.client.post(rpc('foreign', 'tools/call', { name: 'transfer', arguments: { to: 'foreign', amount: 10 }, _meta: { 'flyball/after': [first] } }), { 'flyball-session': id });
  expect(response.text).toContain('of this session');
  await refuse(first);
});
