import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBundle, parsePath } from '@flyball/tlog';
import type pg from 'pg';
import type { LogStore } from '../../packages/server/src/ledger/log/log-store.js';
import { folder, type LogSource, type LogToVerify, verifyLog, type Verdict } from '../../packages/verify/src/index.js';
import { command, type RunningGovernor, waitFor } from './governor.js';
import type { RawAnswer } from './mcp.js';

export interface LogStatus {
  readonly origin: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly size: string;
  readonly checkpoint: string;
}

type Env = Readonly<Record<string, string>>;

export async function must(directory: string, args: readonly string[], env: Env = {}): Promise<string> {
  const { code, stdout, stderr } = await command(directory, args, env);
  if (code !== 0) throw new Error(`flyball ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export const statusOf = async (directory: string, env: Env = {}): Promise<LogStatus> => JSON.parse(await must(directory, ['log', 'status', '--json'], env)) as LogStatus;

/** The promise that came with an answer. */
export const promiseOf = (answer: RawAnswer): string => Buffer.from(answer.headers.get('flyball-promise') ?? '', 'base64url').toString('utf8');

/** Id of the entry that a promise is about. */
export const promised = (promise: string): string => promise.split('\n')[2] ?? '';

/** A receipt, as soon as there is one. */
export const receiptOf = (directory: string, id: string, env: Env = {}, ...more: string[]): Promise<string> =>
  waitFor(async () => {
    const { code, stdout } = await command(directory, ['receipt', id, ...more], env);
    return code === 0 ? stdout : undefined;
  }, 20_000);

/** The log as static files, in a folder. */
export async function exported(governor: Pick<RunningGovernor, 'directory'>, env: Env = {}, into = mkdtempSync(join(tmpdir(), 'flyball-exported-'))): Promise<string> {
  await must(governor.directory, ['log', 'export', into], env);
  return into;
}

const named = (kind: string, contents: readonly string[]) => contents.map((content, index) => ({ name: `${kind}-${index}`, content }));

export interface Kept {
  readonly keys: readonly string[];
  readonly promises?: readonly string[];
  readonly receipts?: readonly string[];
  readonly earlier?: readonly string[];
}

/** What an auditor says who trusts these keys and kept these files. */
export function audit(source: LogSource | string, { keys, promises = [], receipts = [], earlier = [] }: Kept, more: Partial<LogToVerify> = {}): Promise<Verdict> {
  return verifyLog({ source: typeof source === 'string' ? folder(source) : source, trust: { keys }, promises: named('promise', promises), receipts: named('receipt', receipts), earlier: named('earlier', earlier), ...more });
}

/** The codes of what was found, without repetition. */
export const codes = ({ integrity, completeness }: Verdict): readonly string[] => [...Object.keys(integrity.counts), ...Object.keys(completeness.counts)].sort();

/** What an operator with the database would publish: whatever stands there. */
export function publishedFrom(store: LogStore): LogSource {
  const read = async (path: string): Promise<Uint8Array> => {
    if (path === 'checkpoint') return Buffer.from((await store.head())?.checkpoint ?? '');
    const parsed = parsePath(path);
    if (parsed.kind === 'tile') return store.readTile(parsed.tile);
    const { index, width } = parsed.bundle;
    const texts = await store.texts(index * 256n, width);
    return encodeBundle(texts.map((text) => Buffer.from(text ?? '')));
  };
  return { name: 'the database', read };
}

/** Every cell of every table that has the text in it, as `table.column`. */
export async function tablesWith(pool: pg.Pool, text: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ table: string; column: string }>(`select table_name as table, column_name as column from information_schema.columns where table_schema = 'public'`);
  const found = await Promise.all(rows.map(async ({ table, column }) => {
    const hits = await pool.query(`select 1 from "${table}" where position($1 in "${column}"::text) > 0 or position(encode(convert_to($1, 'utf8'), 'hex') in "${column}"::text) > 0 limit 1`, [text]);
    return hits.rowCount ? [`${table}.${column}`] : [];
  }));
  return found.flat();
}

/** Puts a file of a configuration in another's place, changed. */
export const edit = (file: string, change: (text: string) => string): void => writeFileSync(file, change(readFileSync(file, 'utf8')));
