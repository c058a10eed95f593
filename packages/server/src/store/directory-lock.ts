import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';

/**
 * An exclusive hold on a data directory that the operating system lets go when the process ends, however it
 * ends: two processes on one embedded store lose rows in silence.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const address = lockAddress(realpathSync(directory));
  const server = (await listen(address)) ?? (await listenAfterCrash(address));
  if (!server) {
    const holder = await ask(address);
    throw new FlyballError(
      'store_locked',
      `the data directory \`${directory}\` is in use by process ${holder}; connect to that one, stop it, or name another with --data`,
    );
  }
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** On Linux an abstract socket, which leaves no file behind; elsewhere a socket file in the directory. */
function lockAddress(directory: string): string {
  if (process.platform !== 'linux') return join(directory, 'lock.sock');
  return `\0flyball-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`;
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

/** A socket file outlives its process: it is removed when nobody answers on it, and claimed once more. */
async function listenAfterCrash(address: string): Promise<Server | undefined> {
  if (address.startsWith('\0') || (await ask(address)) !== 'unknown') return undefined;
  rmSync(address, { force: true });
  return listen(address);
}

function ask(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(address);
    let text = '';
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(/^\d{1,10}$/.test(text) ? text : 'unknown'));
  });
}
