import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leafHash } from '@flyball/tlog';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, place, record } from '../../../../test/support/entries.js';
import { startPostgres } from '../../../../test/support/postgres.js';
import { migrate } from './migrate.js';
import { openEmbedded, type OpenStore, openPostgres } from './open.js';
import { migrations } from './schema.js';
import { exportRows, importRows } from './transfer.js';

const postgres = await startPostgres();
const folder = mkdtempSync(join(tmpdir(), 'flyball-transfer-'));
let embedded: OpenStore;
beforeAll(async () => {
  embedded = await openEmbedded(folder, 'default');
  await fill(embedded);
}, 60_000);
afterAll(async () => {
  await embedded.close();
  rmSync(folder, { recursive: true });
  await postgres?.remove();
}, 30_000);

const longStream = 'session:long';
const longest = 1_203;

/** More than two pages of every table, with all that a column can hold. */
async function fill({ entries }: OpenStore): Promise<void> {
  const records = Array.from({ length: longest }, (_, index) =>
    record([place(longStream, index + 1), place(`identity:["a",${index}]`, 1)], {
      at: 1_700_000_000_000 + (index % 7),
      ...(index % 3 === 0 && { deadline: index }),
      body: { index, note: '"\\ \u0000 \u2028 ü' },
      payload: { salt: `s${index}`, content: `{"n":${index},"text":"\\n'\\\\"}` },
    }),
  );
  await Promise.all(records.map((each) => entries.commit(each)));
  await entries.commit(record([place(longStream, longest + 1)], { kind: 'outcome', settles: records[0]?.entry.id ?? '' }));
  await entries.setMeta('settled-until', '17');
}

const exported = async ({ pool }: Pick<OpenStore, 'pool'>, tenant = 'default'): Promise<string[]> => {
  const lines: string[] = [];
  await exportRows(pool, tenant, (line) => Promise.resolve(void lines.push(line)), () => undefined);
  return lines;
};

async function* stream(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

const leaves = async ({ pool }: OpenStore) => (await pool.query<{ id: string; body: string; leaf: Buffer }>('select id, body, leaf from entry order by id')).rows;

test('law: a leaf is SHA-256 over 0x00 and the stored body', async () => {
  for (const { body, leaf } of await leaves(embedded)) {
    expect(Buffer.from(leaf).toString('hex')).toBe(createHash('sha256').update(Buffer.of(0)).update(body, 'utf8').digest('hex'));
    expect(Buffer.from(leafHash(body)).equals(Buffer.from(leaf))).toBe(true);
  }
});

test('law: an export has every row once, also of a stream of many pages', async () => {
  const rows = (await exported(embedded)).map((line) => JSON.parse(line) as { table: string; row: Record<string, string> });
  const count = (table: string) => rows.filter((row) => row.table === table).length;
  const versions = rows.filter(({ table, row }) => table === 'stream' && row['stream'] === longStream).map(({ row }) => Number(row['version']));
  expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: longest + 1 }, (_, index) => index + 1));
  expect([count('entry'), count('stream'), count('payload'), count('meta')]).toEqual([longest + 1, 2 * longest + 1, longest, 1]);
});

describe.skipIf(postgres === undefined)('with a server', () => {
  const open = async (tenant = 'default', url?: string) => openPostgres(url ?? (await postgres?.database()) ?? '', tenant);

  test('law: embedded to server and back again: the same rows, the same leaf hashes', async () => {
    const target = await open();
    const lines = await exported(embedded);
    await importRows(target.pool, 'default', stream(lines), () => undefined);
    expect((await exported(target)).toSorted()).toEqual(lines.toSorted());
    expect(await leaves(target)).toEqual((await leaves(embedded)).map(({ leaf, ...rest }) => ({ ...rest, leaf: Buffer.from(leaf) })));
    expect(await target.entries.readStream(longStream, 0, 2_000)).toEqual(await embedded.entries.readStream(longStream, 0, 2_000));
    await target.close();
  });

  test('attack: an export while the record grows is one moment of it: no place without its entry', async () => {
    const [source, target] = [await open(), await open()];
    await source.entries.commit(record([place('session:a', 1)]));
    const lines: string[] = [];
    let version = 1;
    await exportRows(source.pool, 'default', async (line) => {
      lines.push(line);
      if (version < 5) await source.entries.commit(record([place('session:a', ++version)], { at: 1 }));
    }, () => undefined);
    await importRows(target.pool, 'default', stream(lines), () => undefined);
    const { rows } = await target.pool.query('select s.version from stream s left join entry e on e.tenant = s.tenant and e.id = s.entry where e.id is null');
    expect(rows).toEqual([]);
    await Promise.all([source.close(), target.close()]);
  });

  test.each([
    ['a broken last line', (lines: readonly string[]) => [...lines.slice(0, 40), '{"table":"entry","row":{']],
    ['an unknown table', (lines: readonly string[]) => [...lines.slice(0, 40), '{"table":"pg_authid","row":{}}']],
    ['the same entry twice', (lines: readonly string[]) => [...lines.slice(0, 40), lines[0] ?? '']],
    ['a column that is SQL', (lines: readonly string[]) => [...lines.slice(0, 40), '{"table":"meta","row":{"key":"k","value) values (\'x\',\'y\',\'z\')--":"v"}}']],
  ])('attack: an import with %s leaves nothing behind', async (_name, spoil) => {
    const target = await open();
    expect(await ended(importRows(target.pool, 'default', stream(spoil(await exported(embedded))), () => undefined))).not.toBe('ok');
    expect(await exported(target)).toEqual(['{"end":0}']);
    await target.close();
  });

  test('attack: an import over a record that is there already changes nothing', async () => {
    const target = await open();
    await target.entries.commit(record([place('session:a', 1)]));
    const before = await exported(target);
    expect(await ended(importRows(target.pool, 'default', stream(await exported(embedded)), () => undefined))).toBe('usage');
    expect(await exported(target)).toEqual(before);
    await target.close();
  });

  test('law: migrations run once, from many nodes at once and again later', async () => {
    const url = (await postgres?.database()) ?? '';
    const nodes = await Promise.all(Array.from({ length: 4 }, () => open('default', url)));
    await nodes[0]?.entries.commit(record([place('session:a', 1)]));
    const again = new pg.Pool({ connectionString: url, max: 1 });
    await migrate(again);
    const { rows } = await again.query<{ name: string }>('select name from migration order by name');
    expect(rows.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
    expect(await nodes[3]?.entries.readStream('session:a', 0, 9)).toHaveLength(1);
    await Promise.all([again.end(), ...nodes.map((node) => node.close())]);
  });

  test('story: a server that cannot be reached is one clear error and leaves no connection behind', async () => {
    expect(await ended(open('default', 'postgres://nobody@127.0.0.1:1/none'))).toBe('store_unavailable');
  });
});

test('law: an embedded store opens twice in a row with all that was acknowledged', async () => {
  const own = mkdtempSync(join(tmpdir(), 'flyball-embedded-'));
  const first = await openEmbedded(own, 'default');
  await first.entries.commit(record([place('session:a', 1)]));
  expect(await ended(openEmbedded(own, 'default'))).toBe('store_locked');
  await first.close();
  const second = await openEmbedded(own, 'default');
  expect(await second.entries.readStream('session:a', 0, 9)).toHaveLength(1);
  await second.close();
  rmSync(own, { recursive: true });
});
