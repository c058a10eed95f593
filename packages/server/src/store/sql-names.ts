import { FlyballError } from '@flyball/protocol';
import type { Pool } from 'pg';
import type { NameStore } from '../ledger/store.js';
import type { DurableWriter } from './durable-writer.js';

export class SqlNames implements NameStore {
  constructor(
    private readonly pool: Pool,
    private readonly tenant: string,
    private readonly writer: DurableWriter,
  ) {}

  async keepName(name: string, ref: string, salt: string): Promise<string> {
    const known = await this.findRef(name);
    if (known !== undefined) return known;
    const text = (segment: string) => `insert into person (tenant, ref, salt, name) values ($1, $2, $3, $4) on conflict (tenant, name) do nothing returning ${segment} as segment`;
    await this.writer.write({ name: 'flyball-keep-name', text, values: [this.tenant, ref, salt, name] });
    const kept = await this.findRef(name);
    if (kept === undefined) throw new FlyballError('store_unavailable', 'a name could not be kept; nothing was recorded');
    return kept;
  }

  async findName(ref: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ name: string }>('select name from person where tenant = $1 and ref = $2', [this.tenant, ref]);
    return rows[0]?.name;
  }

  async eraseName(name: string): Promise<string | undefined> {
    const text = (segment: string) => `delete from person where tenant = $1 and name = $2 returning ref, ${segment} as segment`;
    const [row] = await this.writer.write<{ ref: string }>({ name: 'flyball-erase-name', text, values: [this.tenant, name] });
    // A deleted row keeps its bytes, and a plain vacuum leaves them in the page: only a table that is written anew is without them.
    if (row) await this.pool.query('vacuum full person');
    return row?.ref;
  }

  async findRef(name: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ ref: string }>('select ref from person where tenant = $1 and name = $2', [this.tenant, name]);
    return rows[0]?.ref;
  }
}
