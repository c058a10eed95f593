import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import pg from 'pg';
import { waitFor } from './governor.js';
import { freePort } from './programs.js';

const run = promisify(execFile);
const debianFolder = '/usr/lib/postgresql';

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** A real PostgreSQL of its own, on loopback, with everything durable as it would be in earnest. */
export class TestPostgres {
  #databases = 0;

  constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly start: () => Promise<ChildProcess>,
    private child: ChildProcess,
  ) {}

  /** A new, empty database on this server. */
  async database(): Promise<string> {
    const name = `test_${process.pid}_${++this.#databases}`;
    await this.query(`create database ${name}`);
    return this.url.replace(/[^/]*$/, name);
  }

  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** SIGINT: a fast shutdown; SIGQUIT: as if the power had gone. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise<void>((done) => this.child.once('exit', () => done()));
    this.child.kill(signal);
    await exited;
  }

  async restart(): Promise<void> {
    await this.stop();
    this.child = await this.start();
  }

  /** Stops every process of it in its tracks: connections stay open and nobody answers. */
  pause(): Promise<void> {
    return this.#signal('SIGSTOP');
  }

  resume(): Promise<void> {
    return this.#signal('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.resume();
    await this.stop('SIGQUIT');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The postmaster first, so that it forks nothing meanwhile. Its children have sessions of their own. */
  async #signal(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.child;
    if (pid === undefined || this.child.exitCode !== null) return;
    process.kill(pid, signal);
    const { stdout } = await run('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }));
    for (const child of stdout.split('\n').filter((line) => line !== '')) {
      try {
        process.kill(Number(child), signal);
      } catch {
        // It ended by itself since it was listed.
      }
    }
  }
}

/** Starts one. Without PostgreSQL on this machine: `undefined` and a warning; in CI, where that would hide a hole, an error. */
export async function startPostgres(): Promise<TestPostgres | undefined> {
  const bin = findBinaries();
  if (bin === undefined) {
    const message = 'no PostgreSQL found on PATH or in /usr/lib/postgresql: the tests that need one are SKIPPED';
    if (process.env['CI'] !== undefined) throw new Error(message);
    console.warn(`\n*** ${message} ***\n`);
    return undefined;
  }
  const account = accountFor();
  const folder = mkdtempSync(join(tmpdir(), 'flyball-postgres-'));
  if (account.uid !== undefined && account.gid !== undefined) chownSync(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'], { ...account, cwd: folder });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'on', synchronous_commit: 'on', max_connections: 80, shared_buffers: '32MB', log_min_messages: 'panic' };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const start = async () => {
    const child = spawn(join(bin, 'postgres'), args, { ...account, cwd: folder, stdio: 'ignore' });
    process.once('exit', () => child.kill('SIGQUIT'));
    await waitFor(() => accepts(url, child), 30_000);
    return child;
  };
  return new TestPostgres(url, folder, start, await start());
}

async function accepts(url: string, child: ChildProcess): Promise<true | undefined> {
  if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return undefined;
  }
}

function findBinaries(): string | undefined {
  const debian = existsSync(debianFolder) ? readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a)).map((version) => join(debianFolder, version, 'bin')) : [];
  return [...(process.env['PATH'] ?? '').split(delimiter), ...debian].find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')));
}

/** PostgreSQL refuses to run as root, so there it runs as its own user, or as nobody. */
function accountFor(): Account {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string, name: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) };
    } catch {
      // No such user here; the next one.
    }
  }
  throw new Error('expected a user `postgres` or `nobody` to run PostgreSQL as');
}
