import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../packages/server/src/config.js';
import type { ActiveBundle } from '../packages/server/src/policy/index.js';
import { openFacts } from '../packages/server/src/wiring/facts.js';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, openClient, reached, readRecord, transferTo, wasDone } from './support/exported-record.js';
import { vendorServer, type VendorServer } from './support/facts-kit.js';
import { command, type RunningGovernor, startGovernor } from './support/governor.js';
import { FakeClock } from './support/identity-kit.js';
import { decisionOf, type RawAnswer } from './support/mcp.js';
import { startPostgres, type TestPostgres } from './support/postgres.js';
import { resultOf, type WireClient } from './support/wire.js';

const guards = `
@id("window") @outcome("defer") @needs("change_window") @within("10m") @reason("money moves in the change window")
forbid (principal, action == Action::"money.move", resource)
when { context.args.to like "window*" }
unless { context.facts has change_window && context.facts.change_window.open };
@id("vendor-active") @reason("the vendor is not active")
forbid (principal, action == Action::"money.move", resource)
when { context.args.to like "vendor*" }
unless { context.facts has vendor && context.facts.vendor.active };
@id("register") @reason("the register does not know the account") @outcome("step_up") @approvers("finance")
forbid (principal, action == Action::"money.move", resource)
when { context.args.to like "account*" && context.facts has account && context.facts.account.orders < 5 };
@id("nobody-knows") forbid (principal, action == Action::"money.move", resource)
when { context.args.to like "unprovided*" }
unless { context.facts has weather && context.facts.weather.sunny };
`;
const catalogue = `facts:
  change_window: { open: boolean, until: datetime, summary: string }
  vendor: { active: boolean }
  account: { orders: integer }
  weather: { sunny: boolean }
`;

const stamp = (ms: number) => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
const hour = 3_600_000;
/** A calendar with one window, so many hours from now. */
const windowAt = (hours: number) => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//house//EN', 'BEGIN:VEVENT', 'UID:1', 'SUMMARY:Release night', `DTSTART:${stamp(Date.now() + (hours - 1) * hour)}`, 'DURATION:PT2H', 'END:VEVENT', 'END:VCALENDAR'].join('\r\n');

let canary: Canary;
let vendors: VendorServer;
let postgres: TestPostgres | undefined;
let governor: RunningGovernor;
let client: WireClient;
const setWindow = (hours: number) => writeFileSync(join(governor.directory, 'windows.ics'), windowAt(hours));

beforeAll(async () => {
  canary = await startCanary();
  vendors = await vendorServer();
  postgres = await startPostgres();
  const url = (await postgres?.database()) ?? 'postgres://127.0.0.1:9/none';
  if (postgres) {
    const database = new pg.Client({ connectionString: url });
    await database.connect();
    await database.query(`create table account (id text primary key, orders int); insert into account values ('account-known', 7), ('account-new', 1)`);
    await database.end();
  }
  const config = `facts:
  change_window: { sources: [{ name: release calendar, calendar: { path: windows.ics } }], fresh_for: 1s }
  vendor: { sources: [{ name: register, http: { url: "${vendors.url}/vendors/{args.to}?as={identity}", headers_from_env: { authorization: VENDORS_TOKEN }, allow_private_address: true } }], fresh_for: 1s, timeout_ms: 1000 }
  account: { sources: [{ sql: { url_from_env: ACCOUNTS, statement: "select orders from account where id = $1", parameters: ["{args.to}"] } }], fresh_for: 1s }`;
  const files = moneyBundle(guards);
  governor = await startGovernor({ files: { ...files, 'bundle/catalogue.yaml': `${files['bundle/catalogue.yaml'] ?? ''}${catalogue}`, 'windows.ics': windowAt(1) }, upstreams: `  canary: { url: "${canary.url}" }`, config, env: { VENDORS_TOKEN: 'Bearer hush-hush', ACCOUNTS: url } });
  client = await openClient(governor);
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
  await vendors.close();
  await postgres?.remove();
});

