import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from './support/governor.js';
import { decisionOf, type RawAnswer } from './support/mcp.js';
import { moneyBundle, readRecord, wasDone } from './support/exported-record.js';
import { MoneyHouse } from './support/money-house.js';
import { resultOf, rpc } from './support/wire.js';

const people = 'people:\n  - { id: ann, groups: [finance] }\n  - { id: dan, groups: [sales] }\n';
const bundle = moneyBundle('', people);
const recommended = 'tier: recommend, automation: human, confidence: { present: 0.9, ask: 0.6, audience: finance, within: 4s }';
const catalogue = (bundle['bundle/catalogue.yaml'] ?? '').replace('tier: act, automation: human', recommended);

let house: MoneyHouse;
beforeAll(async () => void (house = await MoneyHouse.open({ ...bundle, 'bundle/catalogue.yaml': catalogue })));
afterAll(() => house.close());

const recommend = (to: string, confidence?: unknown) => house.client.post(rpc(to, 'tools/call', { name: 'transfer', arguments: { to, amount: 10 }, ...(confidence !== undefined && { _meta: { 'flyball/confidence': confidence } }) }));
const decision = (answer: RawAnswer) => decisionOf(resultOf(answer));
const holdOf = (answer: RawAnswer) => decision(answer).hold ?? '';
const answer = (person: string, hold: string, agrees: boolean, reason = '') => house.governor.ask(person, 'POST', `/v1/holds/${hold}/answer`, { agrees, reason });
const counts = async () => ((await house.governor.ask('operator', 'GET', '/v1/recommendations')).value as readonly Record<string, unknown>[])[0];

test('story: a confident recommendation waits in the inbox; a person takes it up, and it is done under their consent, the machine as who proposed it', async () => {
  const hold = holdOf(await recommend('sure', 0.95));
  const { rows } = (await house.governor.ask('ann', 'GET', '/v1/inbox')).value as { readonly rows: readonly { readonly hold: string; readonly reason: string }[] };
  expect(rows.find((row) => row.hold === hold)?.reason).toContain('0.95');
  expect(house.effects('sure')).toBe(0);
  expect((await answer('ann', hold, true)).status).toBe(200);
  expect(wasDone(await recommend('sure', 0.95))).toBe(true);
  expect(house.effects('sure')).toBe(1);
});

test('story: what a machine is less sure of is taken up only with a reason', async () => {
  const hold = holdOf(await recommend('unsure', 0.7));
  const { status, value } = await answer('ann', hold, true);
  expect([status, JSON.stringify(value)]).toEqual([403, expect.stringContaining('reason')]);
  expect((await answer('ann', hold, true, 'I checked it myself')).status).toBe(200);
  expect(wasDone(await recommend('unsure', 0.7))).toBe(true);
});

test.each([['below the threshold', 0.59], ['not stated', undefined]])('story: with a confidence that is %s it is dropped', async (_name, confidence) => {
  expect(decision(await recommend('dropped', confidence)).outcome).toBe('deny');
  expect(house.effects('dropped')).toBe(0);
});

test.each([['more than one', 1.5], ['negative', -0.1], ['a text', '0.95'], ['nothing', null]])('attack: a confidence that is %s is refused', async (_name, confidence) => {
  expect((await recommend('wrong', confidence)).text).toContain('from 0 to 1');
});

test('attack: somebody who is not of the audience takes nothing up, and does not see it', async () => {
  const hold = holdOf(await recommend('foreign', 0.95));
  expect((await answer('dan', hold, true)).status).toBe(403);
  expect((await house.governor.ask('dan', 'GET', `/v1/questions/${hold}`)).status).toBe(404);
  expect((await answer('ann', hold, false)).status).toBe(200);
  expect(decision(await recommend('foreign', 0.95)).outcome).toBe('deny');
});

test('law: what became of each is counted by its action, also after a restart', async () => {
  await recommend('ignored', 0.95);
  const ended = await waitFor(async () => {
    const row = await counts();
    return row?.['ignored'] === 1 ? row : undefined;
  }, 15_000);
  expect(ended).toEqual({ action: 'money.move', made: 4, taken_up: 2, refused: 1, ignored: 1, withdrawn: 0, dropped: 2 });
  await house.governor.kill('SIGKILL');
  await house.restart();
  expect(await counts()).toEqual(ended);
  await house.governor.stop();
  const record = await readRecord(house.governor.directory);
  const [intent] = record.about('sure');
  expect(intent?.body).toMatchObject({ identity: 'tester', tier: 'recommend', approvals: [expect.any(String)] });
});
