import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import pg from 'pg';
import type { ArchiveStore, LogStore } from '../ledger/log/log-store.js';
import type { BodyStore, EntryStore, NameStore } from '../ledger/store.js';
import { lockDirectory } from './directory-lock.js';
import { DurableWriter } from './durable-writer.js';
import type { WriteBatch } from './lane.js';
import { migrate } from './migrate.js';
import { SqlArchive } from './sql-archive.js';
import { SqlBodies } from './sql-bodies.js';
import { SqlLog } from './sql-log.js';
import { SqlNames } from './sql-names.js';
import { SqlStore } from './sql-store.js';
import { WalFlush } from './wal-flush.js';
import { batchWriter } from './write-batch.js';

export interface OpenStore {
  readonly entries: EntryStore;
  readonly names: NameStore;
  readonly log: LogStore;
  readonly bodies: BodyStore;
  readonly archive: ArchiveStore;
  /** The store's clock, in milliseconds since 1970. */
  now(): Promise<number>;
  readonly pool: pg.Pool;
  readonly kind: 'embedded' | 'postgres';
  /** Fires when the store can no longer tell what is durable: the process must end, and read everything anew. */
  readonly broken: AbortSignal;
  /** Makes durable what was written past `commit`, such as an import. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const connectionsMax = 8;

/** Two segments of the write-ahead log. */
const roomLeastBytes = 32 * 1024 * 1024;

/** One process with small transactions needs neither 128 MB of buffers nor a compiler for queries. */
const serverParams = ['-c', 'shared_buffers=32MB', '-c', 'jit=off'];

/** Opens a PostgreSQL server as the store. Throws `store_unavailable` when it cannot be reached. */
export async function openPostgres(url: string, tenant: string): Promise<OpenStore> {
  const pool = new pg.Pool({ connectionString: url, max: connectionsMax, connectionTimeoutMillis: 5_000, statement_timeout: 15_000, query_timeout: 20_000 });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  try {
    await migrate(pool);
  } catch (cause) {
    await pool.end();
    throw new FlyballError('store_unavailable', `cannot open the database: expected a PostgreSQL server at FLYBALL_DATABASE_URL (${firstLine(cause)})`, { cause });
  }
  const writer = new DurableWriter(pool);
  const entries = new SqlStore(pool, tenant, batchWriter(pool, writer));
  return { entries, ...partsOf(pool, tenant, writer, false), pool, kind: 'postgres', now: () => databaseNow(pool), flush: () => entries.flush(), broken: writer.broken, close: async () => {
    await entries.flush();
    await pool.end();
  } };
}

/** Opens the embedded PostgreSQL in a data directory, alone: throws `store_locked` when another process has it. */
export async function openEmbedded(directory: string, tenant: string): Promise<OpenStore> {
  const unlock = await lockDirectory(directory);
  try {
    const [{ PGlite }, { createPgConfig }] = await Promise.all([import('@electric-sql/pglite'), import('@electric-sql/pglite/node-postgres')]);
    const data = join(directory, 'pg');
    const db = await PGlite.create(data, { relaxedDurability: false, startParams: [...PGlite.defaultStartParams, ...serverParams] });
    const pool = yieldingPool(new pg.Pool({ ...createPgConfig(db), max: 1 }));
    await migrate(pool);
    const flush = new WalFlush(join(data, 'pg_wal'));
    const writer = new DurableWriter(pool, (segment) => flush.flush(segment));
    const write = batchWriter(pool, writer);
    const hasRoom = roomCheck(data);
    const guarded: WriteBatch = async (records) => {
      const bytes = records.reduce((sum, { text, payload }) => sum + text.length + (payload?.content.length ?? 0), 0);
      return (await hasRoom(bytes)) ? write(records) : { kind: 'unavailable', cause: new Error('the disk is full') };
    };
    const checkpoint = async () => {
      await pool.query('checkpoint');
      syncTree(data);
    };
    const entries = new SqlStore(pool, tenant, guarded);
    const close = async () => {
      await entries.flush();
      await checkpoint();
      flush.close();
      await pool.end();
      await db.close();
      syncTree(data);
      await unlock();
    };
    return { entries, ...partsOf(pool, tenant, writer, true), pool, kind: 'embedded', now: () => databaseNow(pool), flush: checkpoint, broken: writer.broken, close };
  } catch (cause) {
    await unlock();
    throw cause instanceof FlyballError ? cause : new FlyballError('store_unavailable', `cannot open the data directory \`${directory}\` (${firstLine(cause)})`, { cause });
  }
}

/** What is written past the lane. */
const partsOf = (pool: pg.Pool, tenant: string, writer: DurableWriter, alone: boolean) => ({ names: new SqlNames(pool, tenant, writer), log: new SqlLog(pool, tenant, writer, alone), bodies: new SqlBodies(pool, tenant, writer), archive: new SqlArchive(pool, tenant, writer) });

/**
 * Whether the disk has room for so many bytes more. With less than the log's next segments need, the server
 * inside would stop answering; refusing recovers by itself. Asked of the system again when what was written
 * since could have made a difference.
 */
function roomCheck(data: string): (bytes: number) => Promise<boolean> {
  let sureOfBytes = 0;
  return async (bytes) => {
    sureOfBytes -= bytes;
    if (sureOfBytes > 0) return true;
    const { bavail, bsize } = await statfs(data);
    // Others write to the disk, too: a hundredth of what is free is ours to count on.
    sureOfBytes = (bavail * bsize - roomLeastBytes) / 100;
    return sureOfBytes > 0;
  };
}

/** The embedded server works on the caller's thread: without a turn of the loop after each query, timers starve. */
function yieldingPool(pool: pg.Pool): pg.Pool {
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  const yielding = async (...args: unknown[]) => {
    try {
      return await query(...args);
    } finally {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return Object.assign(pool, { query: yielding });
}

async function databaseNow(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ now: string }>('select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now');
  return Number(rows[0]?.now);
}

/** After a checkpoint the data files are the truth, so they have to be durable before anything else is. */
function syncTree(directory: string): void {
  for (const file of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const fd = openSync(join(file.parentPath, file.name), 'r');
    fsyncSync(fd);
    closeSync(fd);
  }
}

const firstLine = (thrown: unknown) => (thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '').slice(0, 200) : 'unknown');