const holdOf = (answer: RawAnswer) => decisionOf(resultOf(answer)).hold;
const outcomeOf = (answer: RawAnswer) => decisionOf(resultOf(answer)).outcome;
const effects = (to: string) => reached(canary).filter((each) => each === to).length;
const env = { ACCOUNTS: 'postgres://nowhere', VENDORS_TOKEN: 'x' };

/** The hold that facts arrived for. */
let arrived = '';

async function explained(id: string): Promise<Record<string, unknown>> {
  const { stdout } = await command(governor.directory, ['explain', id, '--json'], env);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('story: the window is open: it is done; the explanation has the fact, its source and its age', async () => {
  setWindow(0.5);
  const answer = await transferTo(client, 'window-open');
  expect(wasDone(answer)).toBe(true);
  expect(effects('window-open')).toBe(1);
});

test('story: the window is closed: it waits; it opens: whoever waits is told, and the same call is done', async () => {
  setWindow(5);
  await new Promise((done) => setTimeout(done, 1_100));
  const held = await transferTo(client, 'window-later');
  const hold = holdOf(held) ?? '';
  expect(outcomeOf(held)).toBe('defer');
  expect(effects('window-later')).toBe(0);
  const { facts } = await explained(hold) as { facts: { fact: string; value: { open: boolean; summary: string; until: string }; sources: { source: string; age_ms: number }[]; fresh_for_ms: number }[] };
  const fact = facts.find((each) => each.fact === 'change_window');
  expect(fact).toMatchObject({ value: { open: false, summary: 'Release night' }, sources: [{ source: 'release calendar' }], fresh_for_ms: 1_000 });
  expect(fact?.sources[0]?.age_ms).toBeLessThan(1_000);
  const { stdout } = await command(governor.directory, ['explain', hold], env);
  expect(stdout).toMatch(/change_window .*"open":false.*\(release calendar, 0\.\d s before; counts for 1 s\)/);

  setWindow(0.5);
  const from = performance.now();
  const told = await fetch(governor.url(`/v1/holds/${hold}/wait?seconds=40`), { headers: { authorization: `Bearer ${client.token}` } });
  expect(told.status).toBe(200);
  expect(performance.now() - from).toBeLessThan(30_000);
  arrived = hold;
  expect(effects('window-later')).toBe(0);
  expect(wasDone(await transferTo(client, 'window-later'))).toBe(true);
  expect(effects('window-later')).toBe(1);
});

test('story: an active vendor is paid, another one is not, and the register is asked about this one only', async () => {
  vendors.answer = (response, path) => void response.end(JSON.stringify({ active: path.includes('good') }));
  vendors.paths.length = 0;
  expect(wasDone(await transferTo(client, 'vendor-good'))).toBe(true);
  expect(outcomeOf(await transferTo(client, 'vendor-bad'))).toBe('deny');
  expect(effects('vendor-bad')).toBe(0);
  expect(vendors.paths).toEqual(['/vendors/vendor-good?as=tester', '/vendors/vendor-bad?as=tester']);
});

test('abuse 16: a hard guard whose fact does not come waits for it, and opens for nobody meanwhile', async () => {
  vendors.answer = (response) => void response.writeHead(503).end();
  const answer = await transferTo(client, 'vendor-silent');
  expect(outcomeOf(answer)).toBe('defer');
  const hold = holdOf(answer) ?? '';
  const { facts } = (await explained(hold)) as { facts: { fact: string; missing?: string }[] };
  expect(facts.find(({ fact }) => fact === 'vendor')?.missing).toBe('register: cannot fetch: expected status 200, got 503');
  vendors.answer = (response) => void response.end('{"active":false}');
  await new Promise((done) => setTimeout(done, 2_100));
  expect(outcomeOf(await transferTo(client, 'vendor-silent'))).toBe('deny');
  expect(effects('vendor-silent')).toBe(0);
});

test('abuse 16: a hard guard whose fact nobody is configured for denies', async () => {
  expect(outcomeOf(await transferTo(client, 'unprovided'))).toBe('deny');
  expect(effects('unprovided')).toBe(0);
});

test.each([['a text', '{"active":"true"}'], ['an extension', '{"active":{"__extn":{"fn":"decimal","arg":"1"}}}'], ['__proto__', '{"__proto__":{"active":true}}'], ['nothing', ''], ['ten megabytes', `{"active":true,"x":"${'x'.repeat(10_000_000)}"}`]])('attack: a provider that says %s opens nothing', async (name, text) => {
  vendors.answer = (response) => void response.end(text);
  const to = `vendor-lies-${name}`;
  expect(outcomeOf(await transferTo(client, to))).toBe('defer');
  expect(effects(to)).toBe(0);
});

test('attack: a provider that never answers costs its time-out, and the attempt waits', async () => {
  vendors.answer = () => undefined;
  const from = performance.now();
  expect(outcomeOf(await transferTo(client, 'vendor-hangs'))).toBe('defer');
  expect(performance.now() - from).toBeLessThan(5_000);
});

test.each(['../admin', 'a?active=true', 'x\r\nGET /good', `o'neil`])('abuse 20: an argument such as %j leads nowhere else', async (word) => {
  vendors.answer = (response, path) => void response.end(JSON.stringify({ active: !/^\/vendors\/vendor-[^/?]*\?as=tester$/.test(path) }));
  await transferTo(client, `vendor-${word}`);
  expect(effects(`vendor-${word}`)).toBe(0);
});

test('story: a row of a database decides', async ({ skip }) => {
  if (!postgres) return skip();
  expect(wasDone(await transferTo(client, 'account-known'))).toBe(true);
  expect(outcomeOf(await transferTo(client, 'account-new'))).toBe('step_up');
  expect(outcomeOf(await transferTo(client, `account-x' or 'a'='a`))).toBe('defer');
});

test('story: checking the bundle says which facts nobody supplies', async () => {
  const { stdout } = await command(governor.directory, ['policy', 'check'], env);
  expect(stdout).toMatch(/warning: policies\/money\.cedar:\d+: no provider is configured for the fact `weather`/);
  expect(governor.log()).toMatch(/no provider is configured for the fact `weather`/);
});

test('attack: a secret for a provider is in no log and no record', async () => {
  const { stdout } = await command(governor.directory, ['actions', '--json'], env);
  expect(`${stdout}${governor.log()}`).not.toContain('hush-hush');
});

test('law: every decision comes out again from the recorded facts, with nobody asked', async () => {
  await governor.stop();
  vendors.paths.length = 0;
  vendors.answer = (response) => void response.end('{"active":true}');
  rmSync(join(governor.directory, 'windows.ics'));
  const { code, stdout, stderr } = await command(governor.directory, ['replay', '--verify', '--json'], env);
  expect(stderr).not.toContain('unexpected');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ different: { count: 0 } });
  expect(vendors.paths).toEqual([]);
  const record = await readRecord(governor.directory, env);
  const bodies = JSON.stringify(record.entries);
  expect(bodies).not.toContain('Release night');
  expect(bodies).not.toContain('hush-hush');
  expect(record.entries.filter(({ kind }) => kind === 'facts.arrived').map(({ body }) => [body['hold'], body['facts']])).toContainEqual([arrived, ['change_window']]);
});

test.each([
  ['facts:\n  x: { sources: [{ http: { url: "https://{args.host}/" } }] }', /facts\.x: .*path and query only/],
  ['facts:\n  x: { sources: [{ sql: { url_from_env: NOT_SET, statement: select 1 } }] }', /facts\.x: .*NOT_SET/],
  ['evidence_sources:\n  x: { source: { http: { url: "https://a.example/any" } } }', /evidence_sources\.x: .*\{evidence\.id\}/],
  ['facts:\n  x: { sources: [{ file: { path: a }, http: { url: "https://a.example/" } }] }', /flyball\.yaml:2:\d+: facts\.x\.sources\.0: expected exactly one/],
])('attack: a configuration with %j is refused', (config, expected) => {
  expect(() => openFacts(parseConfig(config, '/etc/flyball.yaml', {}), {} as ActiveBundle, new FakeClock())).toThrow(expected);
});
