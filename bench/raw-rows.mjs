// Plain inserts of the same rows, by the same driver: what the record is measured beside.
import { closeSync, fdatasync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { timeId } from './entries.mjs';
import { nowMs, percentile } from './support.mjs';

/** A session's intents wait for outcomes that never come here, so none of them gets long. */
export const perSession = 50;

/** Runs `count` loops of `step` for a while; commits per second, and how long one took. */
export async function forAWhile(count, roundMs, step) {
  const until = nowMs() + roundMs;
  const began = nowMs();
  const took = [];
  const worker = async (index) => {
    for (let turn = 0; nowMs() < until; turn++) {
      const from = nowMs();
      if (await step(index, turn)) took.push(nowMs() - from);
    }
  };
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: count }, (_, index) => worker(index)));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: took.length / ((nowMs() - began) / 1_000), p50: percentile(took, 50), p95: percentile(took, 95), cpuMs: (user + system) / 1_000 / took.length };
}

const insert = `
  with entries as (
    insert into entry (tenant, id, kind, deadline, settles, body, leaf) select * from unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::uuid[], $6::text[], $7::bytea[])
  ), payloads as (
    insert into payload (tenant, entry, salt, content) select * from unnest($1::text[], $2::uuid[], $8::text[], $9::text[])
  ), places as (
    insert into stream (tenant, stream, version, entry) select * from unnest($1::text[], $10::text[], $11::bigint[], $2::uuid[])
  )
  select `;

/** The same rows, made beforehand: text, leaf and payload of one real intent, under ids and places of their own. */
export function rawRows(sample) {
  let made = 0;
  return (count) => {
    const numbers = Array.from({ length: count }, () => ++made);
    const each = (value) => numbers.map(() => value);
    const deadline = Date.now() + 60_000;
    return [each('raw'), numbers.map(() => timeId(Date.now())), each('intent'), each(deadline), each(null), each(sample.text), each(sample.leaf), each(sample.payload.salt), each(sample.payload.content), numbers.map((n) => `session:raw-${sample.run}-${Math.floor(n / perSession)}`), numbers.map((n) => (n % perSession) + 1)];
  };
}

/** Plain inserts, gathered while one is being written as a group commit does; `most` of 1 is one insert for each commit. */
export function rawWriter(pool, rows, most, { flush, last, lanes }) {
  let waiting = [];
  let running = 0;
  const drain = async () => {
    running++;
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most);
      const { rows: [{ segment }] } = await pool.query({ name: 'bench-raw', text: `${insert}${last} as segment`, values: rows(batch.length) });
      await flush(segment);
      batch.forEach((done) => done());
    }
    running--;
  };
  const failed = (error) => {
    console.error(error);
    process.exit(1);
  };
  return () => new Promise((resolve) => {
    waiting.push(() => resolve(true));
    if (running < lanes) drain().catch(failed);
  });
}

/** The embedded server does not flush its log itself; what is compared has to be as durable. */
export function walFlush(directory) {
  const open = new Map();
  const sync = promisify(fdatasync);
  const flush = (segment) => {
    if (!open.has(segment)) open.set(segment, openSync(join(directory, 'pg/pg_wal', segment), 'r+'));
    return sync(open.get(segment));
  };
  return { flush, last: 'pg_walfile_name(pg_current_wal_insert_lsn())', lanes: 1, close: () => open.forEach((fd) => closeSync(fd)) };
}
