import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';

const fileName = 'lock.sock';

/**
 * An exclusive hold on a data directory, let go when the process ends, however it ends: two processes on one
 * embedded store lose rows in silence. A socket file in the directory is seen from every container that shares
 * it; on Linux a socket without a file beside it leaves no doubt about who was first on the same machine.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const held: Server[] = [];
  const release = async () => {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  for (const claim of [claimName, claimFile]) {
    const server = await claim(realpathSync(directory));
    if ('server' in server) held.push(server.server);
    else {
      await release();
      throw new FlyballError('store_locked', `the data directory \`${directory}\` is in use by process ${server.holder}; connect to that one, stop it, or name another with FLYBALL_DATA_DIR`);
    }
  }
  return release;
}

type Claim = { readonly server: Server } | { readonly holder: string };

/** On Linux a name that belongs to a process and vanishes with it; elsewhere nothing to claim. */
async function claimName(directory: string): Promise<Claim> {
  if (process.platform !== 'linux') return { server: createServer() };
  const name = `\0flyball-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`;
  const server = await listen(name);
  return server ? { server } : { holder: (await ask(name)) ?? 'unknown' };
}

/** A socket file outlives its process. One that nobody answers on is taken away, and put back if somebody does after all. */
async function claimFile(directory: string): Promise<Claim> {
  const { path, done } = shortPath(directory);
  try {
    const holder = await ask(join(path, fileName));
    if (holder !== undefined) return { holder };
    const aside = join(path, `lock-${process.pid}.sock`);
    if (moved(join(path, fileName), aside)) {
      const late = await ask(aside);
      if (late !== undefined) {
        moved(aside, join(path, fileName));
        return { holder: late };
      }
      rmSync(aside, { force: true });
    }
    const server = await listen(join(path, fileName));
    return server ? { server } : { holder: (await ask(join(path, fileName))) ?? 'unknown' };
  } finally {
    done();
  }
}

/** Paths of sockets may have about a hundred bytes; on Linux a directory has a short one as long as it is open. */
function shortPath(directory: string): { readonly path: string; readonly done: () => void } {
  if (process.platform !== 'linux') return { path: directory, done: () => undefined };
  const fd = openSync(directory, 'r');
  return { path: `/proc/self/fd/${fd}`, done: () => closeSync(fd) };
}

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => undefined).end(String(process.pid)));
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Who answers there: a process id, `unknown` for somebody who does not say, nothing for nobody. */
function ask(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address);
    let text: string | undefined;
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('connect', () => (text = ''));
    socket.on('data', (data) => (text = `${text ?? ''}${data.toString('latin1')}`));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text === undefined || /^\d{1,10}$/.test(text) ? text : 'unknown'));
  });
}
