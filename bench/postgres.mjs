// A PostgreSQL server of our own for one benchmark: in a temporary folder, on the loopback, with a password nobody else knows.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, nowMs, output, sleep, start, temporary } from './support.mjs';

const installed = '/usr/lib/postgresql';

/** Folder with `initdb` and `postgres`: FLYBALL_POSTGRES_BIN, the newest one installed, or nothing. */
function binaries() {
  const versions = existsSync(installed) ? readdirSync(installed).sort((left, right) => Number(right) - Number(left)) : [];
  return [process.env.FLYBALL_POSTGRES_BIN, ...versions.map((version) => join(installed, version, 'bin'))].find((folder) => folder !== undefined && existsSync(join(folder, 'initdb')));
}

/** PostgreSQL does not run as root: then it runs as the user `postgres`, if there is one. */
function user() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  return { uid: id('-u'), gid: id('-g') };
}

/** Starts a server with its defaults; nothing when there is none on this machine. */
export async function startPostgres(pg) {
  const bin = binaries();
  if (bin === undefined) return undefined;
  let as;
  try {
    as = user();
  } catch {
    return undefined;
  }
  const folder = temporary('postgres');
  const [data, secret, password] = [join(folder, 'data'), join(folder, 'secret'), randomBytes(16).toString('hex')];
  writeFileSync(secret, password, { mode: 0o600 });
  if (as.uid !== undefined) [folder, secret].forEach((path) => chownSync(path, as.uid, as.gid));
  chmodSync(folder, 0o700);
  await output(join(bin, 'initdb'), ['-D', data, '-U', 'flyball', '-A', 'scram-sha-256', `--pwfile=${secret}`, '-E', 'UTF8', '--locale=C'], { ...as, cwd: folder });
  const port = await freePort();
  const server = start(join(bin, 'postgres'), ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`, '-c', 'log_min_messages=fatal'], { ...as, cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
  const url = `postgres://flyball:${password}@127.0.0.1:${port}/postgres`;
  for (const until = nowMs() + 30_000; ; await sleep(50)) {
    const client = new pg.Client({ connectionString: url });
    const ready = await client.connect().then(() => true, () => false);
    await client.end().catch(() => undefined);
    if (ready) break;
    if (nowMs() > until) throw new Error('PostgreSQL did not start');
  }
  const version = `PostgreSQL ${/\d+(\.\d+)*/.exec(execFileSync(join(bin, 'postgres'), ['--version']).toString())?.[0]}`;
  return { url, version, pid: server.pid, stop: () => end(server, 'SIGINT') };
}
