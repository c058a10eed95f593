import { createReadStream, createWriteStream, fdatasyncSync, openSync, closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import type { Config } from '../config.js';
import { openEmbedded, openPostgres } from '../store/open.js';
import { exportRows, importRows } from '../store/transfer.js';

const open = (config: Config) => (config.databaseUrl === undefined ? openEmbedded(config.data, config.tenant) : openPostgres(config.databaseUrl, config.tenant));

/** Writes the whole record as JSON lines: the way from the embedded store to a server, or from one PostgreSQL to the next. */
export async function exportTo(config: Config, file: string, out: (line: string) => void): Promise<void> {
  const store = await open(config);
  try {
    const stream = createWriteStream(file, { flags: 'wx', mode: 0o600 });
    await once(stream, 'open');
    const rows = await exportRows(store.pool, config.tenant, async (line) => void (stream.write(`${line}\n`) || (await once(stream, 'drain'))), (done) => out(`${done} rows`));
    stream.end();
    await once(stream, 'finish');
    const fd = openSync(file, 'r');
    fdatasyncSync(fd);
    closeSync(fd);
    out(`${rows} rows written to ${file}`);
  } finally {
    await store.close();
  }
}

export async function importFrom(config: Config, file: string, out: (line: string) => void): Promise<void> {
  closeSync(openSync(file, 'r'));
  const store = await open(config);
  try {
    const rows = await importRows(store.pool, config.tenant, linesOf(file), (done) => out(`${done} rows`));
    await store.flush();
    out(`${rows} rows read from ${file}`);
  } finally {
    await store.close();
  }
}

/** Opened when the first line is asked for: lines that come before anybody listens would be lost. */
async function* linesOf(file: string): AsyncGenerator<string> {
  yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
}
