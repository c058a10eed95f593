import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import { decisionOf, type RawAnswer } from './support/mcp.js';
import { moneyBundle, openClient, reached, readRecord, wasDone } from './support/exported-record.js';
import { resultOf, rpc, type WireClient } from './support/wire.js';

const people = 'people:\n  - { id: ann, groups: [finance] }\n  - { id: dan, groups: [sales] }\n';
const bundle = moneyBundle('', people);
const recommended = 'tier: recommend, automation: human, confidence: { present: 0.9, ask: 0.6, audience: finance, within: 4s }';
const catalogue = (bundle['bundle/catalogue.yaml'] ?? '').replace('tier: act, automation: human', recommended);

let canary: Canary;
let governor: RunningGovernor;
let client: WireClient;
beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ files: { ...bundle, 'bundle/catalogue.yaml': catalogue }, upstreams: `  canary: { url: "${canary.url}" }` });
  client = await openClient(governor);
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

const recommend = (to: string, confidence?: unknown) => client.post(rpc(to, 'tools/call', { name: 'transfer', arguments: { to, amount: 10 }, ...(confidence !== undefined && { _meta: { 'flyball/confidence': confidence } }) }));
const decision = (answer: RawAnswer) => decisionOf(resultOf(answer));
const holdOf = (answer: RawAnswer) => decision(answer).hold ?? '';
const answer = (person: string, hold: string, agrees: boolean, reason = '') => governor.ask(person, 'POST', `/v1/holds/${hold}/answer`, { agrees, reason });
const counts = async () => ((await governor.ask('operator', 'GET', '/v1/recommendations')).value as readonly Record<string, unknown>[])[0];

test('story: a confident recommendation waits in the inbox; a person takes it up, and it is done under their consent, the machine as who proposed it', async () => {
  const hold = holdOf(await recommend('sure', 0.95));
  const { rows } = (await governor.ask('ann', 'GET', '/v1/inbox')).value as { readonly rows: readonly { readonly hold: string; readonly reason: string }[] };
  expect(rows.find((row) => row.hold === hold)?.reason).toContain('0.95');
  expect(reached(canary)).not.toContain('sure');
  expect((await answer('ann', hold, true)).status).toBe(200);
  expect(wasDone(await recommend('sure', 0.95))).toBe(true);
  expect(reached(canary).filter((to) => to === 'sure')).toHaveLength(1);
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
  expect(reached(canary)).not.toContain('dropped');
});

test.each([['more than one', 1.5], ['negative', -0.1], ['a text', '0.95'], ['nothing', null]])('attack: a confidence that is %s is refused', async (_name, confidence) => {
  expect((await recommend('wrong', confidence)).text).toContain('from 0 to 1');
});

test('attack: somebody who is not of the audience takes nothing up, and does not see it', async () => {
  const hold = holdOf(await recommend('foreign', 0.95));
  expect((await answer('dan', hold, true)).status).toBe(403);
  expect((await governor.ask('dan', 'GET', `/v1/questions/${hold}`)).status).toBe(404);
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
  await governor.kill('SIGKILL');
  governor = await startGovernor({ directory: governor.directory });
  expect(await counts()).toEqual(ended);
  await governor.stop();
  const record = await readRecord(governor.directory);
  const [intent] = record.about('sure');
  expect(intent?.body).toMatchObject({ identity: 'tester', tier: 'recommend', approvals: [expect.any(String)] });
});
