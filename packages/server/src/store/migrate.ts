import type { Pool } from 'pg';
import { migrations } from './schema.js';

const lockKey = 7_214_551;

/** Brings the schema up to date. Several nodes may start at once: a lock in the database lets one through at a time. */
export async function migrate(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query('create table if not exists migration (name text primary key, applied timestamptz not null default now())');
    const { rows } = await client.query<{ name: string }>('select name from migration');
    const applied = new Set(rows.map((row) => row.name));
    for (const { name, sql } of migrations.filter((migration) => !applied.has(migration.name))) {
      await client.query(sql);
      await client.query('insert into migration (name) values ($1)', [name]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}
