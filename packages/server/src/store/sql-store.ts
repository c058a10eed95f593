import type { Entry } from '@flyball/protocol';
import type { Pool } from 'pg';
import type { Payload } from '../ledger/draft.js';
import type { EntryRecord, EntryStore, ListQuery, Logged } from '../ledger/store.js';
import { CommitLane, type WriteBatch } from './lane.js';

/** The store over PostgreSQL's SQL, whether a server or the embedded one answers it. */
export class SqlStore implements EntryStore {
  readonly #lane: CommitLane;

  constructor(
    private readonly pool: Pool,
    private readonly tenant: string,
    write: WriteBatch,
  ) {
    this.#lane = new CommitLane(write);
  }

  commit(record: EntryRecord): Promise<void> {
    return this.#lane.commit(record);
  }

  flush(): Promise<void> {
    return this.#lane.flush();
  }

  onLost(listener: (streams: readonly string[]) => void): void {
    this.#lane.onLost(listener);
  }

  readStream(stream: string, afterVersion: number, most: number): Promise<readonly Entry[]> {
    return this.#entries(
      `select e.body from stream s join entry e on e.tenant = s.tenant and e.id = s.entry
        where s.tenant = $1 and s.stream = $2 and s.version > $3 order by s.version limit $4`,
      [stream, afterVersion, most],
    );
  }

  async find(id: string): Promise<Entry | undefined> {
    return (await this.#entries('select body from entry where tenant = $1 and id = $2', [id]))[0];
  }

  async findSettling(id: string): Promise<Entry | undefined> {
    return (await this.#entries('select body from entry where tenant = $1 and settles = $2', [id]))[0];
  }

  async payload(id: string): Promise<Payload | undefined> {
    const { rows } = await this.pool.query<Payload>('select salt, content from payload where tenant = $1 and entry = $2', [this.tenant, id]);
    return rows[0];
  }

  overdue(afterMs: number, beforeMs: number, most: number): Promise<readonly Entry[]> {
    return this.#entries(
      `select e.body from entry e
        where e.tenant = $1 and e.deadline > $2 and e.deadline <= $3
          and not exists (select 1 from entry o where o.tenant = e.tenant and o.settles = e.id)
        order by e.deadline limit $4`,
      [afterMs, beforeMs, most],
    );
  }

  unsettled(kind: 'hold' | 'request.opened' | 'grant.opened', after: string | undefined, most: number): Promise<readonly Entry[]> {
    return this.#entries(
      `select e.body from entry e
        where e.tenant = $1 and e.kind = '${kind}' and e.id > $2
          and not exists (select 1 from entry o where o.tenant = e.tenant and o.settles = e.id)
        order by e.id limit $3`,
      [after ?? '00000000-0000-0000-0000-000000000000', most],
    );
  }

  list({ kinds, stream, before, most }: ListQuery): Promise<readonly Entry[]> {
    const older = before ?? 'ffffffff-ffff-7fff-bfff-ffffffffffff';
    if (stream !== undefined) {
      return this.#entries(
        `select e.body from stream s join entry e on e.tenant = s.tenant and e.id = s.entry
          where s.tenant = $1 and s.stream = $2 and e.kind = any($3) and e.id < $4 order by e.id desc limit $5`,
        [stream, kinds, older, most],
      );
    }
    return this.#entries('select body from entry where tenant = $1 and kind = any($2) and id < $3 order by id desc limit $4', [kinds, older, most]);
  }

  async history(after: bigint | undefined, most: number): Promise<readonly Logged[]> {
    // Not prepared: planned for any `after` at all, it would be a join of whole tables.
    const { rows } = await this.pool.query<{ index: string; body: string; salt: string | null; content: string | null }>(
      `select l.index::text, e.body, p.salt, p.content
         from log_leaf l join entry e on e.tenant = l.tenant and e.id = l.entry left join payload p on p.tenant = l.tenant and p.entry = l.entry
        where l.tenant = $1 and l.index > $2 order by l.index limit $3`,
      [this.tenant, String(after ?? -1n), most],
    );
    return rows.map(({ index, body, salt, content }) => ({ index: BigInt(index), entry: JSON.parse(body) as Entry, ...(salt !== null && content !== null && { payload: { salt, content } }) }));
  }

  async getMeta(key: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ value: string }>('select value from meta where tenant = $1 and key = $2', [this.tenant, key]);
    return rows[0]?.value;
  }

  async setMeta(key: string, value: string): Promise<void> {
    await this.pool.query('insert into meta (tenant, key, value) values ($1, $2, $3) on conflict (tenant, key) do update set value = excluded.value', [this.tenant, key, value]);
  }

  async swapMeta(key: string, before: string | undefined, after: string): Promise<boolean> {
    const make = 'insert into meta (tenant, key, value) values ($1, $2, $3) on conflict (tenant, key) do nothing returning key';
    const swap = 'update meta set value = $3 where tenant = $1 and key = $2 and value = $4 returning key';
    const { rows } = await this.pool.query(before === undefined ? make : swap, [this.tenant, key, after, ...(before === undefined ? [] : [before])]);
    return rows.length === 1;
  }

  async #entries(sql: string, values: readonly unknown[]): Promise<readonly Entry[]> {
    const { rows } = await this.pool.query<{ body: string }>(sql, [this.tenant, ...values]);
    return rows.map((row) => JSON.parse(row.body) as Entry);
  }
}
