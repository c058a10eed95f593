import { rmSync } from 'node:fs';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { startCanary } from './support/canary.js';
import { moneyBundle, openClient, transferTo, wasDone } from './support/exported-record.js';
import { startGovernor } from './support/governor.js';
import { audit, codes, exported, promised, promiseOf, receiptOf, statusOf } from './support/log-governor.js';
import { startPostgres } from './support/postgres.js';
import { openWire } from './support/wire.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const guards = '@id("never") forbid (principal, action == Action::"money.move", resource) when { context.args.amount == decimal("13.0") };\n';
const floods = 400;

test.skipIf(postgres === undefined)('abuse 80: a flood of refusals hides nothing: every one of a known identity is in the log, of strangers a bounded number; what was promised, what is stored and what is in the log are the same', async () => {
  const canary = await startCanary();
  const env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
  const governor = await startGovernor({ files: moneyBundle(guards), upstreams: `  canary: { url: "${canary.url}" }`, env });
  const client = await openClient(governor);
  const noisy = await openClient(governor, 'other');
  const stranger = await openWire(governor.url('/mcp/canary'), 'nobody');
  const began = Date.now();
  const answers = await Promise.all(Array.from({ length: floods }, async (_, n) => {
    await stranger.call('transfer', { to: 'x', amount: n });
    return n === 200 ? transferTo(client, 'hidden') : transferTo(noisy, `noise-${n}`, { amount: 13 });
  }));
  const seconds = (Date.now() - began) / 1_000 + 2;
  expect(answers.filter(wasDone)).toHaveLength(1);
  const promises = answers.map(promiseOf);
  await receiptOf(governor.directory, promised(promises[200] ?? ''), env);
  await receiptOf(governor.directory, promised(promises.at(-1) ?? ''), env);
  const pool = new pg.Pool({ connectionString: env.FLYBALL_DATABASE_URL, max: 1 });
  const one = async (sql: string) => Number((await pool.query<{ count: string }>(`select count(*) from ${sql}`)).rows[0]?.count);
  expect(await one(`entry where kind = 'refusal' and position('"identity":"other"' in body) > 0`)).toBe(floods - 1);
  expect(await one(`entry where kind = 'refusal' and position('"identity"' in body) = 0`)).toBeLessThanOrEqual(50 * seconds);
  const place = await exported(governor, env);
  const verdict = await audit(place, { keys: Object.keys((await statusOf(governor.directory, env)).keys), promises });
  expect(codes(verdict)).toEqual([]);
  expect(await one('entry')).toBe(await one('log_leaf') + await one('unsequenced'));
  expect(verdict.counts.promises).toBe(floods);
  await pool.end();
  await governor.remove();
  canary.stop();
  rmSync(place, { recursive: true });
});
