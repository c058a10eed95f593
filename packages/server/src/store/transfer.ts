import { FlyballError } from '@flyball/protocol';
import { leafHash } from '@flyball/tlog';
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { timeOf } from './schema.js';

/** Tables in the order in which they are moved, with the columns that order their rows. */
const tables = {
  entry: { columns: ['id', 'kind', 'deadline', 'settles', 'body'], key: ['id'] },
  stream: { columns: ['stream', 'version', 'entry'], key: ['stream', 'version'] },
  payload: { columns: ['entry', 'salt', 'content'], key: ['entry'] },
  meta: { columns: ['key', 'value'], key: ['key'] },
  person: { columns: ['ref', 'salt', 'name'], key: ['ref'] },
  log: { columns: ['origin', 'holder', 'lease_until', 'epoch', 'size', 'root', 'checkpoint'], key: ['origin'] },
  log_leaf: { columns: ['index', 'entry'], key: ['index'] },
  log_tile: { columns: ['level', 'index', 'hashes'], key: ['level', 'index'] },
  log_cosignature: { columns: ['witness', 'size', 'checkpoint', 'lines'], key: ['witness'] },
} as const;
type Table = keyof typeof tables;

const pageSize = 500;
const progressEvery = 50_000;

const rowLine = z.strictObject({ table: z.enum(Object.keys(tables) as [Table, ...Table[]]), row: z.record(z.string(), z.union([z.string(), z.null()])) });
/** The last line: how many rows there were. Without it an export was cut short. */
const endLine = z.strictObject({ end: z.number().int() });

/** Hands out every row of a tenant as one JSON line, all as of one moment, whatever is written meanwhile. */
export async function exportRows(pool: Pool, tenant: string, write: (line: string) => Promise<void>, progress: (rows: number) => void): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    return await exportAll(client, tenant, write, progress);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function exportAll(client: PoolClient, tenant: string, write: (line: string) => Promise<void>, progress: (rows: number) => void): Promise<number> {
  let rows = 0;
  for (const table of Object.keys(tables) as Table[]) {
    const { columns, key } = tables[table];
    let after: readonly string[] | undefined;
    for (;;) {
      const page: Record<string, string | null>[] = await nextPage(client, table, columns, key, tenant, after);
      for (const row of page) {
        await write(JSON.stringify({ table, row }));
        if (++rows % progressEvery === 0) progress(rows);
      }
      const last = page.at(-1);
      if (!last || page.length < pageSize) break;
      after = key.map((column) => last[column] ?? '');
    }
  }
  await write(JSON.stringify({ end: rows }));
  return rows;
}

async function nextPage(client: PoolClient, table: Table, columns: readonly string[], key: readonly string[], tenant: string, after: readonly string[] | undefined) {
  const casts: Readonly<Record<string, string>> = { id: 'uuid', version: 'bigint', index: 'bigint', level: 'smallint' };
  const castOf = (column: string) => (column === 'entry' && table === 'payload' ? 'uuid' : (casts[column] ?? 'text'));
  const beyond = after ? `and (${key.join(', ')}) > (${key.map((column, index) => `$${index + 2}::${castOf(column)}`).join(', ')})` : '';
  const { rows } = await client.query<Record<string, string | null>>(`select ${columns.map((column) => `${column}::text`).join(', ')} from ${table} where tenant = $1 ${beyond} order by ${key.map((column) => `${table}.${column}`).join(', ')} limit ${pageSize}`, [tenant, ...(after ?? [])]);
  return rows;
}

/** Reads exported rows into a store that has no entries of this tenant; all of them or none. */
export async function importRows(pool: Pool, tenant: string, lines: AsyncIterable<string>, progress: (rows: number) => void): Promise<number> {
  const client = await pool.connect();
  let rows = 0;
  try {
    await client.query('begin');
    const { rows: existing } = await client.query('select 1 from entry where tenant = $1 limit 1', [tenant]);
    if (existing.length > 0) throw new FlyballError('usage', 'expected an empty store; nothing was read');
    let ended = false;
    for await (const line of lines) {
      if (ended) throw new FlyballError('usage', 'expected nothing after the end of the export; nothing was read');
      const read = readLine(line, rows + 1);
      if ('end' in read) {
        if (read.end !== rows) throw new FlyballError('usage', `expected ${read.end} rows, got ${rows}; nothing was read`);
        ended = true;
        continue;
      }
      const { table, row } = read;
      const columns = [...tables[table].columns, ...(table === 'entry' ? ['leaf'] : [])];
      const values = columns.map((column) => (column === 'leaf' ? Buffer.from(leafHash(row['body'] ?? '')) : (row[column] ?? null)));
      await client.query({ name: `flyball-import-${table}`, text: `insert into ${table} (tenant, ${columns.join(', ')}) values ($1, ${columns.map((_, index) => `$${index + 2}`).join(', ')})`, values: [tenant, ...values] });
      if (++rows % progressEvery === 0) progress(rows);
    }
    if (!ended) throw new FlyballError('usage', 'expected the end of the export, which was cut short; nothing was read');
    // What was in no log yet is next.
    await client.query(`insert into unsequenced select e.tenant, ${timeOf('e.body')}, e.id, e.leaf from entry e where e.tenant = $1 and not exists (select 1 from log_leaf l where l.tenant = e.tenant and l.entry = e.id)`, [tenant]);
    await client.query('commit');
    return rows;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

function readLine(line: string, number: number) {
  try {
    return z.union([rowLine, endLine]).parse(JSON.parse(line));
  } catch (cause) {
    throw new FlyballError('usage', `expected line ${number} to be a row of an export; nothing was read`, { cause });
  }
}
