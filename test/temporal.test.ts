import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { command, openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { raw } from './support/mcp.js';
import { settledActions } from './support/record.js';
import { isRefusal, stateless } from './support/wire.js';

const send = 'Action::"money.send"';
const policies = `@id("open") permit (principal in Group::"testers", action, resource);
@id("three-an-hour") @reason("no more than three payments an hour to one payee")
forbid (principal, action == ${send}, resource)
when temporal { count_within(1h, ${send}::request{ input.to: context.args.to }) > 3 };
`;

let canary: Canary;
let governor: RunningGovernor;
let token: string;

const catalogue = 'actions:\n  - { name: money.send, tier: act, match: { upstream: canary, name: transfer } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n';
/** As the canary defines it: another definition would be quarantined. */
const definition = JSON.stringify({ tools: [{ name: 'transfer', description: 'Transfers money', inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'number' }, memo: { type: 'object' } }, required: ['to', 'amount'] }, outputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } }] });

beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ files: { ...openBundle, 'bundle/catalogue.yaml': catalogue, 'bundle/policies/open.cedar': policies, 'bundle/tools/canary.json': definition }, upstreams: `  canary: { url: "${canary.url}", output_schema: off }` });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

const openSession = () => governor.openSession(token);

async function sent(to: string, session?: string): Promise<boolean> {
  const before = canary.calls().length;
  const { body, headers } = stateless(7, 'tools/call', { name: 'transfer', arguments: { to, amount: 1 } });
  const answer = await raw(governor.url('/mcp/canary'), body, token, session === undefined ? headers : { ...headers, 'flyball-session': session });
  const reached = canary.calls().length - before;
  expect(reached, answer.text).toBe(isRefusal(answer) ? 0 : 1);
  return reached === 1;
}

test('story: the fourth payment to one payee within an hour is denied; others are not concerned', async () => {
  expect([await sent('ann'), await sent('ann'), await sent('ann'), await sent('ann'), await sent('bob')]).toEqual([true, true, true, false, true]);
});

test('attack: opening another session does not begin the count anew', async () => {
  const [first, second] = [await openSession(), await openSession()];
  expect([await sent('carl', first), await sent('carl', second), await sent('carl', first), await sent('carl', second), await sent('carl', await openSession())]).toEqual([true, true, true, false, false]);
});

test('attack: ten at once are three', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => raw(governor.url('/mcp/canary'), stateless(7, 'tools/call', { name: 'transfer', arguments: { to: 'dora', amount: 1 } }).body, token, stateless(7, 'tools/call', { name: 'transfer', arguments: {} }).headers)));
  expect(answers.filter((answer) => !isRefusal(answer))).toHaveLength(3);
});

test('story: the explanation names the clause, as it was written', async () => {
  const refused = (await settledActions(governor, 50)).find(({ action, outcome }) => action === 'money.send' && outcome.startsWith('deny'));
  const { stdout } = await command(governor.directory, ['explain', refused?.id ?? '']);
  expect(stdout).toContain('three-an-hour');
  expect(stdout).toContain('count_within(1h');
});

test('law: a restart forgets nothing, and a rule that comes later sees what happened before it', async () => {
  expect(await sent('emil')).toBe(true);
  await settledActions(governor, 50);
  await governor.stop();
  governor = await startGovernor({ directory: governor.directory, files: openBundle });
  token = await governor.token('tester');
  expect([await sent('ann'), await sent('emil')]).toEqual([false, true]);
  writeFileSync(join(governor.directory, 'bundle/policies/later.cedar'), `@id("after") forbid (principal, action == ${send}, resource) when temporal { formerly within 1h ${send}::response{ input.to: "emil" } };\n`);
  expect((await command(governor.directory, ['reload'])).code).toBe(0);
  expect(await sent('frida')).toBe(false);
});

test('attack: a pattern that no event can match is refused with its place, and the last good bundle stays', async () => {
  writeFileSync(join(governor.directory, 'bundle/policies/later.cedar'), `@id("never")\nforbid (principal, action, resource)\nwhen temporal { formerly within 1h Action::"money.sent"::request{} };\n`);
  const { code, stderr } = await command(governor.directory, ['reload']);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/policies\/later\.cedar:3:\d+: expected an action of the catalogue in a temporal pattern/);
  expect(await sent('frida')).toBe(false);
});
