import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBundle } from '@flyball/tlog';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, transferTo, wasDone } from './support/exported-record.js';
import { command, type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import { audit, codes, exported, must, promised, promiseOf, receiptOf, statusOf, tablesWith } from './support/log-governor.js';
import { decisionOf } from './support/mcp.js';
import { startPostgres } from './support/postgres.js';
import { openWire, resultOf, type WireClient } from './support/wire.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const person = 'zelda.quince@people.example';
const secrets = { person, purpose: 'purpose-of-quinces', argument: 'argument-of-quinces', reason: 'reason-of-quinces', answer: 'answer-of-quinces' };
const guards = `
@id("ask") @outcome("step_up") @approvers("finance")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };
@id("never") forbid (principal, action == Action::"money.move", resource) when { context.args.amount == decimal("13.0") };
`;
const files = moneyBundle(guards);

const allFiles = (folder: string): readonly string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
const filesWith = (folder: string, text: string): readonly string[] => allFiles(folder).filter((file) => readFileSync(file).includes(text));

describe.skipIf(postgres === undefined)('what is somebody\'s', () => {
  let canary: Canary;
  let governor: RunningGovernor;
  let env: Record<string, string>;
  let pool: pg.Pool;
  let token: string;
  let session: string;
  let client: WireClient;
  let receipt: string;
  let hold: string;
  const promises: string[] = [];

  beforeAll(async () => {
    canary = await startCanary();
    env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
    pool = new pg.Pool({ connectionString: env['FLYBALL_DATABASE_URL'], max: 2 });
    governor = await startGovernor({ files, upstreams: `  canary: { url: "${canary.url}" }`, env });
    token = await governor.token('tester', '--on-behalf-of', person);
    session = await governor.openSession(token, { purpose: secrets.purpose });
    client = await openWire(governor.url('/mcp/canary'), token, { 'flyball-session': session });
    await canary.control({ answer: { content: [{ type: 'text', text: `transferred ${secrets.answer}` }], structuredContent: { id: secrets.answer } } });
    const call = async (amount: number) => {
      const answer = await transferTo(client, secrets.argument, { amount, memo: { note: secrets.argument } });
      promises.push(promiseOf(answer));
      return answer;
    };
    expect(wasDone(await call(10))).toBe(true);
    const holdOf = async (amount: number) => decisionOf(resultOf(await call(amount))).hold ?? '';
    await must(governor.directory, ['approve', await holdOf(2_000), '--as', 'ann', '--reason', secrets.reason], env);
    expect(wasDone(await call(2_000))).toBe(true);
    await must(governor.directory, ['refuse', await holdOf(2_001), '--as', 'ben', '--reason', secrets.reason], env);
    expect(wasDone(await call(13))).toBe(false);
    hold = await holdOf(3_000);
    receipt = await receiptOf(governor.directory, promised(promises[0] ?? ''), env, '--body');
    await receiptOf(governor.directory, promised(promises.at(-1) ?? ''), env);
  });
  afterAll(async () => {
    await pool.end();
    await governor.remove();
    canary.stop();
  });

  test('law: a person\'s name, a purpose, argument values, reasons, a tool\'s answer and tokens are in no leaf, no tile, no promise and no line of the log that operators read', async () => {
    expect(receipt).toBeDefined();
    expect((await pool.query('select 1 from payload where position($1 in content) > 0', [secrets.argument])).rowCount).toBeGreaterThan(0);
    const { rows } = await pool.query<{ body: string }>('select body from entry');
    expect(rows.length).toBeGreaterThan(10);
    const folder = await exported(governor, env);
    const leaves = allFiles(folder).filter((file) => file.includes('/entries/')).flatMap((file) => decodeBundle(readFileSync(file), Number(file.split('.p/')[1] ?? 256)).map((leaf) => Buffer.from(leaf).toString('utf8')));
    expect(leaves.length).toBeGreaterThan(10);
    const places = { rows: rows.map(({ body }) => body).join('\n'), leaves: leaves.join('\n'), files: allFiles(folder).map((file) => readFileSync(file, 'latin1')).join('\n'), promises: promises.join('\n'), 'governor\'s log': governor.log() };
    const all = { ...secrets, token, 'end of the token': token.slice(-20) };
    for (const [place, text] of Object.entries(places)) for (const [name, secret] of Object.entries(all)) expect([place, name, text.includes(secret)]).toEqual([place, name, false]);
    rmSync(folder, { recursive: true });
  });

  test('abuse 78: erased by person: the name and all that was said are in no table; the log says what was erased and by whom; every receipt, every promise and the whole log verify', async () => {
    const before = await statusOf(governor.directory, env);
    expect((await tablesWith(pool, person)).length).toBeGreaterThan(0);
    const erased = JSON.parse(await must(governor.directory, ['erase', '--person', person, '--as', 'ann'], env)) as { bodies: number; name: boolean };
    expect(erased).toMatchObject({ name: true });
    expect(erased.bodies).toBeGreaterThan(3);
    for (const secret of [person, secrets.purpose, secrets.argument]) expect([secret, await tablesWith(pool, secret)]).toEqual([secret, []]);
    const { rows } = await pool.query<{ body: string }>(`select body from entry where kind = 'erased'`);
    const body = (JSON.parse(rows[0]?.body ?? '{}') as { body: { entries: string[]; by: string; person: string } }).body;
    expect(body.entries).toHaveLength(erased.bodies);
    expect([body.by, body.person].map((ref) => /^person:[0-9a-f]{64}$/.test(ref))).toEqual([true, true]);
    await waitFor(async () => (BigInt((await statusOf(governor.directory, env)).size) > BigInt(before.size) ? true : undefined), 20_000);
    const folder = await exported(governor, env);
    const { rows: bodies } = await pool.query<{ entry: string; salt: string; content: string }>('select entry, salt, content from payload');
    const verdict = await audit(folder, { keys: Object.keys(before.keys), promises, receipts: [receipt], earlier: [before.checkpoint] }, { bodies });
    expect(codes(verdict)).toEqual([]);
    expect(verdict.counts).toMatchObject({ promises: promises.length, receipts: 1 });
    rmSync(folder, { recursive: true });
  });

  test('abuse 78: what nobody erased shows as missing: a body that was taken out without the log saying so', async () => {
    const folder = await exported(governor, env);
    const { rows } = await pool.query<{ entry: string; salt: string; content: string }>('select entry, salt, content from payload');
    expect(rows.length).toBeGreaterThan(0);
    const verdict = await audit(folder, { keys: Object.keys((await statusOf(governor.directory, env)).keys) }, { bodies: rows.slice(1) });
    expect(codes(verdict)).toContain('body_missing');
    rmSync(folder, { recursive: true });
  });

  test('attack: a hold of an erased requester is answered by nobody, not by the same person under the same name either', async () => {
    for (const name of ['ann', 'ben']) {
      const { code, stderr } = await command(governor.directory, ['approve', hold, '--as', name], env);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/erased/)]);
    }
  });

  test('attack: an erased person who comes back is somebody new: the old session is not theirs, and the new name stands for another reference', async () => {
    const again = await governor.token('tester', '--on-behalf-of', person);
    const old = await openWire(governor.url('/mcp/canary'), again, { 'flyball-session': session });
    expect(wasDone(await transferTo(old, 'back-again'))).toBe(false);
    const { rows } = await pool.query<{ body: string }>(`select body from entry where kind = 'erased'`);
    const ref = (JSON.parse(rows[0]?.body ?? '{}') as { body: { person: string } }).body.person;
    const { rows: known } = await pool.query<{ ref: string }>('select ref from person where name = $1', [person]);
    expect(known.map((row) => row.ref)).not.toContain(ref);
  });

  test.each<[string, (id: string) => string[]]>([
    ['by entry', (id) => ['--entry', id]],
    ['by text', () => ['--containing', 'pear-argument']],
    ['by session', () => ['--session', 'own']],
  ])('abuse 78: erased %s: its body is gone, its receipt and the log stand', async (_name, wish) => {
    const mine = await governor.token('other');
    const own = await governor.openSession(mine, { purpose: 'pears' });
    const answer = await transferTo(await openWire(governor.url('/mcp/canary'), mine, { 'flyball-session': own }), 'pear-argument');
    const id = promised(promiseOf(answer));
    const kept = await receiptOf(governor.directory, id, env);
    expect(await tablesWith(pool, 'pear-argument')).toEqual(['payload.content']);
    await must(governor.directory, ['erase', ...wish(id).map((word) => (word === 'own' ? own : word))], env);
    expect(await tablesWith(pool, 'pear-argument')).toEqual([]);
    const after = await receiptOf(governor.directory, id, env, '--body');
    const { keys } = await statusOf(governor.directory, env);
    const folder = await exported(governor, env);
    expect(codes(await audit(folder, { keys: Object.keys(keys), receipts: [kept, after], promises: [promiseOf(answer)] }))).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});

// The free space of the table of bodies keeps bytes until it is used again: no vacuum but a full one, which writes the table anew, clears it.
test('abuse 78: the embedded store: an erased name is in none of the files in which names are kept and searched', async () => {
  const canary = await startCanary();
  const governor = await startGovernor({ files, upstreams: `  canary: { url: "${canary.url}" }` });
  const client = await openWire(governor.url('/mcp/canary'), await governor.token('tester', '--on-behalf-of', person));
  const answer = await transferTo(client, secrets.argument);
  expect(wasDone(answer)).toBe(true);
  await receiptOf(governor.directory, promised(promiseOf(answer)));
  const data = join(governor.directory, '.flyball/pg/base');
  await governor.stop();
  expect(filesWith(data, person).length).toBeGreaterThan(0);
  await must(governor.directory, ['erase', '--person', person]);
  const ofBodies = filesWith(data, secrets.argument);
  expect(ofBodies.length).toBeLessThan(2);
  expect(filesWith(data, person).filter((file) => !ofBodies.includes(file))).toEqual([]);
  await governor.remove();
  canary.stop();
});
