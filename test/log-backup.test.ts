import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, openClient, transferTo, wasDone } from './support/exported-record.js';
import { command, type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { audit, codes, exported, must, promised, promiseOf, receiptOf, statusOf } from './support/log-governor.js';
import { startPostgres } from './support/postgres.js';
import { openWire, type WireClient } from './support/wire.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);
const folder = mkdtempSync(join(tmpdir(), 'flyball-backup-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(postgres === undefined)('a log that is moved', () => {
  let canary: Canary;
  beforeAll(async () => void (canary = await startCanary()));
  afterAll(() => canary.stop());

  const install = () => writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}" }` });
  const database = async () => ({ FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' });

  async function act(governor: RunningGovernor, env: Record<string, string>, client: WireClient) {
    const answer = await transferTo(client, 'shop');
    expect(wasDone(answer)).toBe(true);
    const promise = promiseOf(answer);
    const receipt = await receiptOf(governor.directory, promised(promise), env);
    return { promise, receipt, ...(await statusOf(governor.directory, env)) };
  }

  test('abuse 91: backup and restore: the restored log goes on; every promise, receipt and checkpoint of before and after verifies; nothing acknowledged is missing', async () => {
    const [from, to, embedded] = [await database(), await database(), {}];
    const directory = install();
    const backup = join(folder, 'whole.jsonl');
    let governor = await startGovernor({ directory, env: from });
    const seen = [await act(governor, from, await openClient(governor))];
    seen.push(await act(governor, from, await openClient(governor, 'other')));
    await governor.stop();
    await must(directory, ['db', 'export', backup], from);
    for (const env of [to, embedded]) {
      await must(directory, ['db', 'import', backup], env);
      governor = await startGovernor({ directory, env });
      const size = BigInt(seen.at(-1)?.size ?? '0');
      seen.push(await act(governor, env, await openClient(governor)));
      expect(BigInt(seen.at(-1)?.size ?? '0')).toBeGreaterThan(size);
      const place = await exported(governor, env);
      const verdict = await audit(place, { keys: Object.keys(seen[0]?.keys ?? {}), promises: seen.map(({ promise }) => promise), receipts: seen.map(({ receipt }) => receipt), earlier: seen.map(({ checkpoint }) => checkpoint) });
      expect(codes(verdict)).toEqual([]);
      await governor.stop();
      rmSync(backup);
      await must(directory, ['db', 'export', backup], env);
      rmSync(place, { recursive: true });
    }
    await governor.remove();
  });

  test('abuse 74: restored from an older backup, with the data directory as it is: nothing is signed, and operators are told; what was shown stays the newest checkpoint', async () => {
    const [from, to] = [await database(), await database()];
    const directory = install();
    const backup = join(folder, 'older.jsonl');
    let governor = await startGovernor({ directory, env: from });
    const client = await openClient(governor);
    await act(governor, from, client);
    await must(directory, ['db', 'export', backup], from);
    for (let n = 0; n < 10; n++) await transferTo(client, `lost-${n}`);
    await act(governor, from, client);
    await governor.stop();
    await must(directory, ['db', 'import', backup], to);
    const remembered = () => readFileSync(join(directory, '.flyball/log/default.checkpoint'), 'utf8');
    const shown = remembered();
    governor = await startGovernor({ directory, env: to });
    await waitFor(() => /shown before; nothing is signed/.test(governor.log()) || undefined, 20_000);
    for (let n = 0; n < 30; n++) await transferTo(await openClient(governor), `after-${n}`);
    await new Promise((done) => setTimeout(done, 1_500));
    expect(remembered()).toBe(shown);
    await governor.remove();
  });

  test('law: archived entries leave the store and nothing else changes: receipts of before verify, the archive and what came after are one log, sessions and streams go on without repeating a version', async () => {
    const env = await database();
    const directory = install();
    const archive = join(folder, 'archive');
    let governor = await startGovernor({ directory, env });
    const token = await governor.token('tester');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const [ended, open] = [await governor.openSession(token, { purpose: 'archived' }), await governor.openSession(token, { purpose: 'archived' })];
    const on = (session: string) => openWire(governor.url('/mcp/canary'), token, { 'flyball-session': session });
    const early = await act(governor, env, await on(open));
    const busy = await on(ended);
    const gone = await act(governor, env, busy);
    for (let n = 0; n < 10; n++) expect((await Promise.all(Array.from({ length: 30 }, () => transferTo(busy, 'many')))).every(wasDone)).toBe(true);
    await fetch(governor.url(`/v1/sessions/${ended}`), { method: 'DELETE', headers });
    await governor.stop();
    const before = await command(directory, ['log', 'archive', archive, '--before', '2099-01-01'], env);
    expect([before.code, before.stderr]).toEqual([0, '']);
    expect(Number(/: (\d+) entries taken out/.exec(before.stdout)?.[1])).toBeGreaterThan(300);

    governor = await startGovernor({ directory, env });
    const again = await on(open);
    const later = await act(governor, env, again);
    expect(wasDone(await transferTo(await on(ended), 'over'))).toBe(false);
    // An old entry that was kept still has its receipt; of one that was archived the old receipt stands.
    expect((await command(directory, ['receipt', promised(gone.promise)], env)).code).toBe(1);
    expect((await command(directory, ['receipt', promised(early.promise)], env)).code).toBe(0);
    await exported(governor, env, archive);
    const kept = [early, gone, later];
    const verdict = await audit(archive, { keys: Object.keys(early.keys), promises: kept.map(({ promise }) => promise), receipts: kept.map(({ receipt }) => receipt), earlier: kept.map(({ checkpoint }) => checkpoint) });
    expect(codes(verdict)).toEqual([]);
    const pool = new pg.Pool({ connectionString: env.FLYBALL_DATABASE_URL, max: 1 });
    // Nothing that was settled waits to be settled again.
    await new Promise((done) => setTimeout(done, 2_500));
    const { rows } = await pool.query<{ settles: string }>('select settles from entry where settles is not null and not exists (select 1 from log_leaf l where l.entry = settles)');
    expect(rows).toEqual([]);
    await pool.end();
    await governor.remove();
  });
});
