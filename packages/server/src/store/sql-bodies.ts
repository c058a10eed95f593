import type { Pool } from 'pg';
import type { BodyStore } from '../ledger/store.js';
import type { DurableWriter } from './durable-writer.js';

export class SqlBodies implements BodyStore {
  constructor(
    private readonly pool: Pool,
    private readonly tenant: string,
    private readonly writer: DurableWriter,
  ) {}

  async findBodies({ ref, stream, entries, containing }: Parameters<BodyStore['findBodies']>[0]): Promise<readonly string[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select e.id from payload p join entry e on e.tenant = p.tenant and e.id = p.entry
        where p.tenant = $1 and e.kind <> 'bundle.activated' and (
          ($2::text is not null and position($2 in e.body) > 0) or
          ($3::text is not null and exists (select 1 from stream s where s.tenant = e.tenant and s.stream = $3 and s.entry = e.id)) or
          ($4::text[] is not null and e.id::text = any($4)) or
          ($5::text is not null and position($5 in p.content) > 0))`,
      [this.tenant, ref ?? null, stream ?? null, entries ?? null, containing ?? null],
    );
    return rows.map(({ id }) => id);
  }

  async eraseBodies(entries: readonly string[]): Promise<void> {
    const text = (segment: string) => `with gone as (delete from payload where tenant = $1 and entry::text = any($2) returning 1) select (select count(*) from gone)::text as count, ${segment} as segment`;
    await this.writer.write({ name: 'flyball-erase-bodies', text, values: [this.tenant, entries] });
    // A deleted row keeps its bytes until it is cleared away.
    await this.pool.query('vacuum payload');
  }
}
