import { FlyballError } from '@flyball/protocol';
import { emptyRoot, type Tile } from '@flyball/tlog';
import type { Pool } from 'pg';
import type { Cosigned, Extension, LogHead, LogStore, Unsequenced } from '../ledger/log/log-store.js';
import type { DurableWriter } from './durable-writer.js';

const hashBytes = 32;
const vacuumEvery = 20_000;

const now = '(extract(epoch from clock_timestamp()) * 1000)::bigint';
const columns = 'origin, epoch::text, size::text, root, checkpoint';

interface HeadRow {
  readonly origin: string;
  readonly epoch: string;
  readonly size: string;
  readonly root: Uint8Array;
  readonly checkpoint: string;
}

/** The log's tables. The row of `log` is the fence: whoever extends has to find the epoch and the size that it began from. */
export class SqlLog implements LogStore {
  #deleted = 0;

  /** @param alone nobody else can have this database, so nobody's lease is waited for */
  constructor(
    private readonly pool: Pool,
    private readonly tenant: string,
    private readonly writer: DurableWriter,
    private readonly alone: boolean,
  ) {}

  async open(origin: string): Promise<LogHead> {
    const make = (segment: string) => `insert into log (tenant, origin, holder, lease_until, epoch, size, root, checkpoint) values ($1, $2, '', 0, 0, 0, $3, '') on conflict (tenant) do nothing returning ${segment} as segment`;
    if (!(await this.head())) await this.writer.write({ name: 'flyball-log-make', text: make, values: [this.tenant, origin, Buffer.from(emptyRoot)] });
    const head = await this.head();
    if (!head) throw new FlyballError('store_unavailable', 'the log could not be made');
    return head;
  }

  async acquire(holder: string, leaseMs: number): Promise<LogHead | undefined> {
    const take = (segment: string) => `update log set holder = $2, epoch = epoch + case when holder = $2 then 0 else 1 end, lease_until = ${now} + $3
      where tenant = $1 and (holder = $2 or lease_until < ${now} or $4) returning ${columns}, ${segment} as segment`;
    const [row] = await this.writer.write<HeadRow>({ name: 'flyball-log-take', text: take, values: [this.tenant, holder, leaseMs, this.alone] });
    return row && toHead(row);
  }

  async release(holder: string): Promise<void> {
    await this.pool.query('update log set lease_until = 0 where tenant = $1 and holder = $2', [this.tenant, holder]);
  }

  async head(): Promise<LogHead | undefined> {
    const { rows } = await this.pool.query<HeadRow>({ name: 'flyball-log-head', text: `select ${columns} from log where tenant = $1`, values: [this.tenant] });
    return rows[0] && toHead(rows[0]);
  }

  async unsequenced(most: number): Promise<readonly Unsequenced[]> {
    const { rows } = await this.pool.query<{ at: string; entry: string; leaf: Uint8Array }>({ name: 'flyball-log-unsequenced', text: 'select at::text, entry, leaf from unsequenced where tenant = $1 order by at, entry limit $2', values: [this.tenant, most] });
    return rows.map(({ at, entry, leaf }) => ({ at: Number(at), entry, leaf }));
  }

  async extend({ from, to, entries, tiles }: Extension): Promise<boolean> {
    const values = [
      this.tenant,
      String(from.epoch),
      String(from.size),
      String(to.size),
      Buffer.from(to.root),
      entries.map(({ entry }) => entry).join('\n'),
      entries.map(({ at }) => String(at)).join('\n'),
      tiles.map(({ tile }) => String(tile.level)).join('\n'),
      tiles.map(({ tile }) => String(tile.index)).join('\n'),
      tiles.map(({ hashes }) => Buffer.from(hashes).toString('hex')).join('\n'),
    ];
    const [row] = await this.writer.write<{ won: string }>({ name: 'flyball-log-extend', text: extendLog, values });
    const won = row?.won === '1';
    if (won) await this.#tidy(entries.length);
    return won;
  }

