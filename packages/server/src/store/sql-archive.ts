import type { Pool } from 'pg';
import type { ArchivedBody, ArchiveStore } from '../ledger/log/log-store.js';
import type { DurableWriter } from './durable-writer.js';
import { timeOf } from './schema.js';

/** Kinds that decisions are explained and replayed with, or that the log tells of itself: they stay. */
const keptKinds = ['bundle.activated', 'log.key', 'erased', 'archived', 'tool.pinned', 'tool.accepted'];

export class SqlArchive implements ArchiveStore {
  constructor(
    private readonly pool: Pool,
    private readonly tenant: string,
    private readonly writer: DurableWriter,
  ) {}

  async firstSince(atMs: number): Promise<bigint | undefined> {
    const { rows } = await this.pool.query<{ index: string | null }>(
      `select min(l.index)::text as index from log_leaf l join entry e on e.tenant = l.tenant and e.id = l.entry where l.tenant = $1 and ${timeOf('e.body')} >= $2`,
      [this.tenant, atMs],
    );
    return typeof rows[0]?.index === 'string' ? BigInt(rows[0].index) : undefined;
  }

  async bodiesBelow(index: bigint, after: string, most: number): Promise<readonly ArchivedBody[]> {
    const { rows } = await this.pool.query<ArchivedBody>(
      `select p.entry, p.salt, p.content from payload p join log_leaf l on l.tenant = p.tenant and l.entry = p.entry
        where p.tenant = $1 and l.index < $2 and p.entry > $3 order by p.entry limit $4`,
      [this.tenant, String(index), after, most],
    );
    return rows;
  }

  async removeBelow(index: bigint): Promise<number> {
    const [row] = await this.writer.write<{ removed: string }>({ name: 'flyball-archive', text: removal, values: [this.tenant, String(index), keptKinds] });
    await this.pool.query('vacuum entry');
    await this.pool.query('vacuum payload');
    return Number(row?.removed ?? 0);
  }
}

/**
 * Entries go when all their sessions are over and they are the newest of none of their streams, whose versions go on
 * from there. What settles another goes only with it, or the other would be settled a second time.
 */
const removal = (segment: string): string => `
  with ended as (
    select s.stream from stream s join entry e on e.tenant = s.tenant and e.id = s.entry
     where s.tenant = $1 and s.stream like 'session:%' and e.kind = 'session.ended'
  ), heads as (
    select stream, max(version) as version from stream where tenant = $1 group by stream
  ), gone as (
    select e.id from entry e join log_leaf l on l.tenant = e.tenant and l.entry = e.id
     where e.tenant = $1 and l.index < $2::bigint and e.kind <> all($3)
       and not exists (select 1 from stream s join heads h on h.stream = s.stream and h.version = s.version where s.tenant = $1 and s.entry = e.id)
       and not exists (select 1 from stream s where s.tenant = $1 and s.entry = e.id and s.stream like 'session:%' and s.stream not in (select stream from ended))
       and (e.settles is null or exists (select 1 from log_leaf b where b.tenant = $1 and b.entry = e.settles and b.index < $2::bigint))
  ), bodies as (
    delete from payload p using gone where p.tenant = $1 and p.entry = gone.id
  ), entries as (
    delete from entry e using gone where e.tenant = $1 and e.id = gone.id returning 1
  )
  select (select count(*) from entries)::text as removed, ${segment} as segment`;
