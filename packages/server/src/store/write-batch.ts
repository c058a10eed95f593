import type { Pool } from 'pg';
import type { EntryRecord } from '../ledger/store.js';
import type { DurableWriter } from './durable-writer.js';
import type { BatchFailure, Rejection, WriteBatch } from './lane.js';

/** One statement, so one round trip and one transaction, for a whole batch. */
const insertBatch = {
  name: 'flyball-insert-batch',
  text: (segment: string) => `
    with entries as (
      insert into entry (tenant, id, kind, deadline, settles, body, leaf)
      select tenant, id::uuid, kind, nullif(deadline, '')::bigint, nullif(settles, '')::uuid, body, decode(leaf, 'hex')
        from unnest(${[1, 2, 3, 4, 5, 6, 7].map(column).join(', ')}) as e(tenant, id, kind, deadline, settles, body, leaf)
    ), waiting as (
      insert into unsequenced (tenant, at, entry, leaf)
      select tenant, at::bigint, id::uuid, decode(leaf, 'hex') from unnest(${[1, 16, 2, 7].map(column).join(', ')}) as u(tenant, at, id, leaf)
    ), payloads as (
      insert into payload (tenant, entry, salt, content)
      select tenant, entry::uuid, salt, content from unnest(${[8, 9, 10, 11].map(column).join(', ')}) as p(tenant, entry, salt, content)
    ), places as (
      insert into stream (tenant, stream, version, entry)
      select tenant, stream, version::bigint, entry::uuid from unnest(${[12, 13, 14, 15].map(column).join(', ')}) as s(tenant, stream, version, entry)
    )
    select ${segment} as segment`,
};

const uniqueViolation = '23505';
const again = new Set(['40001', '40P01', '55P03']);

/**
 * The ledger's own key is the lock: a place in a stream can be taken once, and what waits can be settled
 * once. A batch that meets a taken place is rolled back whole and says which of its entries met it.
 */
export function batchWriter(pool: Pool, writer: DurableWriter): WriteBatch {
  return async (records) => {
    if (writer.broken.aborted) return { kind: 'unavailable', cause: writer.broken.reason };
    try {
      await writer.write({ ...insertBatch, values: columns(records) });
      return undefined;
    } catch (error) {
      if (writer.broken.aborted) return { kind: 'unavailable', cause: error };
      const failure = await explain(pool, records, error);
      // An embedded server that ran out of room for its log answers nothing any more, not even with an error.
      if (writer.flushes && failure.kind === 'unavailable') writer.breakDown(error);
      return failure;
    }
  };
}

/** A column as one text with a line for each row: an array's text would have to be escaped character by character. */
function column(number: number): string {
  return `string_to_array($${number}, E'\\n')`;
}

function columns(records: readonly EntryRecord[]): string[] {
  const payloads = records.flatMap(({ entry, payload }) => (payload ? [{ entry, payload }] : []));
  const places = records.flatMap(({ entry }) => entry.streams.map((place) => ({ ...place, tenant: entry.tenant, id: entry.id })));
  const values = [
    records.map(({ entry }) => entry.tenant),
    records.map(({ entry }) => entry.id),
    records.map(({ entry }) => entry.kind),
    records.map(({ entry }) => String(entry.deadline ?? '')),
    records.map(({ entry }) => entry.settles ?? ''),
    records.map(({ text }) => text),
    records.map(({ leaf }) => Buffer.from(leaf).toString('hex')),
    payloads.map(({ entry }) => entry.tenant),
    payloads.map(({ entry }) => entry.id),
    payloads.map(({ payload }) => payload.salt),
    payloads.map(({ payload }) => payload.content),
    places.map(({ tenant }) => tenant),
    places.map(({ stream }) => stream),
    places.map(({ version }) => String(version)),
    places.map(({ id }) => id),
    records.map(({ entry }) => String(entry.at)),
  ];
  return values.map(toLines);
}

/** JSON has no line breaks of its own; a name that had one would fall into two rows, so it is refused. */
function toLines(values: readonly string[]): string {
  if (values.some((value) => value.includes('\n'))) throw Object.assign(new Error('a value with a line break'), { code: '22000' });
  return values.join('\n');
}

async function explain(pool: Pool, records: readonly EntryRecord[], error: unknown): Promise<BatchFailure> {
  const code = (error as { code?: unknown }).code;
  if (code === uniqueViolation) return whatIsTaken(pool, records);
  // Data that cannot be stored and limits of the database concern one entry, not its neighbours.
  if (typeof code === 'string' && /^(22|54|42)/.test(code)) return { kind: 'indigestible', cause: error };
  const lostConnection = typeof code !== 'string' || code.startsWith('08') || code.startsWith('57P') || code.startsWith('E');
  return typeof code === 'string' && again.has(code) || lostConnection ? { kind: 'again', cause: error } : { kind: 'unavailable', cause: error };
}

async function whatIsTaken(pool: Pool, records: readonly EntryRecord[]): Promise<BatchFailure> {
  const tenants = records.map(({ entry }) => entry.tenant);
  const { rows: known } = await pool.query<{ id: string }>(
    'select e.id from entry e join unnest($1::text[], $2::uuid[]) as w(tenant, id) on e.tenant = w.tenant and e.id = w.id',
    [tenants, records.map(({ entry }) => entry.id)],
  );
  const { rows: settled } = await pool.query<{ settles: string }>(
    'select e.settles from entry e join unnest($1::text[], $2::uuid[]) as w(tenant, id) on e.tenant = w.tenant and e.settles = w.id',
    [tenants, records.map(({ entry }) => entry.settles ?? null)],
  );
  const places = records.flatMap(({ entry }) => entry.streams.map((place) => ({ ...place, tenant: entry.tenant })));
  const { rows: heads } = await pool.query<{ stream: string; version: string }>(
    `select s.stream, max(s.version)::text as version
       from stream s join unnest($1::text[], $2::text[]) as w(tenant, stream) on s.tenant = w.tenant and s.stream = w.stream
      group by s.stream`,
    [places.map(({ tenant }) => tenant), places.map(({ stream }) => stream)],
  );
  return sortOut(records, new Set(known.map((row) => row.id)), new Set(settled.map((row) => row.settles)), new Map(heads.map((row) => [row.stream, Number(row.version)])));
}

function sortOut(records: readonly EntryRecord[], written: ReadonlySet<string>, settled: ReadonlySet<string>, heads: ReadonlyMap<string, number>): BatchFailure {
  const entries = new Map<string, Rejection>();
  const settledHere = new Set<string>();
  const claimed = new Set<string>();
  const taken = ({ stream, version }: { readonly stream: string; readonly version: number }) => (heads.get(stream) ?? 0) >= version || claimed.has(`${version} ${stream}`);
  for (const { entry } of records) {
    if (written.has(entry.id)) continue;
    if (entry.settles && (settled.has(entry.settles) || settledHere.has(entry.settles))) entries.set(entry.id, 'already_settled');
    else if (entry.streams.some(taken)) entries.set(entry.id, 'conflict');
    else {
      entry.streams.forEach(({ stream, version }) => claimed.add(`${version} ${stream}`));
      if (entry.settles) settledHere.add(entry.settles);
    }
  }
  return { kind: 'rejected', entries, written };
}
