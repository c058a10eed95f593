import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './governor.js';

const noGo = 3;

/** What a script of `tools/` prints that builds programs of others, once. Without Go there are none, and who needs them says so; in CI that is an error. */
export async function built(script: string): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(process.execPath, [join(root, 'tools', script)])).stdout.trim();
  } catch (error) {
    if ((error as { code?: number }).code === noGo) return undefined;
    throw error;
  }
}

/** The programs that the transparency log is held to. */
export async function tlogTools(): Promise<{ readonly fsck: string; readonly witness: string } | undefined> {
  const printed = await built('tlog-tools.mjs');
  return printed === undefined ? undefined : (JSON.parse(printed) as { fsck: string; witness: string });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