  async keepCheckpoint(size: bigint, checkpoint: string): Promise<void> {
    await this.pool.query({ name: 'flyball-log-checkpoint', text: 'update log set checkpoint = $3 where tenant = $1 and size = $2', values: [this.tenant, String(size), checkpoint] });
  }

  /** What was sequenced leaves dead rows at the front of a queue; an embedded server clears nothing away by itself. */
  async #tidy(deleted: number): Promise<void> {
    this.#deleted += deleted;
    if (!this.alone || this.#deleted < vacuumEvery) return;
    this.#deleted = 0;
    await this.pool.query('vacuum unsequenced');
  }

  async readTile({ level, index, width }: Tile): Promise<Uint8Array> {
    const { rows } = await this.pool.query<{ hashes: Uint8Array }>({ name: 'flyball-log-tile', text: 'select hashes from log_tile where tenant = $1 and level = $2 and index = $3', values: [this.tenant, level, String(index)] });
    const hashes = rows[0]?.hashes;
    if (!hashes || hashes.length < width * hashBytes) throw new FlyballError('not_found', 'the log has no such tile');
    return hashes.subarray(0, width * hashBytes);
  }

  async indexOf(entry: string): Promise<bigint | undefined> {
    const { rows } = await this.pool.query<{ index: string }>('select index::text from log_leaf where tenant = $1 and entry = $2', [this.tenant, entry]);
    return rows[0] && BigInt(rows[0].index);
  }

  async texts(first: bigint, count: number): Promise<readonly (string | undefined)[]> {
    const { rows } = await this.pool.query<{ body: string | null }>(
      'select e.body from log_leaf l left join entry e on e.tenant = l.tenant and e.id = l.entry where l.tenant = $1 and l.index >= $2 and l.index < $3 order by l.index',
      [this.tenant, String(first), String(first + BigInt(count))],
    );
    return rows.map(({ body }) => body ?? undefined);
  }

  async cosignatures(): Promise<readonly Cosigned[]> {
    const { rows } = await this.pool.query<{ witness: string; size: string; checkpoint: string; lines: string }>('select witness, size::text, checkpoint, lines from log_cosignature where tenant = $1 order by witness', [this.tenant]);
    return rows.map(({ size, ...row }) => ({ ...row, size: BigInt(size) }));
  }

  async keepCosignature({ witness, size, checkpoint, lines }: Cosigned): Promise<void> {
    await this.pool.query('insert into log_cosignature (tenant, witness, size, checkpoint, lines) values ($1, $2, $3, $4, $5) on conflict (tenant, witness) do update set size = excluded.size, checkpoint = excluded.checkpoint, lines = excluded.lines', [this.tenant, witness, String(size), checkpoint, lines]);
  }
}

const lines = (number: number): string => `string_to_array($${number}, E'\\n')`;

/** One statement, so that a log is extended whole or not at all, and only by who holds the epoch and the size. */
const extendLog = (segment: string): string => `
  with fence as (
    update log set size = $4::bigint, root = $5 where tenant = $1 and epoch = $2::bigint and size = $3::bigint returning 1
  ), entries as (
    select entry::uuid, at::bigint, $3::bigint + place - 1 as index from unnest(${lines(6)}, ${lines(7)}) with ordinality as e(entry, at, place) where exists (select 1 from fence)
  ), leaves as (
    insert into log_leaf (tenant, index, entry) select $1, index, entry from entries
  ), tiles as (
    insert into log_tile (tenant, level, index, hashes)
    select $1, level::smallint, index::bigint, decode(hashes, 'hex') from unnest(${lines(8)}, ${lines(9)}, ${lines(10)}) as t(level, index, hashes) where exists (select 1 from fence)
    on conflict (tenant, level, index) do update set hashes = excluded.hashes
  ), done as (
    delete from unsequenced u using entries where u.tenant = $1 and u.at = entries.at and u.entry = entries.entry
  )
  select (select count(*) from fence)::text as won, ${segment} as segment`;

const toHead = ({ origin, epoch, size, root, checkpoint }: HeadRow): LogHead => ({ origin, epoch: BigInt(epoch), size: BigInt(size), root: new Uint8Array(root), checkpoint });
